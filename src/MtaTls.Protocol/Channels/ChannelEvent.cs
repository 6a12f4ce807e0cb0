namespace MtaTls.Protocol;

/// <summary>What happens to a channel's life.</summary>
internal enum ChannelEvent : byte
{
    /// <summary>The application closes in order, and something that it wrote is still to be sent.</summary>
    CloseWithData,

    /// <summary>The application closes in order, and all was sent.</summary>
    Close,

    /// <summary>The last of what a closing channel had to send was sent, or is given up.</summary>
    Flushed,

    /// <summary>This end closes at once.</summary>
    Abort,

    /// <summary>The ChannelCloseRequest of this end goes out.</summary>
    Written,

    /// <summary>The peer's ChannelCloseRequest.</summary>
    PeerCloses,

    /// <summary>The peer's ChannelCloseConfirmation.</summary>
    PeerConfirms,

    /// <summary>The session ends.</summary>
    SessionEnds,
}
