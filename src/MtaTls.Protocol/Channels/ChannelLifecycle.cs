namespace MtaTls.Protocol;

/// <summary>Where a channel is between its opening and the end of its id (section 2.1.2). The only way from one to another is <see cref="ChannelTransitions.Next"/>.</summary>
/// <remarks>
/// <code>
///                        Close, with data left
///              Open ───────────────────────────────► Flushing
///               │ Close, Abort                          │ Flushed, Abort, Close
///               ▼                                       ▼
///          CloseQueued ◄────────────────────────────────┘
///               │ Written                 PeerCloses
///               │           ┌──────────────────────────► CrossedQueued
///               ▼           │                                 │ Written
///           CloseSent ──────┘ PeerCloses                      ▼
///               │      └────────────────────────────────► CrossedSent
///               │ PeerConfirms                                │ PeerConfirms
///               ▼                                             ▼
///             Ended ◄─────────────────────────────────────────┘
///               ▲
///               └── PeerCloses while Open or Flushing; SessionEnds at any time
/// </code>
/// Up to Flushing the channel sends data. Whether its application has ended is another matter: the channel counts until both are over.
/// </remarks>
internal enum ChannelLifecycle : byte
{
    /// <summary>Data go both ways.</summary>
    Open,

    /// <summary>This end closes in order: what its application wrote is being sent.</summary>
    Flushing,

    /// <summary>The ChannelCloseRequest of this end is queued. It was not written yet, so nothing can confirm it.</summary>
    CloseQueued,

    /// <summary>The ChannelCloseRequest of this end was written.</summary>
    CloseSent,

    /// <summary>As <see cref="CloseQueued"/>, and the peer's own request was answered.</summary>
    CrossedQueued,

    /// <summary>As <see cref="CloseSent"/>, and the peer's own request was answered.</summary>
    CrossedSent,

    /// <summary>The id is free, or the session has ended.</summary>
    Ended,
}
