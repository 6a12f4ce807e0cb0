namespace MtaTls.Protocol;

/// <summary>How a session behaves.</summary>
public sealed class MtaTlsSessionOptions
{
    /// <summary>The end's role in the TLS handshake.</summary>
    /// <value>Default: <see cref="MtaTlsRole.Client"/>. The two ends of a session must differ.</value>
    public MtaTlsRole Role { get; set; }

    /// <summary>The limits of the session. They are read when the session starts; later changes do not reach it.</summary>
    public MtaTlsSessionLimits Limits { get; set; } = new();

    /// <summary>A receive budget shared by many sessions, usually all of one server.</summary>
    /// <value>Default: <see langword="null"/>, only <see cref="MtaTlsSessionLimits.SessionReceiveBudget"/> holds.</value>
    public MtaTlsReceiveBudget? ReceiveBudget { get; set; }

    /// <summary>
    /// Called for each open that the peer requests, in place of <see cref="MtaTlsSession.AcceptChannelAsync"/>. It may answer at once or keep the request and
    /// answer later. It runs on the session's read loop, so it must not block; an exception refuses the open.
    /// </summary>
    /// <value>Default: <see langword="null"/>, requests wait for <see cref="MtaTlsSession.AcceptChannelAsync"/>.</value>
    /// <remarks>
    /// Requests that are answered here at once never count as pending, however many arrive in one burst.
    /// </remarks>
    public Action<MtaTlsChannelRequest>? ChannelRequested { get; set; }

    /// <summary>The clock of all time-outs and measurements.</summary>
    /// <value>Default: <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
