using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>Exceeds each limit of a session once. It is counted with its name, and its effect is as small as possible.</summary>
public class ExceededLimitsTests
{
    [Theory]
    [InlineData(MtaTlsSessionLimit.MaxChannelsPerSession)]
    [InlineData(MtaTlsSessionLimit.MaxPendingChannels)]
    [InlineData(MtaTlsSessionLimit.MaxOpensPerSecond)]
    [InlineData(MtaTlsSessionLimit.MinPeerPacketLength)]
    [InlineData(MtaTlsSessionLimit.ReceiveBudget)]
    public async Task An_open_above_it_is_refused_and_channels_that_are_open_go_on(MtaTlsSessionLimit limit)
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o =>
        {
            o.TimeProvider = time;
            switch (limit)
            {
                case MtaTlsSessionLimit.MaxChannelsPerSession: o.Limits.MaxChannelsPerSession = 1; break;
                case MtaTlsSessionLimit.MaxPendingChannels: o.Limits.MaxPendingChannels = 1; break;
                case MtaTlsSessionLimit.MaxOpensPerSecond: o.Limits.MaxOpensPerSecond = 2; break;
                case MtaTlsSessionLimit.MinPeerPacketLength: o.Limits.MinPeerPacketLength = 64; break;
                default: o.ReceiveBudget = new MtaTlsReceiveBudget(4096); break;
            }
        });
        MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Request(2, maxPacketLength: 63), RawPeer.Request(3, maxPacketLength: 63));
        if (limit == MtaTlsSessionLimit.ReceiveBudget)
        {
            MtaTlsChannelRequest request = (await peer.Session.AcceptChannelAsync().AsTask().WaitAsync(SessionPair.HangTimeout))!;
            Assert.Throws<MtaTlsChannelRefusedException>(request.Accept);
        }
        await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        Assert.InRange(peer.Session.GetTimesExceeded(limit), 1, 2);
        Assert.Equal(peer.Session.GetTimesExceeded(limit), peer.Session.LimitsExceeded);
        await AssertWorksAsync(peer, channel);
    }

    [Theory]
    [InlineData(MtaTlsSessionLimit.MaxPacketLength)]
    [InlineData(MtaTlsSessionLimit.MaxWindowSize)]
    [InlineData(MtaTlsSessionLimit.MinPeerPacketLength)]
    [InlineData(MtaTlsSessionLimit.ChannelWriteStallTimeout)]
    public async Task A_channel_above_it_is_closed_alone(MtaTlsSessionLimit limit)
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o =>
        {
            o.TimeProvider = time;
            (o.Limits.InitialWindowSize, o.Limits.MaxPacketLength, o.Limits.MinPeerPacketLength) = (4096, 4000, 64);
        });
        MtaTlsChannel channel = await peer.OpenAsync(window: 0);
        MtaTlsChannel other = await peer.OpenAsync(2);
        switch (limit)
        {
            case MtaTlsSessionLimit.MaxPacketLength: await peer.SendAsync(RawPeer.Data(channel.Id, new byte[4001])); break;
            case MtaTlsSessionLimit.MaxWindowSize: await peer.SendAsync(RawPeer.Data(channel.Id, new byte[4000]), RawPeer.Data(channel.Id, new byte[97])); break;
            case MtaTlsSessionLimit.MinPeerPacketLength: await peer.SendAsync(RawPeer.MaxPacketLength(channel.Id, 63)); break;
            default:
                await channel.Output.WriteAsync(new byte[1]);
                time.Advance(TimeSpan.FromMinutes(5) + TimeSpan.FromSeconds(2));
                break;
        }
        Assert.Equal(channel.Id, (await peer.ReceiveAsync(PacketType.ChannelCloseRequest)).Id);
        Assert.Equal(1, peer.Session.GetTimesExceeded(limit));
        if (limit == MtaTlsSessionLimit.MaxWindowSize)
        {
            // The data within the window can be read before the error.
            ReadResult result = await channel.Input.ReadAsync().AsTask().WaitAsync(SessionPair.HangTimeout);
            Assert.Equal(4000, result.Buffer.Length);
            channel.Input.AdvanceTo(result.Buffer.End);
        }

        await Assert.ThrowsAnyAsync<IOException>(() => channel.Input.ReadAsync().AsTask().WaitAsync(SessionPair.HangTimeout));
        await AssertWorksAsync(peer, other);
    }

    [Fact]
    public async Task Acknowledgments_of_nothing_do_not_hold_off_ChannelWriteStallTimeout()
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o => o.TimeProvider = time);
        MtaTlsChannel channel = await peer.OpenAsync(window: 0);
        await channel.Output.WriteAsync(new byte[1]);
        for (int minute = 0; minute < 5; minute++)
        {
            await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 0));
            await peer.SettleAsync();
            time.Advance(TimeSpan.FromMinutes(1));
        }
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(channel.Id, (await peer.ReceiveAsync(PacketType.ChannelCloseRequest)).Id);
    }

    [Fact]
    public async Task A_channel_that_gets_window_now_and_then_is_not_stalled()
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o => o.TimeProvider = time);
        MtaTlsChannel channel = await peer.OpenAsync(window: 0);
        await channel.Output.WriteAsync(new byte[10]);
        for (int minute = 0; minute < 10; minute++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 1));
            Assert.Single((await peer.ReceiveAsync(PacketType.Plaintext)).Data);
        }
        // Without data to send, a channel can wait for any time.
        time.Advance(TimeSpan.FromMinutes(10));
        await AssertWorksAsync(peer, channel);
        Assert.Equal(0, peer.Session.LimitsExceeded);
    }

    [Theory]
    [InlineData(MtaTlsSessionLimit.MaxEmptyPacketsPerSecond)]
    [InlineData(MtaTlsSessionLimit.MaxSmallPacketsPerSecond)]
    [InlineData(MtaTlsSessionLimit.MaxAcknowledgmentsPerSecond)]
    public async Task Packets_above_a_rate_end_the_session_and_within_it_do_not(MtaTlsSessionLimit limit)
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o =>
        {
            o.TimeProvider = time;
            (o.Limits.MaxEmptyPacketsPerSecond, o.Limits.MaxSmallPacketsPerSecond, o.Limits.MaxAcknowledgmentsPerSecond) = (100, 100, 100);
        });
        MtaTlsChannel channel = await peer.OpenAsync();
        byte[] packet = limit switch
        {
            MtaTlsSessionLimit.MaxEmptyPacketsPerSecond => RawPeer.Data(channel.Id),
            MtaTlsSessionLimit.MaxSmallPacketsPerSecond => RawPeer.Data(channel.Id, new byte[31]),
            _ => RawPeer.Acknowledge(channel.Id, 1),
        };
        for (int second = 0; second < 3; second++)
        {
            await peer.SendAsync([.. Enumerable.Repeat(packet, 99)]);
            await peer.SendAsync([.. Enumerable.Repeat(RawPeer.Data(channel.Id, new byte[32]), 200)]);
            await peer.SettleAsync();   // one refused open more
            time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(0, peer.Session.LimitsExceeded);
        await peer.SendAsync([.. Enumerable.Repeat(packet, 101)]);
        Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
        Assert.Equal(1, peer.Session.GetTimesExceeded(limit));
    }

    [Fact]
    public async Task A_window_that_finds_the_budgets_used_up_is_asked_for_again_when_octets_come_back_and_not_before()
    {
        var time = new FakeTimeProvider();
        var common = new MtaTlsReceiveBudget(1 << 20);
        await using var peer = RawPeer.Create(configure: o => (o.TimeProvider, o.ReceiveBudget, o.Limits.InitialWindowSize, o.Limits.MaxPacketLength) = (time, common, 4096, 4000));
        MtaTlsChannel channel = await peer.OpenAsync();
        long taken = common.Pool.Reserve(1 << 20, kept: true);
        // Bytes that were examined and not consumed need more than was reserved.
        await peer.SendAsync(RawPeer.Data(channel.Id, new byte[4000]));
        ReadResult result = await channel.Input.ReadAtLeastAsync(4000).AsTask().WaitAsync(SessionPair.HangTimeout);
        channel.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        await UntilAsync(() => peer.Session.GetTimesExceeded(MtaTlsSessionLimit.ReceiveBudget) == 1);
        for (int i = 0; i < 100; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            await peer.SettleAsync();
        }
        Assert.Equal(1, peer.Session.GetTimesExceeded(MtaTlsSessionLimit.ReceiveBudget));
        common.Pool.Release(taken);
        time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal(4000u, (await peer.ReceiveAsync(PacketType.Acknowledgment)).UInt32(4));
        Assert.Equal(1, peer.Session.GetTimesExceeded(MtaTlsSessionLimit.ReceiveBudget));
    }

    [Fact]
    public async Task A_budget_that_is_a_part_of_another_leaves_the_rest_to_others()
    {
        var all = new MtaTlsReceiveBudget(64 * 1024);
        var greedy = new MtaTlsReceiveBudget(32 * 1024, all);
        var modest = new MtaTlsReceiveBudget(32 * 1024, all);
        await using (var one = RawPeer.Create(configure: o => o.ReceiveBudget = greedy))
        await using (var two = RawPeer.Create(configure: o => o.ReceiveBudget = modest))
        {
            var channels = new List<MtaTlsChannel>();
            for (ushort i = 1; i <= 8; i++)
            {
                channels.Add(await one.OpenAsync(i));
            }

            Assert.Equal(32 * 1024, greedy.Reserved);
            await one.SendAsync(RawPeer.Request(9));
            MtaTlsChannelRequest request = (await one.Session.AcceptChannelAsync().AsTask().WaitAsync(SessionPair.HangTimeout))!;
            Assert.Throws<MtaTlsChannelRefusedException>(request.Accept);
            Assert.Equal(1, one.Session.GetTimesExceeded(MtaTlsSessionLimit.ReceiveBudget));
            for (ushort i = 1; i <= 8; i++)
            {
                channels.Add(await two.OpenAsync(i));
            }

            Assert.Equal(64 * 1024, all.Reserved);
            foreach (MtaTlsChannel channel in channels)
            {
                await channel.DisposeAsync();
            }
        }
        Assert.Equal((0, 0, 0), (all.Reserved, greedy.Reserved, modest.Reserved));
    }

    private static async Task AssertWorksAsync(RawPeer peer, MtaTlsChannel channel)
    {
        await peer.SendAsync(RawPeer.Acknowledge(channel.Id, 1), RawPeer.Data(channel.Id, 42));
        ReadResult result = await channel.Input.ReadAsync().AsTask().WaitAsync(SessionPair.HangTimeout);
        Assert.Equal(1, result.Buffer.Length);
        channel.Input.AdvanceTo(result.Buffer.End);
        await channel.Output.WriteAsync(new byte[] { 43 });
        Assert.Equal([43], (await peer.ReceiveAsync(PacketType.Plaintext)).Data);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var hang = new CancellationTokenSource(SessionPair.HangTimeout);
        while (!condition())
        {
            await Task.Delay(1, hang.Token);
        }
    }
}
