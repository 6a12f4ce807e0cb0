namespace MtaTls.Protocol;

/// <summary>A channel's places in the queues of its session. Only the queue writes its place, under its lock.</summary>
/// <remarks>
/// A queue checks here whether it has a channel already. Code that holds the channel's lock can read these fields without the queue's lock: the send loop takes a channel out of a queue first, and only
/// then takes the channel's lock. So when the channel is still queued, the send loop will see every change that was made under the channel's lock.
/// </remarks>
internal struct QueueLink
{
    /// <summary>The next channel that has data to send. Owned by <see cref="SendQueue"/>.</summary>
    public MtaTlsChannel? NextReady;

    /// <summary>Whether the channel waits for its turn to send data. Owned by <see cref="SendQueue"/>.</summary>
    public volatile bool IsReady;

    /// <summary>Whether an urgent acknowledgment is queued. Owned by <see cref="SendQueue"/>.</summary>
    public volatile bool IsAcknowledging;

    /// <summary>Whether an acknowledgment that can wait is queued, or waits for a budget. Owned by <see cref="AcknowledgmentPacer"/>.</summary>
    public volatile bool IsAcknowledgingLate;
}
