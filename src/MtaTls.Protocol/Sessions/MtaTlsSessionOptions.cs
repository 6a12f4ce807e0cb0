namespace MtaTls.Protocol;

/// <summary>The options of one session. They are read when the session starts.</summary>
internal sealed class MtaTlsSessionOptions
{
    /// <summary>This end's role in the TLS handshake.</summary>
    /// <value>Default: <see cref="MtaTlsRole.Client"/>. The two ends of a session have different roles.</value>
    public MtaTlsRole Role { get; set; }

    /// <summary>The limits of the session. The session copies them when it starts, so later changes do not affect it.</summary>
    public MtaTlsSessionLimits Limits { get; set; } = new();

    /// <summary>A receive budget that many sessions share, usually all sessions of a server or of a client address.</summary>
    /// <value>Default: <see langword="null"/>, only <see cref="MtaTlsSessionLimits.SessionReceiveBudget"/> applies.</value>
    public MtaTlsReceiveBudget? ReceiveBudget { get; set; }

    /// <summary>A send budget that many sessions share, usually all sessions of a server or of a client address.</summary>
    /// <value>Default: <see langword="null"/>, only <see cref="MtaTlsSessionLimits.SessionSendBudget"/> applies.</value>
    public MtaTlsSendBudget? SendBudget { get; set; }

    /// <summary>
    /// Called for each open of the peer, instead of <see cref="MtaTlsSession.AcceptChannelAsync"/>. It can answer at once, or keep the request and
    /// answer later. It runs on the session's read loop, so it must not block. If it throws, the open is refused.
    /// </summary>
    /// <value>Default: <see langword="null"/>, requests wait for <see cref="MtaTlsSession.AcceptChannelAsync"/>.</value>
    /// <remarks>Requests that it answers at once never count against <see cref="MtaTlsSessionLimits.MaxPendingChannels"/>, however many arrive in one burst.</remarks>
    public Action<MtaTlsChannelRequest>? ChannelRequested { get; set; }

    /// <summary>Called when a channel no longer counts against <see cref="MtaTlsSessionLimits.MaxChannelsPerSession"/>. It must neither block nor throw.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public Action? ChannelEnded { get; set; }

    /// <summary>When pings are sent. A ping is an open to a name that cannot exist; its answer shows that the peer's read loop still runs.</summary>
    /// <value>Default: <see cref="MtaTlsKeepAlivePolicy.Never"/>.</value>
    public MtaTlsKeepAlivePolicy KeepAlivePolicy { get; set; }

    /// <summary>The time without a received byte after which a ping is sent.</summary>
    /// <value>Default: 15 seconds. Range: more than zero and at most 24 days.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan KeepAliveInterval { get; set => field = Ranges.Positive(value); } = TimeSpan.FromSeconds(15);

    /// <summary>The time without a received byte after a ping, after which the session ends.</summary>
    /// <value>Default: 10 seconds. Range: more than zero and at most 24 days.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan KeepAliveTimeout { get; set => field = Ranges.Positive(value); } = TimeSpan.FromSeconds(10);

    /// <summary>How long the peer may take to answer an open of this end. Then the open fails with an <see cref="MtaTlsChannelException"/>. If the peer opens the channel later, it is closed at once.</summary>
    /// <value>Default: 30 seconds. Range: more than zero and at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan OpenTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(30);

    /// <summary>Called on the read loop for each ping that was answered, with the time from the ping to its answer. It must neither block nor throw.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public Action<TimeSpan>? PingAnswered { get; set; }

    /// <summary>Called on the read loop when a go-away arrives, with the time until the peer stops. It must neither block nor throw.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public Action<TimeSpan>? GoAwayReceived { get; set; }

    /// <summary>Called when a ping has waited for its answer for a second, see <see cref="MtaTlsSession.IsSuspected"/>. It must neither block nor throw.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public Action? Suspected { get; set; }

    /// <summary>The clock of all timeouts and measurements.</summary>
    /// <value>Default: <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
