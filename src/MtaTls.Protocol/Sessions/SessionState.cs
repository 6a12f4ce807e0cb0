namespace MtaTls.Protocol;

/// <summary>The state of a session. It only goes forward; <see cref="SessionTransitions.Next"/> changes it.</summary>
/// <remarks>
/// <code>
///   Open ──Refuse──► Refusing ──Complete──► Closing ──CutOff──► CutOff ──TransportEnds──► Ended
///    │                  │                      │                                           ▲
///    └──────────────────┴──────────────────────┴───────────── TransportEnds ──────────────┘
/// </code>
/// Refuse: a shutdown, an abort, or <see cref="MtaTlsSession.RefuseNewChannels"/>. Complete: no channel is left, so close_notify is sent. CutOff: the peer did not answer close_notify in time.
/// TransportEnds: the read loop has ended, for any reason.
/// </remarks>
internal enum SessionState : byte
{
    /// <summary>Channels are opened and accepted.</summary>
    Open,

    /// <summary>New channels are refused; open ones go on.</summary>
    Refusing,

    /// <summary>This end sends close_notify, or waits for the peer's.</summary>
    Closing,

    /// <summary>The connection is ended without the peer's close_notify. That still counts as an orderly end.</summary>
    CutOff,

    /// <summary>The read loop has ended, and the session has no channels any more.</summary>
    Ended,
}
