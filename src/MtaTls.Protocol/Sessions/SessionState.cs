namespace MtaTls.Protocol;

/// <summary>Where a session is in its life. It only goes forward, by <see cref="SessionTransitions.Next"/>.</summary>
/// <remarks>
/// <code>
///   Open ──Refuse──► Refusing ──Complete──► Closing ──CutOff──► CutOff ──TransportEnds──► Ended
///    │                  │                      │                                           ▲
///    └──────────────────┴──────────────────────┴───────────── TransportEnds ──────────────┘
/// </code>
/// Refuse: a shutdown, an abort, or <see cref="MtaTlsSession.RefuseNewChannels"/>. Complete: no channel is left, so close_notify is sent. CutOff: the peer took too long to answer it.
/// TransportEnds: the read loop has ended, for whatever reason.
/// </remarks>
internal enum SessionState : byte
{
    /// <summary>Channels are opened and accepted.</summary>
    Open,

    /// <summary>New channels are refused; those that are open go on.</summary>
    Refusing,

    /// <summary>close_notify is being sent, or the peer's is awaited.</summary>
    Closing,

    /// <summary>The connection is ended without the peer's close_notify. That is an orderly end all the same.</summary>
    CutOff,

    /// <summary>All channels have ended.</summary>
    Ended,
}
