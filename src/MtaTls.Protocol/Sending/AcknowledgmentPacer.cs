namespace MtaTls.Protocol;

/// <summary>
/// The acknowledgments that can wait for the next flush, or for a moment: one alone is not worth a record. They wait 10 ms for company; after some were sent the next are held back for 100 ms, or busy
/// channels would answer every short packet with one. Those that found the budgets used up wait for bytes to come back.
/// </summary>
/// <remarks>The lock guards all fields and the channels' places. It is one of the innermost: under it no other is taken.</remarks>
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
    private bool _soon;    // and ends a delay, not a pause
    private bool _stopped;
    private volatile bool _paused;
    private volatile bool _due;

    public AcknowledgmentPacer(MtaTlsSession session, TimeProvider time)
    {
        _session = session;
        _timer = time.CreateTimer(static pacer => ((AcknowledgmentPacer)pacer!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether they have waited long enough, also when there is always something else to send.</summary>
    public bool IsDue => _due;

    /// <summary>Whether they are held back, though a flush is due for other reasons.</summary>
    public bool IsPaused => _paused;

    /// <summary>
    /// Queues a channel's acknowledgment where one is due: at once when a quarter of the window was examined, with a flush or soon when all that arrived was. The caller holds the channel's lock.
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

    /// <summary>Takes what is to be acknowledged now. The writer's.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="freeSpace">The increment; 0: nothing.</param>
    /// <param name="maxPacketLength">A new max_packet_length to announce; 0: none.</param>
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

    /// <summary>Queues an acknowledgment that found the budgets used up: it is late as soon as bytes have come back to them.</summary>
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
            // With all that comes back until the timer is due: wait until there is something worth a packet.
            while (_starved.TryDequeue(out MtaTlsChannel? channel))
            {
                EnqueueLate(channel, urgent: true);
            }
        }
    }

    /// <summary>The writer is about to send what waits: begins the pause that follows.</summary>
    /// <returns>How many there are.</returns>
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

    /// <summary>Takes the next.</summary>
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

    /// <summary>Takes no more.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
        }
    }

    public void Dispose() => _timer.Dispose();

    /// <param name="channel">The channel.</param>
    /// <param name="urgent">Whether not to wait for the end of a pause: the peer may be waiting.</param>
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
