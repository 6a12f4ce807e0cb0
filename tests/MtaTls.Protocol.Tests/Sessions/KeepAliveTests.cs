using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>The session of a silent peer ends. The session of a peer that answers in any way does not.</summary>
public class KeepAliveTests
{
    private const string Ping = "ping.mta-tls.invalid";
    private static readonly TimeSpan s_hang = SessionPair.HangTimeout;

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_peer_that_does_not_answer_is_left_after_Interval_and_Timeout()
    {
        await using RawPeer peer = Create(MtaTlsKeepAlivePolicy.Always);
        _time.Advance(TimeSpan.FromSeconds(14.9));
        _time.Advance(TimeSpan.FromSeconds(0.2));
        await SignalTests.SignalAsync(peer, Ping, 0);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(peer.Session.Completion.IsCompleted);
        Assert.True(peer.Session.IsSuspected);
        _time.Advance(TimeSpan.FromSeconds(1));
        MtaTlsSessionException failure = await peer.FailureAsync();
        Assert.Contains("did not answer a ping", failure.Message, StringComparison.Ordinal);
        Assert.IsType<TimeoutException>(failure.InnerException);
        Assert.Equal(1, peer.Session.GetTimesExceeded(MtaTlsSessionLimit.KeepAliveTimeout));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_that_accepts_or_refuses_every_ping_stays(bool accepts)
    {
        var answered = new List<TimeSpan>();
        await using RawPeer peer = Create(MtaTlsKeepAlivePolicy.Always, o => o.PingAnswered = answered.Add);
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(15.1));
            ushort sender = await SignalTests.SignalAsync(peer, Ping, 0);
            _time.Advance(TimeSpan.FromSeconds(0.3));
            if (accepts)
            {
                await peer.SendAsync(RawPeer.Success(sender, (ushort)i));
                await peer.SendAsync(RawPeer.Confirm((await peer.ReceiveAsync(PacketType.ChannelCloseRequest)).Id));
            }
            else
            {
                await peer.SendAsync(RawPeer.Echec(sender, "no"));
            }

            await peer.SettleAsync();
        }
        Assert.Equal(10, answered.Count);
        Assert.All(answered, static roundTrip => Assert.Equal(0.3, roundTrip.TotalSeconds, 3));
        Assert.False(peer.Session.IsSuspected);
        Assert.False(peer.Session.Completion.IsCompleted);
    }

    [Fact]
    public async Task A_peer_that_ignores_pings_but_sends_other_packets_stays()
    {
        await using RawPeer peer = Create(MtaTlsKeepAlivePolicy.Always);
        _time.Advance(TimeSpan.FromSeconds(15.1));
        await SignalTests.SignalAsync(peer, Ping, 0);
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(9));
            await peer.SettleAsync();
        }
        Assert.False(peer.Session.Completion.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(11));
        await peer.FailureAsync();
    }

    [Fact]
    public async Task Nothing_is_sent_while_bytes_arrive_or_without_channels()
    {
        await using RawPeer peer = Create(MtaTlsKeepAlivePolicy.WithChannels);
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(60));
        }

        MtaTlsChannel channel = await peer.OpenAsync(sender: 1);
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await peer.SettleAsync();
        }
        Assert.Equal(1, peer.Session.ActiveChannels);
        Assert.False(peer.Session.Completion.IsCompleted);

        // The first request that the session sends comes after a silence.
        _time.Advance(TimeSpan.FromSeconds(15.1));
        await SignalTests.SignalAsync(peer, Ping, 0);
        GC.KeepAlive(channel);
    }

    [Fact]
    public async Task Never_sends_no_ping_and_ends_nothing()
    {
        await using RawPeer peer = Create(MtaTlsKeepAlivePolicy.Never);
        await peer.OpenAsync(sender: 1);
        peer.Session.Probe(TimeSpan.FromSeconds(1));
        for (int i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
        }

        await peer.SettleAsync();
        Assert.False(peer.Session.Completion.IsCompleted);
    }

    [Fact]
    public async Task An_open_without_an_answer_makes_the_session_suspected_and_fails_before_the_session_does()
    {
        int suspicions = 0;
        await using RawPeer peer = Create(MtaTlsKeepAlivePolicy.WithChannels, o => o.Suspected = () => suspicions++, MtaTlsRole.Client);
        Task<MtaTlsChannel> open = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
        ushort sender = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).UInt16(0);
        _time.Advance(TimeSpan.FromSeconds(1));
        ushort ping = await SignalTests.SignalAsync(peer, Ping, 0);
        Assert.False(peer.Session.IsSuspected);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(peer.Session.IsSuspected);
        Assert.Equal(1, suspicions);
        await Assert.ThrowsAsync<MtaTlsSessionException>(() => open.WaitAsync(s_hang));
        Assert.False(peer.Session.Completion.IsCompleted);

        // The peer was only slow: the late channel is closed, and the session works as before.
        await peer.SendAsync(RawPeer.Success(sender, 0x8001), RawPeer.Echec(ping, "no"));
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        Assert.False(peer.Session.IsSuspected);
    }

    [Fact]
    public async Task An_open_that_is_slow_at_a_peer_that_answers_pings_is_waited_for_until_OpenTimeout()
    {
        await using RawPeer peer = Create(MtaTlsKeepAlivePolicy.WithChannels, role: MtaTlsRole.Client);
        Task<MtaTlsChannel> open = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
        ushort sender = (await peer.ReceiveAsync(PacketType.ChannelEstablishmentRequest)).UInt16(0);
        for (int i = 0; i < 29; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            ushort ping = await SignalTests.SignalAsync(peer, Ping, 0);
            await peer.SendAsync(RawPeer.Echec(ping, "no"));
            await peer.SettleAsync();
        }
        Assert.False(open.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        MtaTlsChannelException failure = await Assert.ThrowsAsync<MtaTlsChannelException>(() => open.WaitAsync(s_hang));
        Assert.IsType<TimeoutException>(failure.InnerException);
        Assert.Equal(1, peer.Session.GetTimesExceeded(MtaTlsSessionLimit.OpenTimeout));
        await peer.SendAsync(RawPeer.Success(sender, 0x8001));
        await peer.ReceiveAsync(PacketType.ChannelCloseRequest);
        Assert.False(peer.Session.Completion.IsCompleted);
    }

    [Fact]
    public async Task OpenTimeout_holds_without_pings_too()
    {
        await using RawPeer peer = Create(MtaTlsKeepAlivePolicy.Never, o => o.OpenTimeout = TimeSpan.FromSeconds(5), MtaTlsRole.Client);
        Task<MtaTlsChannel> open = peer.Session.OpenChannelAsync(SessionPair.Source, SessionPair.Destination).AsTask();
        for (int i = 0; i < 5; i++)
        {
            Assert.False(open.IsCompleted);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        await Assert.ThrowsAsync<MtaTlsChannelException>(() => open.WaitAsync(s_hang));
    }

    [Fact]
    public async Task A_probe_asks_at_once_and_ends_the_session_after_its_own_timeout()
    {
        await using RawPeer peer = Create(MtaTlsKeepAlivePolicy.WithChannels);
        peer.Session.Probe(TimeSpan.FromSeconds(2));
        await SignalTests.SignalAsync(peer, Ping, 0);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(peer.Session.IsSuspected);
        Assert.False(peer.Session.Completion.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await peer.FailureAsync();
    }

    private RawPeer Create(MtaTlsKeepAlivePolicy policy, Action<MtaTlsSessionOptions>? configure = null, MtaTlsRole role = MtaTlsRole.Server) => RawPeer.Create(role, o =>
    {
        o.TimeProvider = _time;
        o.KeepAlivePolicy = policy;
        configure?.Invoke(o);
    });
}
