namespace MtaTls.Protocol;

/// <summary>What a transition in <see cref="ChannelTransitions"/> does besides changing the state.</summary>
[Flags]
internal enum ChannelEffects : byte
{
    None = 0,

    /// <summary>No more data is sent on the channel. Unsent data is dropped.</summary>
    StopSending = 1,

    /// <summary>A ChannelCloseRequest is queued, under the channel's lock, so that it follows the last data.</summary>
    QueueCloseRequest = 2,

    /// <summary>A ChannelCloseConfirmation is queued, under the channel's lock, so that it is sent before the id is used again.</summary>
    QueueConfirmation = 4,

    /// <summary>No more data arrives. The reader gets the data that had arrived, and then the end.</summary>
    EndInput = 8,

    /// <summary>The id is freed, after the channel's lock was released.</summary>
    FreeId = 16,

    /// <summary>The packet came too late. It is counted and has no effect.</summary>
    Ignore = 32,

    /// <summary>The peer broke a rule of this channel. The channel is closed after its lock was released, unless it is closing already.</summary>
    Violation = 64,
}
