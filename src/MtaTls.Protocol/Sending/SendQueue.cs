namespace MtaTls.Protocol;

/// <summary>
/// The queue of the send loop: control packets first, then the channels that have data, in turn. Any thread adds items. Only <see cref="SessionWriter"/> takes them, and it sleeps here while the queue
/// is empty.
/// </summary>
/// <remarks>The lock guards the queues and the channels' places in them. It is an innermost lock: no other lock is taken while it is held.</remarks>
/// <param name="session">The session.</param>
/// <param name="pacer">Holds the acknowledgments that can wait. When they are due, the send loop has work.</param>
internal sealed class SendQueue(MtaTlsSession session, AcknowledgmentPacer pacer)
{
    private const int Nobody = 0, Everybody = -1;

    private readonly Lock _lock = new();
    private readonly AsyncEvent _wake = new();
    private readonly Queue<ControlItem> _control = new();
    private MtaTlsChannel? _firstReady;
    private MtaTlsChannel? _lastReady;
    private int _answers;
    private bool _sleeping;
    private volatile int _corked;   // Nobody, Everybody, or the id of one thread: whose items do not wake the send loop
    private bool _completing;
    private bool _stopped;

    /// <summary>What the send loop does next, as <see cref="Sleep"/> says.</summary>
    public enum Next
    {
        /// <summary>There is something to send: take it.</summary>
        Go,

        /// <summary>The queue is empty: wait to be woken.</summary>
        Wait,

        /// <summary>All was sent and nothing more will be queued: send close_notify.</summary>
        Complete,

        /// <summary>Send nothing more.</summary>
        Stop,
    }

    /// <summary>Whether the send loop waits to be woken.</summary>
    public bool IsAsleep
    {
        get
        {
            lock (_lock)
            {
                return _sleeping;
            }
        }
    }

    // Under the lock.
    private bool HasWork => _control.Count > 0 || _firstReady is not null || pacer.IsDue;

    // ----- any thread -----

    /// <summary>Queues a channel that has data and window, unless it is queued already.</summary>
    public void EnqueueReady(MtaTlsChannel channel)
    {
        if (channel.Link.IsReady)
        {
            return;   // see QueueLink
        }

        bool wake;
        lock (_lock)
        {
            Append(channel);
            wake = TakeSleeper();
        }
        WakeIf(wake);
    }

    public void EnqueueRequest(byte[] packet) => Enqueue(new(ControlKind.Request, null, packet));

    public void EnqueueSuccess(MtaTlsChannel channel) => Enqueue(new(ControlKind.Success, channel, null));

    public void EnqueueRefusal(byte[] packet) => Enqueue(new(ControlKind.Refusal, null, packet));

    public void EnqueueCloseRequest(MtaTlsChannel channel) => Enqueue(new(ControlKind.CloseRequest, channel, null));

    public void EnqueueConfirmation(MtaTlsChannel channel) => Enqueue(new(ControlKind.Confirmation, channel, null));

    /// <summary>Queues the channel's acknowledgment, unless one is queued already. Its amount is decided when it is sent, so at most one is queued for a channel.</summary>
    public void EnqueueAcknowledgment(MtaTlsChannel channel)
    {
        if (!channel.Link.IsAcknowledging)
        {
            Enqueue(new(ControlKind.Acknowledgment, channel, null));
        }
    }

    /// <summary>From now on, queued items do not wake the send loop: the read loop handles more packets first, and their answers should share a flush.</summary>
    public void Cork() => _corked = Everybody;

    /// <summary>From now on, only items that this thread queues do not wake the send loop. This thread is about to run the application's code, and other channels must not wait for that.</summary>
    public void CorkThisThreadOnly() => _corked = Environment.CurrentManagedThreadId;

    /// <summary>From now on, queued items wake the send loop again. Wakes it if items were queued meanwhile.</summary>
    public void Uncork()
    {
        bool wake;
        lock (_lock)
        {
            _corked = Nobody;
            wake = HasWork && TakeSleeper();
        }
        WakeIf(wake);
    }

    /// <summary>Wakes the send loop because acknowledgments are due.</summary>
    public void Wake()
    {
        bool wake;
        lock (_lock)
        {
            wake = TakeSleeper();
        }
        WakeIf(wake);
    }

    /// <summary>The send loop sends all queued items, then close_notify.</summary>
    public void Complete()
    {
        bool wake;
        lock (_lock)
        {
            _completing = true;
            wake = TakeSleeper(always: true);
        }
        WakeIf(wake);
    }

    /// <summary>The send loop sends nothing more.</summary>
    public void Stop()
    {
        bool wake;
        lock (_lock)
        {
            _stopped = true;
            wake = TakeSleeper(always: true);
        }
        WakeIf(wake);
        pacer.Stop();
    }

    // ----- the send loop -----

    /// <summary>Takes the next item: a control packet, or a channel that has data when there is no control packet.</summary>
    /// <param name="control">The control packet, when <paramref name="ready"/> is null.</param>
    /// <param name="ready">The channel that has data.</param>
    /// <param name="stopped">Whether nothing more may be sent.</param>
    /// <returns>Whether there was an item.</returns>
    public bool TryTake(out ControlItem control, out MtaTlsChannel? ready, out bool stopped)
    {
        ready = null;
        lock (_lock)
        {
            stopped = _stopped;
            if (stopped)
            {
                control = default;
                return false;
            }

            if (_control.TryDequeue(out control))
            {
                if (control.IsAnswer)
                {
                    _answers--;
                }
                else if (control.Kind == ControlKind.Acknowledgment)
                {
                    control.Channel!.Link.IsAcknowledging = false;
                }

                if (_control.Count == 0 && _control.Capacity > 1024)
                {
                    _control.TrimExcess();
                }

                return true;
            }

            ready = TakeReady();
            return ready is not null;
        }
    }

    /// <summary>Queues a channel again that has sent a packet and has more data: the other channels come first.</summary>
    public void Requeue(MtaTlsChannel channel)
    {
        lock (_lock)
        {
            Append(channel);
        }
    }

    /// <summary>Marks the send loop as asleep if the queue is empty. After <see cref="Next.Wait"/> it must await <see cref="WaitAsync"/>.</summary>
    public Next Sleep()
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return Next.Stop;
            }

            if (HasWork)
            {
                return Next.Go;
            }

            if (_completing)
            {
                _stopped = true;   // items that are queued from now on can no longer be sent
                return Next.Complete;
            }

            _wake.Reset();
            _sleeping = true;
            return Next.Wait;
        }
    }

    public ValueTask WaitAsync() => _wake.WaitAsync();

    private void Enqueue(ControlItem item)
    {
        bool wake;
        bool tooMany = false;
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }

            if (item.Kind == ControlKind.Acknowledgment)
            {
                if (item.Channel!.Link.IsAcknowledging)
                {
                    return;
                }

                item.Channel.Link.IsAcknowledging = true;
            }

            _control.Enqueue(item);
            if (item.IsAnswer)
            {
                _stopped = tooMany = ++_answers > session.Limits.MaxQueuedAnswers;
            }
            // The packets of one read must not fill the answers' limit while the send loop sleeps.
            wake = TakeSleeper(always: 4 * _answers > session.Limits.MaxQueuedAnswers);
        }
        if (tooMany)
        {
            // Not on this thread: the caller holds a lock, and an abort takes others.
            ThreadPool.UnsafeQueueUserWorkItem(static session => session.AbortFor(MtaTlsSessionLimit.MaxQueuedAnswers, "The peer does not read: more answers wait to be sent than MaxQueuedAnswers allows."), session, preferLocal: false);
        }

        WakeIf(wake);
    }

    private void WakeIf(bool wake)
    {
        if (wake)
        {
            _wake.Set();
        }
    }

    // Under the lock.
    private bool TakeSleeper(bool always = false)
    {
        int corked = _corked;
        if (!_sleeping || (!always && (corked == Everybody || corked == Environment.CurrentManagedThreadId)))
        {
            return false;
        }

        _sleeping = false;
        return true;
    }

    // Under the lock.
    private void Append(MtaTlsChannel channel)
    {
        if (channel.Link.IsReady)
        {
            return;
        }

        channel.Link.IsReady = true;
        if (_lastReady is null)
        {
            _firstReady = channel;
        }
        else
        {
            _lastReady.Link.NextReady = channel;
        }

        _lastReady = channel;
    }

    // Under the lock.
    private MtaTlsChannel? TakeReady()
    {
        MtaTlsChannel? first = _firstReady;
        if (first is null)
        {
            return null;
        }

        _firstReady = first.Link.NextReady;
        if (_firstReady is null)
        {
            _lastReady = null;
        }

        first.Link.NextReady = null;
        first.Link.IsReady = false;
        return first;
    }
}
