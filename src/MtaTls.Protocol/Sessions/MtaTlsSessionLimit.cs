namespace MtaTls.Protocol;

/// <summary>A limit that a session counts when it is exceeded, see <see cref="MtaTlsSession.GetTimesExceeded"/>. Where nothing else is said, the name is that of the option in <see cref="MtaTlsSessionLimits"/>.</summary>
public enum MtaTlsSessionLimit
{
    /// <summary>The peer's open was refused.</summary>
    MaxChannelsPerSession,

    /// <summary>The peer's open was refused.</summary>
    MaxPendingChannels,

    /// <summary>The peer's open was refused.</summary>
    MaxOpensPerSecond,

    /// <summary>The peer's open was refused, or the channel closed.</summary>
    MinPeerPacketLength,

    /// <summary>The peer sent a longer packet: the channel was closed.</summary>
    MaxPacketLength,

    /// <summary>The peer sent more than the window that it was granted: the channel was closed.</summary>
    MaxWindowSize,

    /// <summary>A window was not granted again until other channels of the session have given bytes back.</summary>
    SessionReceiveBudget,

    /// <summary>The same of <see cref="MtaTlsSessionOptions.ReceiveBudget"/>; or, where not even 4 KiB were left, the peer's open was refused.</summary>
    ReceiveBudget,

    /// <summary>The same of the budget that <see cref="MtaTlsSessionOptions.ReceiveBudget"/> is a part of.</summary>
    ParentReceiveBudget,

    /// <summary>A channel's writer waits although it has written less than <see cref="MtaTlsSessionLimits.OutputBufferSize"/>, or a channel that could not send was closed.</summary>
    SessionSendBudget,

    /// <summary>The same of <see cref="MtaTlsSessionOptions.SendBudget"/>.</summary>
    SendBudget,

    /// <summary>The same of the budget that <see cref="MtaTlsSessionOptions.SendBudget"/> is a part of.</summary>
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

    /// <summary>The rest of what a closed channel had to send was discarded.</summary>
    CloseLingerTimeout,

    /// <summary>The session was ended.</summary>
    CloseTimeout,

    /// <summary>The session was ended.</summary>
    WriteStallTimeout,

    /// <summary>The peer's ping or go-away was refused and had no effect.</summary>
    MaxSignalsPerSecond,

    /// <summary><see cref="MtaTlsSessionOptions.OpenTimeout"/>: an own open failed.</summary>
    OpenTimeout,

    /// <summary><see cref="MtaTlsSessionOptions.KeepAliveTimeout"/>: the session was ended.</summary>
    KeepAliveTimeout,
}
