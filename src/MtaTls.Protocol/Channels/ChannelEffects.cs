namespace MtaTls.Protocol;

/// <summary>What a transition of a channel's life brings about.</summary>
[Flags]
internal enum ChannelEffects : byte
{
    None = 0,

    /// <summary>Nothing more is sent on the channel: what is unsent is dropped.</summary>
    StopSending = 1,

    /// <summary>A ChannelCloseRequest is queued. Under the channel's lock: it comes after the last data.</summary>
    QueueCloseRequest = 2,

    /// <summary>A ChannelCloseConfirmation is queued. Under the channel's lock: before the id can be used again.</summary>
    QueueConfirmation = 4,

    /// <summary>Nothing more arrives in order: the reader gets what had arrived, and then the end.</summary>
    EndInput = 8,

    /// <summary>The id is free; after the channel's lock was left.</summary>
    FreeId = 16,

    /// <summary>The packet is late: it is counted, and means nothing.</summary>
    Ignore = 32,

    /// <summary>The peer broke a rule of this channel; after its lock was left the channel is closed, if it is not closing already.</summary>
    Violation = 64,
}
