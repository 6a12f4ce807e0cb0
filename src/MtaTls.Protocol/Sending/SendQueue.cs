namespace MtaTls.Protocol;

/// <summary>
/// What is to be sent next: control packets, and then the channels that have data, in turn. Any thread puts in; <see cref="SessionWriter"/> alone takes out, and sleeps here when nothing is left.
/// </summary>
/// <remarks>The lock guards the queues and the channels' places in them. It is one of the innermost: under it no other is taken.</remarks>
/// <param name="session">The session.</param>
/// <param name="pacer">The acknowledgments that can wait; when they are due, the writer has something to do.</param>
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
    private volatile int _corked;   // Nobody, Everybody, or the id of the only thread that is
    private bool _completing;
    private bool _stopped;

    /// <summary>Why <see cref="Sleep"/> returned.</summary>
    public enum Next
    {
        /// <summary>There is something to send.</summary>
        Go,

        /// <summary>The writer has to wait.</summary>
        Wait,

        /// <summary>All was sent, and no more is to come.</summary>
        Complete,

        /// <summary>Nothing more is to be sent.</summary>
        Stop,
    }

    /// <summary>Whether the writer waits to be woken.</summary>
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

    /// <summary>Queues the channel's acknowledgment, unless one is queued already; how much it grants is decided when it is sent, so that one waits at most.</summary>
    public void EnqueueAcknowledgment(MtaTlsChannel channel)
    {
        if (!channel.Link.IsAcknowledging)
        {
            Enqueue(new(ControlKind.Acknowledgment, channel, null));
        }
    }

    /// <summary>What anybody queues from here on does not wake the writer: the read loop has more packets, whose answers are to share a flush.</summary>
    public void Cork() => _corked = Everybody;

    /// <summary>From here on only what this thread queues does not: it runs the application's code, for which no other channel is to wait.</summary>
    public void CorkThisThreadOnly() => _corked = Environment.CurrentManagedThreadId;

    /// <summary>Sends what was queued meanwhile.</summary>
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

    /// <summary>Acknowledgments are due.</summary>
    public void Wake()
    {
        bool wake;
        lock (_lock)
        {
            wake = TakeSleeper();
        }
        WakeIf(wake);
    }

    /// <summary>Sends what is queued, then ends the own direction in order.</summary>
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

    /// <summary>Sends nothing more.</summary>
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

    // ----- the writer -----

    /// <summary>Takes what is to be sent next: a control packet, or else a channel that has data.</summary>
    /// <param name="control">The control packet, where <paramref name="ready"/> is null.</param>
    /// <param name="ready">The channel.</param>
    /// <param name="stopped">Whether nothing is to be sent any more.</param>
    /// <returns>Whether there was anything.</returns>
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

    /// <summary>A channel has sent its packet and has more: its next turn comes after those of the others.</summary>
    public void Requeue(MtaTlsChannel channel)
    {
        lock (_lock)
        {
            Append(channel);
        }
    }

    /// <summary>Goes to sleep if nothing is left. After <see cref="Next.Wait"/> the writer has to await <see cref="WaitAsync"/>.</summary>
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
                _stopped = true;   // what is queued from here on can no longer be sent
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
            // A read that causes many answers must not reach their limit by itself.
            wake = TakeSleeper(always: 4 * _answers > session.Limits.MaxQueuedAnswers);
        }
        if (tooMany)
        {
            // Not here: the caller holds a lock, and an abort reaches everything.
            ThreadPool.UnsafeQueueUserWorkItem(static session => session.AbortFor(MtaTlsSessionLimit.MaxQueuedAnswers, "The peer does not read the answers that it causes."), session, preferLocal: false);
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
