namespace MtaTls.Protocol;

/// <summary>The state of a channel, from its opening until its id is free (section 2.1.2). Only <see cref="ChannelTransitions.Next"/> changes it.</summary>
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
/// In Open and Flushing the channel sends data. The state does not tell whether the application has ended: the channel counts against the limits until its state is Ended and the
/// application has ended too.
/// </remarks>
internal enum ChannelLifecycle : byte
{
    /// <summary>Data is sent and received.</summary>
    Open,

    /// <summary>This end closes in order: data that its application wrote is still being sent.</summary>
    Flushing,

    /// <summary>This end's ChannelCloseRequest is queued. It was not written yet, so a confirmation is an error.</summary>
    CloseQueued,

    /// <summary>This end's ChannelCloseRequest was written.</summary>
    CloseSent,

    /// <summary>As <see cref="CloseQueued"/>, and the peer's own ChannelCloseRequest was confirmed.</summary>
    CrossedQueued,

    /// <summary>As <see cref="CloseSent"/>, and the peer's own ChannelCloseRequest was confirmed.</summary>
    CrossedSent,

    /// <summary>The id is free, or the session has ended.</summary>
    Ended,
}
