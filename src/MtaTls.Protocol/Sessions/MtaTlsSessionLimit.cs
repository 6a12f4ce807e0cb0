namespace MtaTls.Protocol;

/// <summary>
/// A limit of a session. The session counts how often it is exceeded, and <see cref="MtaTlsSessionException.Limit"/> has it when that ended the session. The name is that of the option in
/// <see cref="MtaTlsSessionLimits"/>, unless the comment says otherwise. The comment tells what happens when the limit is exceeded.
/// </summary>
public enum MtaTlsSessionLimit
{
    /// <summary>The peer's open was refused.</summary>
    MaxChannelsPerSession,

    /// <summary>The peer's open was refused.</summary>
    MaxPendingChannels,

    /// <summary>The peer's open was refused.</summary>
    MaxOpensPerSecond,

    /// <summary>The peer's open was refused, or the channel was closed.</summary>
    MinPeerPacketLength,

    /// <summary>The peer sent a longer data packet: the channel was closed.</summary>
    MaxPacketLength,

    /// <summary>The peer sent more data than its window allowed: the channel was closed.</summary>
    MaxWindowSize,

    /// <summary>A channel had to wait until other channels of the session released bytes before its window was granted again.</summary>
    SessionReceiveBudget,

    /// <summary>
    /// The receive budget that the session shares with others: at a server that of its client address, or that of the server. A channel had to wait for its window, or the peer's open was refused because
    /// less than 4 KiB were left.
    /// </summary>
    ReceiveBudget,

    /// <summary>As <see cref="ReceiveBudget"/>, for the budget that the shared one is a part of: at a server that of the server.</summary>
    ParentReceiveBudget,

    /// <summary>A channel's flush waited although less than <see cref="MtaTlsSessionLimits.OutputBufferSize"/> was unsent, or a channel that could not send was closed.</summary>
    SessionSendBudget,

    /// <summary>As <see cref="SessionSendBudget"/>, for the send budget that the session shares with others: at a server that of its client address, or that of the server.</summary>
    SendBudget,

    /// <summary>As <see cref="SendBudget"/>, for the budget that the shared one is a part of: at a server that of the server.</summary>
    ParentSendBudget,

    /// <summary>The session was ended.</summary>
    MaxQueuedAnswers,

    /// <summary>The session was ended.</summary>
    MaxEmptyPacketsPerSecond,

    /// <summary>The session was ended.</summary>
    MaxSmallPacketsPerSecond,

    /// <summary>The session was ended.</summary>
    MaxAcknowledgmentsPerSecond,

    /// <summary>The channel was closed.</summary>
    ChannelWriteStallTimeout,

    /// <summary>The unsent data of a closing channel was discarded.</summary>
    CloseLingerTimeout,

    /// <summary>The session was ended.</summary>
    CloseTimeout,

    /// <summary>The session was ended.</summary>
    WriteStallTimeout,

    /// <summary>The peer's ping or go-away was refused and had no effect.</summary>
    MaxSignalsPerSecond,

    /// <summary>The peer did not answer an open of this end in time: the open failed.</summary>
    OpenTimeout,

    /// <summary><see cref="MtaTlsKeepAliveOptions.Timeout"/>: the peer did not answer a ping, and the session was ended.</summary>
    KeepAliveTimeout,
}
