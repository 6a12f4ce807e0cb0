using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>A hostile peer tries to make this end use more memory or CPU time than the peer uses itself.</summary>
public class HostilePeerTests
{
    [Fact]
    public async Task A_Success_that_names_a_live_channel_fails_the_open_and_gives_its_budget_back()
    {
        var budget = new MtaTlsReceiveBudget(1 << 20);
        await using (var peer = RawPeer.Create(MtaTlsRole.Client, o => o.ReceiveBudget = budget))
        {
            Task<MtaTlsChannel> first = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
            ushort sender = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).UInt16(0);
            await peer.SendAsync(RawPeer.Success(sender, 0x8000));
            await using MtaTlsChannel live = await first.WaitAsync(SessionPair.HangTimeout);
            Task<MtaTlsChannel> second = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
            await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest);
            await peer.SendAsync(RawPeer.Success(sender, 0x8000));
            await Assert.ThrowsAsync<MtaTlsSessionException>(() => second.WaitAsync(SessionPair.HangTimeout));
        }
        Assert.Equal(0, budget.Reserved);
    }

    [Fact]
    public async Task A_long_packet_that_comes_octet_by_octet_fills_its_block()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.MaxPacketLength = 200_000);
        await using MtaTlsChannel channel = await peer.OpenAsync();
        await peer.SendAsync(RawPeer.Data(channel.Id, new byte[100_000])[..PacketHeader.DataSize]);
        for (int sent = 1; sent <= 50; sent++)
        {
            await peer.SendAsync([0]);
            await UntilAsync(() => channel.BytesReceived == sent);
        }
        ReadResult result = await channel.Input.ReadAtLeastAsync(50);
        Assert.True(result.Buffer.IsSingleSegment);
        channel.Input.AdvanceTo(result.Buffer.End);
    }

    [Fact]
    public async Task A_channel_whose_id_the_peer_can_only_guess_was_never_open()
    {
        await using RawPeer peer = await StalledAsync();
        await peer.SendAsync(RawPeer.Request(2));
        MtaTlsChannel channel = (await peer.Session.AcceptChannelAsync())!.Accept();
        await peer.SendAsync(RawPeer.Close(channel.Id));
        Assert.Contains("never open", Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync()).Message);
    }

    [Fact]
    public async Task A_close_that_was_not_sent_yet_is_not_confirmed()
    {
        MtaTlsChannel? other = null;
        await using RawPeer peer = await StalledAsync(async peer => other = await peer.OpenAsync(2));
        await other!.CloseAsync();
        await peer.SendAsync(RawPeer.Confirm(other.Id));
        await UntilAsync(() => peer.Session.GetStatistics().ChannelErrors == 1);
        // The id is not free: the close that is sent when the peer reads still needs a confirmation.
        Assert.Equal(2, peer.Session.ActiveChannels);
        RawPacket close = await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        await peer.SendAsync(RawPeer.Confirm(close.Id));
        await UntilAsync(() => peer.Session.ActiveChannels == 1);
    }

    [Fact]
    public async Task max_packet_length_0_is_an_error_of_its_channel_alone()
    {
        await using var peer = RawPeer.Create();
        MtaTlsChannel channel = await peer.OpenAsync(1);
        MtaTlsChannel other = await peer.OpenAsync(2);
        await peer.SendAsync(RawPeer.MaxPacketLength(channel.Id, 0));
        Assert.Equal(channel.Id, (await peer.ReceiveAsync(PacketType.ChannelCloseRequest)).Id);
        Assert.Equal(1, peer.Session.GetStatistics().ChannelErrors);
        await peer.SendAsync(RawPeer.Request(3, maxPacketLength: 0));
        Assert.Equal(3, (await peer.ReceiveAsync(PacketType.ChannelRequestEchec)).UInt16(0));
        await other.Output.WriteAsync(new byte[100]);
        Assert.Equal(100, (await peer.ReceiveAsync(PacketType.Plaintext)).Data.Length);
        Assert.Equal(0, peer.Session.LimitsExceeded);
    }

    [Fact]
    public async Task A_Success_with_max_packet_length_0_fails_its_open_alone()
    {
        await using var peer = RawPeer.Create(MtaTlsRole.Client);
        Task<MtaTlsChannel> open = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
        ushort sender = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).UInt16(0);
        await peer.SendAsync(RawPeer.Success(sender, 0x8000, maxPacketLength: 0));
        await Assert.ThrowsAsync<MtaTlsChannelException>(() => open.WaitAsync(SessionPair.HangTimeout));
        await peer.SendAsync(RawPeer.Confirm((await peer.ReceiveAsync(PacketType.ChannelCloseRequest)).Id));
        await UntilAsync(() => peer.Session.ActiveChannels == 0);
        Assert.False(peer.Session.Completion.IsCompleted);
    }

    [Fact]
    public async Task A_peer_that_does_not_read_loses_its_session_after_WriteStallTimeout()
    {
        var time = new FakeTimeProvider();
        await using RawPeer peer = await StalledAsync(configure: o => o.TimeProvider = time);
        time.Advance(TimeSpan.FromSeconds(59));
        await Task.Delay(50);
        Assert.False(peer.Session.Completion.IsCompleted);
        await UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(10));
            return peer.Session.Completion.IsCompleted;
        });
        Assert.Contains("does not read", (await peer.FailureAsync()).Message);
    }

    [Fact]
    public async Task An_open_that_takes_only_tiny_packets_is_refused()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.MinPeerPacketLength = 64);
        await peer.SendAsync(RawPeer.Request(1, maxPacketLength: 63));
        Assert.Equal(1, (await peer.ReceiveAsync(PacketType.ChannelRequestEchec)).UInt16(0));
        await peer.OpenAsync(2, maxPacketLength: 64);
    }

    [Fact]
    public async Task A_channel_that_falls_to_tiny_packets_is_closed_alone()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.MinPeerPacketLength = 64);
        MtaTlsChannel channel = await peer.OpenAsync();
        MtaTlsChannel other = await peer.OpenAsync(2);
        await peer.SendAsync(RawPeer.MaxPacketLength(channel.Id, 63), RawPeer.MaxPacketLength(other.Id, 64));
        Assert.Equal(channel.Id, (await peer.ReceiveAsync(PacketType.ChannelCloseRequest)).Id);
        await other.Output.WriteAsync(new byte[100]);
        Assert.Equal(64, (await peer.ReceiveAsync(PacketType.Plaintext)).Data.Length);
        Assert.Equal(1, peer.Session.GetStatistics().ChannelErrors);
    }

    [Fact]
    public async Task A_Success_that_takes_only_tiny_packets_fails_the_open_and_closes_the_channel()
    {
        await using var peer = RawPeer.Create(MtaTlsRole.Client, configure: o => o.Limits.MinPeerPacketLength = 64);
        Task<MtaTlsChannel> open = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
        ushort sender = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).UInt16(0);
        await peer.SendAsync(RawPeer.Success(sender, 0x8000, maxPacketLength: 1));
        await Assert.ThrowsAsync<MtaTlsChannelException>(() => open.WaitAsync(SessionPair.HangTimeout));
        RawPacket close = await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        await peer.SendAsync(RawPeer.Confirm(close.Id));
        await UntilAsync(() => peer.Session.ActiveChannels == 0);
    }

    [Fact]
    public async Task Opens_above_MaxOpensPerSecond_are_refused_until_the_second_is_over()
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o => (o.TimeProvider, o.Limits.MaxOpensPerSecond) = (time, 2));
        await peer.OpenAsync(1);
        await peer.OpenAsync(2);
        await peer.SendAsync(RawPeer.Request(3));
        Assert.Equal(3, (await peer.ReceiveAsync(PacketType.ChannelRequestEchec)).UInt16(0));
        time.Advance(TimeSpan.FromSeconds(1));
        await peer.OpenAsync(4);
    }

    [Theory]
    [InlineData(3)]   // opens that are refused
    [InlineData(4)]   // packets for a channel that was closed
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task More_than_MaxEmptyPacketsPerSecond_end_the_session(int type)
    {
        var time = new FakeTimeProvider();
        await using var peer = RawPeer.Create(configure: o => (o.TimeProvider, o.Limits.MaxEmptyPacketsPerSecond) = (time, 100));
        MtaTlsChannel channel = await peer.OpenAsync();
        MtaTlsChannel closed = await peer.OpenAsync(2);
        await peer.SendAsync(RawPeer.Close(closed.Id));
        byte[] packet = type switch
        {
            3 => RawPeer.Request(3, host: "not/valid"),
            4 => RawPeer.Close(closed.Id),
            6 => RawPeer.Data(channel.Id),
            7 => RawPeer.MaxPacketLength(channel.Id, 1000),
            _ => RawPeer.Acknowledge(channel.Id, 0),
        };
        for (int second = 0; second < 3; second++)
        {
            await peer.SendAsync([.. Enumerable.Repeat(packet, 99)]);
            await peer.SettleAsync();   // one refused open more
            time.Advance(TimeSpan.FromSeconds(1));
        }
        await peer.SendAsync([.. Enumerable.Repeat(packet, 101)]);
        Assert.Contains("carry nothing", Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync()).Message);
    }

    /// <summary>Creates a peer that stops reading in the middle of a channel's data, so that the session's send loop waits.</summary>
    private static async Task<RawPeer> StalledAsync(Func<RawPeer, Task>? before = null, Action<MtaTlsSessionOptions>? configure = null)
    {
        var peer = RawPeer.Create(
            configure: o =>
            {
                o.Limits.CloseTimeout = TimeSpan.FromMilliseconds(200);
                configure?.Invoke(o);
            },
            pauseWriterThreshold: 1024);
        MtaTlsChannel channel = await peer.OpenAsync();
        if (before is not null)
        {
            await before(peer);
        }

        _ = channel.Output.WriteAsync(new byte[500_000]).AsTask();
        // The send loop writes four full packets before a flush, and stalls in the flush. Until then it would also send what comes later.
        await peer.ArrivedAsync(65_500);
        return peer;
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
