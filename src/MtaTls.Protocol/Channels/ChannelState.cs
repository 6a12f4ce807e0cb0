namespace MtaTls.Protocol;

/// <summary>How far a channel's closing has come (section 2.1.2).</summary>
[Flags]
internal enum ChannelState
{
    /// <summary>Data flow.</summary>
    Open = 0,

    /// <summary>The application asked for an orderly close: what it wrote is being sent.</summary>
    Closing = 1,

    /// <summary>Our ChannelCloseRequest is on its way, or was answered.</summary>
    CloseRequestSent = 2,

    /// <summary>The peer's ChannelCloseRequest has been answered.</summary>
    CloseRequestReceived = 4,

    /// <summary>The id is free again, or the session has ended.</summary>
    Ended = 8,

    /// <summary>The application is through with the channel.</summary>
    ApplicationEnded = 16,

    /// <summary>The channel no longer counts against limits and budgets.</summary>
    Released = 32,

    /// <summary>Nothing of the channel's data is sent any more.</summary>
    NoMoreSending = CloseRequestSent | CloseRequestReceived | Ended,
}
