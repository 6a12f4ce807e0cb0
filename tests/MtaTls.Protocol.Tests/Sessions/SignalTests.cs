using System.Buffers;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>docs/mta-tls-wire.md, "Signals": opens to names that cannot exist.</summary>
public class SignalTests
{
    private const string Ping = "ping.mta-tls.invalid";
    private const string GoAway = "go-away.mta-tls.invalid";
    private static readonly TimeSpan s_hang = SessionPair.HangTimeout;

    [Fact]
    public async Task A_ping_is_a_small_open_and_a_refusal_answers_it()
    {
        await using var peer = RawPeer.Create(MtaTlsRole.Client);
        Task<TimeSpan> ping = peer.Session.PingAsync().AsTask();
        ushort sender = await SignalAsync(peer, Ping, port: 0);
        await peer.SendAsync(RawPeer.Echec(sender, "unknown host"));
        Assert.True(await ping.WaitAsync(s_hang) > TimeSpan.Zero);
        Assert.Equal(0, peer.Session.GetStatistics().OpensRefusedByPeer);
    }

    [Fact]
    public async Task A_ping_that_the_peer_accepts_is_answered_and_its_channel_closed()
    {
        await using var peer = RawPeer.Create(MtaTlsRole.Client);
        Task<TimeSpan> ping = peer.Session.PingAsync().AsTask();
        ushort sender = await SignalAsync(peer, Ping, port: 0);
        await peer.SendAsync(RawPeer.Success(sender, 0x8001), RawPeer.Data(new ChannelId((uint)sender << 16 | 0x8001), 1));
        await ping.WaitAsync(s_hang);
        RawPacket close = await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        await peer.SendAsync(RawPeer.Confirm(close.Id));
        await peer.SettleAsync();
        Assert.Equal(0, peer.Session.ActiveChannels);
        Assert.False(peer.Session.Completion.IsCompleted);
    }

    [Fact]
    public async Task A_ping_is_answered_without_the_application_and_is_no_refused_open()
    {
        await using var peer = RawPeer.Create(configure: o => o.ChannelRequested = _ => Assert.Fail("a ping is not the application's"));
        await peer.SendAsync(RawPeer.Request(1, window: 2, maxPacketLength: 1, host: "PING.mta-tls.invalid", port: 0));
        RawPacket answer = await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        Assert.Equal(1, answer.UInt16(0));
        MtaTlsSessionStatistics statistics = peer.Session.GetStatistics();
        Assert.Equal((0, 1), (statistics.OpensRefused, statistics.PingsReceived));
    }

    [Fact]
    public async Task A_ping_is_answered_by_a_session_that_is_full_or_takes_no_channels()
    {
        await using var peer = RawPeer.Create(configure: o =>
        {
            o.Limits.MaxChannelsPerSession = o.Limits.MaxPendingChannels = 1;
            o.Limits.MaxOpensPerSecond = 1;
        });
        await peer.OpenAsync(sender: 1);
        peer.Session.RefuseNewChannels();
        await peer.SendAsync(RawPeer.Request(2, host: Ping, port: 0));
        await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        MtaTlsSessionStatistics statistics = peer.Session.GetStatistics();
        Assert.Equal((0, 1), (statistics.OpensRefused, statistics.PingsReceived));
    }

    [Fact]
    public async Task Pings_are_sent_and_answered_while_every_window_is_full()
    {
        await using var peer = RawPeer.Create(configure: o => o.Limits.InitialWindowSize = 4096);
        MtaTlsChannel channel = await peer.OpenAsync(sender: 1, window: 0);
        // The application reads nothing, and the peer grants no window.
        await peer.SendAsync(RawPeer.Data(channel.Id, new byte[4000]));
        channel.Output.Write(new byte[100_000]);
        _ = channel.Output.FlushAsync().AsTask();
        await peer.SendAsync(RawPeer.Request(2, host: Ping, port: 0));
        await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        Task<TimeSpan> ping = peer.Session.PingAsync().AsTask();
        ushort sender = await SignalAsync(peer, Ping, port: 0);
        await peer.SendAsync(RawPeer.Echec(sender, "no"));
        await ping.WaitAsync(s_hang);
    }

    [Fact]
    public async Task MaxSignalsPerSecond_is_held_and_the_session_goes_on()
    {
        var time = new FakeTimeProvider();
        int goAways = 0;
        await using var peer = RawPeer.Create(configure: o =>
        {
            o.TimeProvider = time;
            o.Limits.MaxSignalsPerSecond = 3;
            o.GoAwayReceived = _ => goAways++;
        });
        for (ushort i = 0; i < 10; i++)
        {
            await peer.SendAsync(RawPeer.Request(i, host: Ping, port: 0));
            await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        }
        await peer.SendAsync(RawPeer.Request(20, host: GoAway, port: 5));
        await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        Assert.Equal(3, peer.Session.GetStatistics().PingsReceived);
        Assert.Equal(8, peer.Session.GetTimesExceeded(MtaTlsSessionLimit.MaxSignalsPerSecond));
        Assert.Equal(8, peer.Session.GetStatistics().OpensRefused);
        Assert.Equal(0, goAways);
        Assert.False(peer.Session.IsPeerGoingAway);
        await peer.OpenAsync(sender: 30);

        time.Advance(TimeSpan.FromSeconds(1.1));
        await peer.SendAsync(RawPeer.Request(21, host: GoAway, port: 5));
        await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        Assert.Equal(1, goAways);
    }

    [Fact]
    public async Task Refused_signals_above_the_limit_count_as_packets_that_carry_nothing()
    {
        await using var peer = RawPeer.Create(configure: o =>
        {
            o.TimeProvider = new FakeTimeProvider();
            o.Limits.MaxSignalsPerSecond = 1;
            o.Limits.MaxEmptyPacketsPerSecond = 20;
        });
        for (ushort i = 0; i < 30; i++)
        {
            await peer.SendAsync(RawPeer.Request(i, host: Ping, port: 0));
        }

        await peer.FailureAsync();
        Assert.Equal(1, peer.Session.GetTimesExceeded(MtaTlsSessionLimit.MaxEmptyPacketsPerSecond));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4.2, 5)]
    [InlineData(1_000_000, 65_535)]
    public async Task A_go_away_carries_the_seconds_as_its_port(double seconds, int port)
    {
        await using var peer = RawPeer.Create();
        Task goAway = peer.Session.GoAwayAsync(TimeSpan.FromSeconds(seconds)).AsTask();
        ushort sender = await SignalAsync(peer, GoAway, port);
        await peer.SendAsync(RawPeer.Echec(sender, "no"));
        await goAway.WaitAsync(s_hang);
    }

    [Fact]
    public async Task A_go_away_is_told_and_open_channels_go_on()
    {
        var told = new TaskCompletionSource<TimeSpan>();
        await using var peer = RawPeer.Create(configure: o => o.GoAwayReceived = told.SetResult);
        await peer.OpenAsync(sender: 1);
        await peer.SendAsync(RawPeer.Request(2, window: 2, maxPacketLength: 1, host: GoAway, port: 77));
        await peer.ReceiveAsync(PacketType.ChannelRequestEchec);
        Assert.Equal(TimeSpan.FromSeconds(77), await told.Task.WaitAsync(s_hang));
        Assert.True(peer.Session.IsPeerGoingAway);
        Assert.Equal(1, peer.Session.ActiveChannels);
        Assert.Equal(0, peer.Session.GetStatistics().PingsReceived);
    }

    [Fact]
    public async Task A_signal_with_the_sender_id_of_a_pending_open_ends_the_session_as_any_open_does()
    {
        await using var peer = RawPeer.Create();
        await peer.SendAsync(RawPeer.Request(1), RawPeer.Request(1, host: Ping, port: 0));
        Assert.IsType<MtaTlsProtocolException>(await peer.FailureAsync());
    }

    [Fact]
    public async Task A_ping_without_an_answer_does_not_hold_a_shutdown_up()
    {
        await using var peer = RawPeer.Create();
        Task<TimeSpan> ping = peer.Session.PingAsync().AsTask();
        await SignalAsync(peer, Ping, port: 0);
        Task shutdown = peer.Session.ShutdownAsync();
        Assert.Null(await peer.ReceiveAsync());
        await peer.EndAsync();
        await shutdown.WaitAsync(s_hang);
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => ping.WaitAsync(s_hang));
    }

    internal static async Task<ushort> SignalAsync(RawPeer peer, string host, int port)
    {
        var request = ChannelEstablishmentRequest.Read((await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).Body);
        Assert.Equal(System.Text.Encoding.ASCII.GetBytes(host), request.DestinationAddressMachine.ToArray());
        Assert.Equal(port, request.DestinationPort);
        Assert.Equal((2u, 1u), (request.SenderWindowLength, request.SenderMaxPacketLength));
        return request.SenderChannelId;
    }
}
