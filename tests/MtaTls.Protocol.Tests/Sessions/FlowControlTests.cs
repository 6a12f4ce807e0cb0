using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>Section 2.2 and docs/mta-tls-wire.md "Flow control".</summary>
public class FlowControlTests
{
    private static readonly TimeSpan s_hang = SessionPair.HangTimeout;

    [Fact]
    public async Task A_window_of_zero_waits_for_an_Acknowledgment_and_other_packets_go_out()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(window: 0, maxPacketLength: 1000);
        await channel.Output.WriteAsync("hello"u8.ToArray());
        await peer.SettleAsync();   // an answer is sent, the data is not
        Assert.Equal(0, channel.BytesSent);
        Assert.Equal(1, peer.Session.GetStatistics().WindowStalls);
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 2));
        Assert.Equal("he"u8.ToArray(), (await peer.ReceiveAsync(PacketType.Plaintext)).Data);
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 100));
        Assert.Equal("llo"u8.ToArray(), (await peer.ReceiveAsync(PacketType.Plaintext)).Data);
    }

    [Fact]
    public async Task No_packet_is_longer_than_the_peers_max_packet_length_and_the_newest_counts()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(window: 1000, maxPacketLength: 300);
        Task writing = channel.Output.WriteAsync(new byte[2000]).AsTask();
        Assert.Equal(new[] { 300, 300, 300, 100 }, await LengthsAsync(4));
        await peer.SendAsync(RawPeer.MaxPacketLength(channel.Id, 450), RawPeer.Acknowledge(channel.Id, 1000));
        Assert.Equal(new[] { 450, 450, 100 }, await LengthsAsync(3));
        await writing.WaitAsync(s_hang);

        async Task<int[]> LengthsAsync(int count)
        {
            int[] lengths = new int[count];
            for (int i = 0; i < count; i++)
            {
                lengths[i] = (await peer.ReceiveAsync(PacketType.Plaintext)).Data.Length;
            }

            return lengths;
        }
    }

    [Fact]
    public async Task A_max_packet_length_above_the_window_is_cut_to_it()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(window: 10, maxPacketLength: uint.MaxValue);
        await channel.Output.WriteAsync(new byte[25]);
        Assert.Equal(10, (await peer.ReceiveAsync(PacketType.Plaintext)).Data.Length);
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 15));
        Assert.Equal(15, (await peer.ReceiveAsync(PacketType.Plaintext)).Data.Length);
    }

    [Fact]
    public async Task An_Acknowledgment_is_an_increment_and_the_sum_may_exceed_the_first_window()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(window: 10);
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 90));
        await peer.SettleAsync();
        await channel.Output.WriteAsync(new byte[101]);
        Assert.Equal(100, (await peer.ReceiveAsync(PacketType.Plaintext)).Data.Length);
    }

    [Fact]
    public async Task An_Acknowledgment_of_zero_is_ignored_and_counted()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 0));
        await peer.SettleAsync();
        Assert.Equal(1, peer.Session.GetStatistics().EmptyAcknowledgments);
        Assert.Equal(0, peer.Session.GetStatistics().ChannelErrors);
    }

    [Fact]
    public async Task An_Acknowledgment_overflow_closes_the_channel_and_nothing_else()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel other = await peer.OpenAsync(1);
        MtaTlsChannel channel = await peer.OpenAsync(2, window: 1);
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, uint.MaxValue - 1));
        await peer.SettleAsync();
        Assert.Equal(0, peer.Session.GetStatistics().ChannelErrors);   // 2^32-1 is still a window
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 1));
        await AssertOnlyClosedAsync(peer, channel, other);
    }

    [Fact]
    public async Task Data_beyond_the_window_close_the_channel_and_nothing_else()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.InitialWindowSize = 4096);
        MtaTlsChannel other = await peer.OpenAsync(1);
        MtaTlsChannel channel = await peer.OpenAsync(2);
        await peer.SendAsync(RawPeer.Data(channel.Id, new byte[4000]), RawPeer.Data(channel.Id, new byte[97]));
        await AssertOnlyClosedAsync(peer, channel, other);
    }

    [Fact]
    public async Task A_packet_longer_than_was_announced_closes_the_channel_and_its_data_are_skipped()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.MaxPacketLength = 1000);
        MtaTlsChannel other = await peer.OpenAsync(1);
        MtaTlsChannel channel = await peer.OpenAsync(2);
        await peer.SendAsync(RawPeer.Data(channel.Id, new byte[1000]), RawPeer.Data(channel.Id, new byte[1_000_000]));
        await AssertOnlyClosedAsync(peer, channel, other);
        Assert.Equal(1000, channel.BytesReceived);
    }

    private static async Task AssertOnlyClosedAsync(RawPeer peer, MtaTlsChannel channel, MtaTlsChannel other)
    {
        RawPacket close = await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        Assert.Equal(channel.Id, close.Id);
        await Assert.ThrowsAsync<MtaTlsChannelException>(() => ReadAllAsync(channel.Input));
        Assert.True(peer.Transport.ResumptionForbidden);
        Assert.Equal(1, peer.Session.GetStatistics().ChannelErrors);
        await peer.SendAsync(RawPeer.Confirm(channel.Id), RawPeer.Data(other.Id, 42));
        ReadResult result = await other.Input.ReadAsync().AsTask().WaitAsync(s_hang);
        Assert.Equal(1, result.Buffer.Length);
        other.Input.AdvanceTo(result.Buffer.End);
        Assert.False(peer.Session.Completion.IsCompleted);
    }

    [Fact]
    public async Task A_data_packet_of_length_zero_is_legal_and_counted()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Data(channel.Id), RawPeer.Data(channel.Id), RawPeer.Data(channel.Id, 1));
        ReadResult result = await channel.Input.ReadAsync().AsTask().WaitAsync(s_hang);
        Assert.Equal(1, result.Buffer.Length);
        Assert.Equal(2, peer.Session.GetStatistics().EmptyDataPackets);
    }

    [Fact]
    public async Task Credit_is_earned_by_what_was_examined_not_only_by_what_was_consumed()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.InitialWindowSize = 8192);
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Data(channel.Id, new byte[8000]));
        ReadResult result = await channel.Input.ReadAtLeastAsync(8000).AsTask().WaitAsync(s_hang);
        channel.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        RawPacket acknowledgment = await peer.ReceiveAsync(PacketType.Acknowledgment);
        Assert.Equal(8000u, acknowledgment.UInt32(4));
        await peer.SendAsync(RawPeer.Data(channel.Id, new byte[8000]));
        result = await channel.Input.ReadAtLeastAsync(16_000).AsTask().WaitAsync(s_hang);
        Assert.Equal(16_000, result.Buffer.Length);
    }

    [Fact]
    public async Task Nothing_is_acknowledged_before_it_was_examined()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.InitialWindowSize = 8192);
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Data(channel.Id, new byte[8000]));
        Assert.Equal(8000, (await channel.Input.ReadAtLeastAsync(8000).AsTask().WaitAsync(s_hang)).Buffer.Length);
        await peer.SendAsync(RawPeer.Request(0x70, host: "not/valid"));
        Assert.Equal(PacketType.ChannelRequestEchec, (await peer.ReceiveAsync())!.Type);
    }

    [Fact]
    public async Task A_drained_buffer_is_always_acknowledged_however_little_it_was()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Data(channel.Id, 1, 2, 3));
        ReadResult result = await channel.Input.ReadAtLeastAsync(3).AsTask().WaitAsync(s_hang);
        channel.Input.AdvanceTo(result.Buffer.End);
        Assert.Equal(3u, (await peer.ReceiveAsync(PacketType.Acknowledgment)).UInt32(4));
    }

    [Fact]
    public async Task Short_exchanges_are_acknowledged_together()
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o => o.TimeProvider = time);
        MtaTlsChannel channel = await peer.OpenAsync();
        var acknowledged = new List<uint>();
        for (int i = 0; i < 20; i++)
        {
            await peer.SendAsync(RawPeer.Data(channel.Id, 1, 2, 3));
            ReadResult result = await channel.Input.ReadAtLeastAsync(3).AsTask().WaitAsync(s_hang);
            channel.Input.AdvanceTo(result.Buffer.End);
            await channel.Output.WriteAsync(new byte[1]);
            while ((await peer.ReceiveAsync())! is { Type: not PacketType.Plaintext } packet)
            {
                acknowledged.Add(packet.UInt32(4));
            }
        }
        // The last reply has arrived, so the Acknowledgments of the first one were sent and the pause has begun.
        time.Advance(TimeSpan.FromMilliseconds(100));
        acknowledged.Add((await peer.ReceiveAsync(PacketType.Acknowledgment)).UInt32(4));
        Assert.Equal(2, acknowledged.Count);
        Assert.Equal(60u, acknowledged[0] + acknowledged[1]);
    }

    [Fact]
    public async Task A_window_that_was_small_announces_a_larger_max_packet_length_when_it_grows()
    {
        // The shared part of the budget is used up, so that the channel starts with the smallest window.
        var common = new MtaTlsReceiveBudget(1 << 20);
        long taken = common.Pool.Reserve((1 << 20) - 8192, kept: true);
        await using var peer = RawPeer.Create(configure: o => o.ReceiveBudget = common);
        await peer.SendAsync(RawPeer.Request(1));
        MtaTlsChannel channel = (await peer.Session.AcceptChannelAsync().AsTask().WaitAsync(s_hang))!.Accept();
        RawPacket success = await peer.ReceiveAsync(PacketType.ChannelEstablishmentSuccess);
        Assert.Equal(4096u, success.UInt32(4));
        Assert.Equal(4095u, success.UInt32(8));
        common.Pool.Release(taken);
        uint announced = 4095;
        uint credit = 4096;
        // The window grows when the reader is fast. On a busy machine that can take several attempts.
        for (int i = 0; i < 1000 && announced == 4095; i++)
        {
            int length = (int)Math.Min(credit, announced);
            await peer.SendAsync(RawPeer.Data(channel.Id, new byte[length]));
            credit -= (uint)length;
            ReadResult result = await channel.Input.ReadAtLeastAsync(length).AsTask().WaitAsync(s_hang);
            channel.Input.AdvanceTo(result.Buffer.End);
            // Until the whole window is free again. More than the first window means that it has grown and that the announcement follows.
            while (credit < 4096 || credit > 4096 && announced == 4095)
            {
                RawPacket? packet = await peer.ReceiveAsync();
                if (packet!.Type == PacketType.NewMaxPacketLength)
                {
                    announced = packet.UInt32(4);
                }
                else
                {
                    credit += packet.UInt32(4);
                }
            }
        }
        Assert.InRange(announced, 8190u, 16_375u);
    }

    [Fact]
    public async Task One_stuck_reader_stalls_nobody()
    {
        await using var pair = SessionPair.Create();
        (MtaTlsChannel stuckClient, MtaTlsChannel stuckServer) = await pair.OpenAsync();
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        Task stuck = stuckClient.Output.WriteAsync(new byte[2_000_000]).AsTask();
        Task writing = client.Output.WriteAsync(new byte[2_000_000]).AsTask();
        await ReadExactlyAsync(server.Input, 2_000_000).WaitAsync(s_hang);
        await writing.WaitAsync(s_hang);
        Assert.False(stuck.IsCompleted);
        await ReadExactlyAsync(stuckServer.Input, 2_000_000).WaitAsync(s_hang);
        await stuck.WaitAsync(s_hang);
    }

    [Fact]
    public async Task Neither_budget_is_exceeded_and_all_of_it_comes_back()
    {
        var common = new MtaTlsReceiveBudget(512 * 1024);
        var limits = new MtaTlsSessionLimits { MaxChannelsPerSession = 16, SessionReceiveBudget = 1 << 20 };
        await using var pair = SessionPair.Create(server: new() { Limits = limits, ReceiveBudget = common });
        var transfers = new List<Task>();
        var channels = new List<MtaTlsChannel>();
        for (int i = 0; i < 16; i++)
        {
            (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
            channels.AddRange([client, server]);
            transfers.Add(Task.Run(async () => await client.Output.WriteAsync(new byte[500_000])));
            transfers.Add(ReadExactlyAsync(server.Input, 500_000));
            Assert.InRange(common.Reserved, 4096, common.Size);
        }
        await Task.WhenAll(transfers).WaitAsync(s_hang);
        Assert.InRange(common.Reserved, 16 * 4096, common.Size);
        foreach (MtaTlsChannel channel in channels)
        {
            await channel.DisposeAsync();
        }

        await pair.Client.ShutdownAsync().WaitAsync(s_hang);
        await pair.Server.Completion.WaitAsync(s_hang);
        Assert.Equal(0, common.Reserved);
        Assert.Equal(0, pair.Server.Budget.SharedReserved);
    }

    [Fact]
    public async Task When_the_common_budget_has_no_floor_left_a_channel_is_refused()
    {
        var common = new MtaTlsReceiveBudget(10_000);
        await using var pair = SessionPair.Create(server: new() { ReceiveBudget = common, ChannelRequested = static r => r.Accept() });
        var opened = new List<MtaTlsChannel>();
        MtaTlsChannelRefusedException? refused = null;
        while (refused is null)
        {
            try
            {
                opened.Add(await pair.Client.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask().WaitAsync(s_hang));
            }
            catch (MtaTlsChannelRefusedException e)
            {
                refused = e;
            }
        }
        Assert.Equal(2, opened.Count);
        Assert.InRange(common.Reserved, 8192, 10_000);
    }

    internal static async Task ReadExactlyAsync(PipeReader reader, long count)
    {
        while (count > 0)
        {
            ReadResult result = await reader.ReadAsync();
            count -= result.Buffer.Length;
            reader.AdvanceTo(result.Buffer.End);
            Assert.False(result.IsCompleted && count > 0);
        }
    }

    internal static async Task<byte[]> ReadAllAsync(PipeReader reader)
    {
        var all = new ArrayBufferWriter<byte>();
        while (true)
        {
            ReadResult result = await reader.ReadAsync().AsTask().WaitAsync(s_hang);
            foreach (ReadOnlyMemory<byte> part in result.Buffer)
            {
                all.Write(part.Span);
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return all.WrittenSpan.ToArray();
            }
        }
    }
}
