namespace MtaTls.Protocol;

/// <summary>
/// Holds the acknowledgments that are not urgent, because one alone is not worth a TLS record. They are sent with the next flush, or after 10 ms. After some were sent, the next ones wait for 100 ms:
/// otherwise busy channels would answer every short packet with an acknowledgment. Acknowledgments that found the budgets used up wait until bytes are released.
/// </summary>
/// <remarks>The lock guards all fields and the channels' places in the queues. It is an innermost lock: no other lock is taken while it is held.</remarks>
internal sealed class AcknowledgmentPacer : IBudgetWaiter, IDisposable
{
    private static readonly TimeSpan s_delay = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly MtaTlsSession _session;
    private readonly ITimer _timer;
    private readonly Queue<MtaTlsChannel> _late = new();
    private readonly Queue<MtaTlsChannel> _starved = new();
    private bool _armed;   // the timer runs
    private bool _soon;    // the timer ends a delay, not a pause
    private bool _stopped;
    private volatile bool _paused;
    private volatile bool _due;

    public AcknowledgmentPacer(MtaTlsSession session, TimeProvider time)
    {
        _session = session;
        _timer = time.CreateTimer(static pacer => ((AcknowledgmentPacer)pacer!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether the acknowledgments have waited long enough. Then they are sent even when there is always other data to send.</summary>
    public bool IsDue => _due;

    /// <summary>Whether the acknowledgments wait for the end of a pause, although a flush is due for other reasons.</summary>
    public bool IsPaused => _paused;

    /// <summary>
    /// Queues a channel's acknowledgment: as urgent when a quarter of the window was examined, or as one that can wait when all data that arrived was examined. The caller holds the channel's lock.
    /// </summary>
    public void EnqueueIfDue(MtaTlsChannel channel)
    {
        if (!channel.IsSending || channel.Link.IsAcknowledging)
        {
            return;
        }

        if (channel.Received.IsAcknowledgmentDue)
        {
            _session.Queue.EnqueueAcknowledgment(channel);
        }
        else if (channel.Received.IsAcknowledgmentOwed)
        {
            Enqueue(channel);
        }
    }

    /// <summary>Grants window on a channel. Called by the send loop, which then sends the packets.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="freeSpace">The increment for an Acknowledgment; 0 when there is nothing to send.</param>
    /// <param name="maxPacketLength">A new max_packet_length to announce; 0 when there is none.</param>
    public void TakeGrant(MtaTlsChannel channel, out uint freeSpace, out int maxPacketLength)
    {
        freeSpace = 0;
        maxPacketLength = 0;
        lock (channel.Gate)
        {
            if (!channel.IsSending)
            {
                return;
            }

            freeSpace = channel.Received.Grant(_session.Budget, _session.RoundTrip, out bool starved);
            if (freeSpace > 0)
            {
                maxPacketLength = channel.Received.Window.RaiseMaxPacketLength(channel.Received.Received, _session.Limits.MaxPacketLength);
            }

            if (starved && EnqueueStarved(channel))
            {
                _session.Counters.CountExceeded(_session.Budget.Exhausted);
            }
        }
    }

    /// <summary>Queues a channel's acknowledgment, unless it is queued already.</summary>
    private void Enqueue(MtaTlsChannel channel)
    {
        if (channel.Link.IsAcknowledgingLate)
        {
            return;   // see QueueLink
        }

        lock (_lock)
        {
            if (_stopped || channel.Link.IsAcknowledgingLate)
            {
                return;
            }

            channel.Link.IsAcknowledgingLate = true;
            EnqueueLate(channel, urgent: false);
        }
    }

    /// <summary>Queues an acknowledgment that found the budgets used up, until bytes are released.</summary>
    /// <returns>Whether it was not queued before.</returns>
    private bool EnqueueStarved(MtaTlsChannel channel)
    {
        bool isFirst;
        lock (_lock)
        {
            if (_stopped || channel.Link.IsAcknowledgingLate)
            {
                return false;
            }

            channel.Link.IsAcknowledgingLate = true;
            _starved.Enqueue(channel);
            isFirst = _starved.Count == 1;
        }
        if (isFirst)
        {
            _session.Budget.WaitForRelease(this);
        }

        return true;
    }

    void IBudgetWaiter.BytesReleased()
    {
        lock (_lock)
        {
            // Not sent at once: until the timer is due, more bytes are released, and one packet can grant more.
            while (_starved.TryDequeue(out MtaTlsChannel? channel))
            {
                EnqueueLate(channel, urgent: true);
            }
        }
    }

    /// <summary>The send loop is about to send the waiting acknowledgments. Begins the pause that follows.</summary>
    /// <returns>How many acknowledgments wait.</returns>
    public int Begin()
    {
        lock (_lock)
        {
            _due = false;
            if (_late.Count == 0)
            {
                return 0;
            }

            _paused = _armed = true;
            _soon = false;
            _timer.Change(s_pause, Timeout.InfiniteTimeSpan);
            return _late.Count;
        }
    }

    /// <summary>Takes the next channel whose acknowledgment waits; null when there is none.</summary>
    public MtaTlsChannel? Take()
    {
        lock (_lock)
        {
            if (!_late.TryDequeue(out MtaTlsChannel? channel))
            {
                return null;
            }

            channel.Link.IsAcknowledgingLate = false;
            return channel;
        }
    }

    /// <summary>Accepts no more acknowledgments.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
        }
    }

    public void Dispose() => _timer.Dispose();

    /// <param name="channel">The channel.</param>
    /// <param name="urgent">Whether to ignore a pause, because the peer may be waiting for window.</param>
    // Under the lock.
    private void EnqueueLate(MtaTlsChannel channel, bool urgent)
    {
        _late.Enqueue(channel);
        if (_armed && (_soon || !urgent))
        {
            return;
        }

        _armed = _soon = true;
        _timer.Change(s_delay, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        lock (_lock)
        {
            _armed = _soon = _paused = false;
            _due = _late.Count > 0;
        }
        if (_due)
        {
            _session.Queue.Wake();
        }
    }
}
