using System.Runtime.CompilerServices;

namespace MtaTls.Protocol;

/// <summary>How a session behaves.</summary>
internal sealed class MtaTlsSessionOptions
{
    /// <summary>The end's role in the TLS handshake.</summary>
    /// <value>Default: <see cref="MtaTlsRole.Client"/>. The two ends of a session must differ.</value>
    public MtaTlsRole Role { get; set; }

    /// <summary>The limits of the session. They are read when the session starts; later changes do not reach it.</summary>
    public MtaTlsSessionLimits Limits { get; set; } = new();

    /// <summary>A receive budget shared by many sessions, usually all of one server.</summary>
    /// <value>Default: <see langword="null"/>, only <see cref="MtaTlsSessionLimits.SessionReceiveBudget"/> holds.</value>
    public MtaTlsReceiveBudget? ReceiveBudget { get; set; }

    /// <summary>A budget for data to be sent, shared by many sessions, usually all of one server.</summary>
    /// <value>Default: <see langword="null"/>, only <see cref="MtaTlsSessionLimits.SessionSendBudget"/> holds.</value>
    public MtaTlsSendBudget? SendBudget { get; set; }

    /// <summary>
    /// Called for each open that the peer requests, in place of <see cref="MtaTlsSession.AcceptChannelAsync"/>. It may answer at once or keep the request and
    /// answer later. It runs on the session's read loop, so it must not block; an exception refuses the open.
    /// </summary>
    /// <value>Default: <see langword="null"/>, requests wait for <see cref="MtaTlsSession.AcceptChannelAsync"/>.</value>
    /// <remarks>
    /// Requests that are answered here at once never count as pending, however many arrive in one burst.
    /// </remarks>
    public Action<MtaTlsChannelRequest>? ChannelRequested { get; set; }

    /// <summary>Called when a channel no longer counts against <see cref="MtaTlsSessionLimits.MaxChannelsPerSession"/>. It must neither block nor throw.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public Action? ChannelEnded { get; set; }

    /// <summary>When pings are sent: opens to a name that cannot exist, whose answer shows that the peer's read loop still runs.</summary>
    /// <value>Default: <see cref="MtaTlsKeepAlivePolicy.Never"/>.</value>
    public MtaTlsKeepAlivePolicy KeepAlivePolicy { get; set; }

    /// <summary>How long nothing must have been received before a ping is sent.</summary>
    /// <value>Default: 15 seconds. Range: more than zero and at most 24 days.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan KeepAliveInterval { get; set => field = Positive(value); } = TimeSpan.FromSeconds(15);

    /// <summary>How long the peer may send nothing after a ping before the session ends.</summary>
    /// <value>Default: 10 seconds. Range: more than zero and at most 24 days.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan KeepAliveTimeout { get; set => field = Positive(value); } = TimeSpan.FromSeconds(10);

    /// <summary>How long the peer may take to answer an own open; after it the open fails with an <see cref="MtaTlsChannelException"/>, and a late answer closes the channel.</summary>
    /// <value>Default: 30 seconds. Range: more than zero and at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan OpenTimeout { get; set => field = value == Timeout.InfiniteTimeSpan ? value : Positive(value); } = TimeSpan.FromSeconds(30);

    /// <summary>Called on the read loop with the round trip of each ping that was answered. It must neither block nor throw.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public Action<TimeSpan>? PingAnswered { get; set; }

    /// <summary>Called on the read loop when the peer says that it will stop, with the time until then. It must neither block nor throw.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public Action<TimeSpan>? GoAwayReceived { get; set; }

    /// <summary>Called when a ping has waited for its answer for a second: see <see cref="MtaTlsSession.IsSuspected"/>. It must neither block nor throw.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public Action? Suspected { get; set; }

    /// <summary>The clock of all time-outs and measurements.</summary>
    /// <value>Default: <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    private static TimeSpan Positive(TimeSpan value, [CallerMemberName] string? name = null) =>
        value > TimeSpan.Zero && value <= TimeSpan.FromMilliseconds(int.MaxValue) ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} must be more than zero and at most 24 days.");
}
