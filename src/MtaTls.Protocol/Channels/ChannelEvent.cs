namespace MtaTls.Protocol;

/// <summary>An event that can change a channel's state, see <see cref="ChannelTransitions"/>.</summary>
internal enum ChannelEvent : byte
{
    /// <summary>The application closes in order, and data that it wrote is still unsent.</summary>
    CloseWithData,

    /// <summary>The application closes in order, and all its data was sent.</summary>
    Close,

    /// <summary>The last data of a closing channel was sent, or the rest was dropped because nothing moved for CloseLingerTimeout.</summary>
    Flushed,

    /// <summary>This end closes at once.</summary>
    Abort,

    /// <summary>The send loop writes this end's ChannelCloseRequest.</summary>
    Written,

    /// <summary>The peer's ChannelCloseRequest arrived.</summary>
    PeerCloses,

    /// <summary>The peer's ChannelCloseConfirmation arrived.</summary>
    PeerConfirms,

    /// <summary>The session ends.</summary>
    SessionEnds,
}
