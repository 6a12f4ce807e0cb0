namespace MtaTls.Protocol;

/// <summary>A channel's places in the queues of its session. Each is written by its queue alone, under that queue's lock.</summary>
/// <remarks>
/// A queue may be asked to take a channel that it has already: it looks here. A channel may look without the queue's lock while it holds its own: the writer takes a channel out first, and then asks for
/// that lock. So a channel that sees itself queued will be asked after what it has just changed.
/// </remarks>
internal struct QueueLink
{
    /// <summary>The next channel that has data to send; <see cref="SendQueue"/>'s.</summary>
    public MtaTlsChannel? NextReady;

    /// <summary>Whether the channel waits for its turn to send data; <see cref="SendQueue"/>'s.</summary>
    public volatile bool IsReady;

    /// <summary>Whether an acknowledgment that cannot wait is queued; <see cref="SendQueue"/>'s.</summary>
    public volatile bool IsAcknowledging;

    /// <summary>Whether an acknowledgment that can wait is queued, or waits for a budget; <see cref="AcknowledgmentPacer"/>'s.</summary>
    public volatile bool IsAcknowledgingLate;
}
