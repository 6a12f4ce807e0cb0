namespace MtaTls.Protocol;

/// <content>The side of a channel that its session drives: what the read loop brings, what the send loop takes, and the close handshake.</content>
public sealed partial class MtaTlsChannel
{
    /// <summary>How long a channel may send nothing while the send budgets are exceeded.</summary>
    private static readonly TimeSpan s_stuck = TimeSpan.FromSeconds(1);

    // Guarded by Gate.
    private ChannelLifecycle _life;
    private bool _applicationEnded;
    private bool _released;
    private bool _isStalled;
    private bool _hasIgnoredData;
    private long _stalledSince;
    private LinkedListNode<MtaTlsChannel>? _watch;

    /// <summary>The channel's places in the queues; guarded by their locks.</summary>
    internal QueueLink Link;

    /// <summary>What has arrived.</summary>
    internal ChannelInput Received => _input;

    /// <summary>What is to be sent.</summary>
    internal ChannelOutput Unsent => _output;

    /// <summary>Whether data may still be sent, and received. The caller holds <see cref="Gate"/>.</summary>
    internal bool IsSending => ChannelTransitions.Sends(_life);

    // ----- the read loop; the caller holds Gate where nothing else is said -----

    /// <summary>Data came behind the close of this end.</summary>
    internal void NoteIgnored(int length) => _hasIgnoredData |= length > 0;

    /// <summary>The peer grants more window.</summary>
    /// <returns>Whether it does not overflow.</returns>
    internal bool TryAddWindow(uint freeSpace)
    {
        if (!_output.Window.TryAdd(freeSpace))
        {
            return false;
        }

        if (freeSpace > 0)
        {
            _isStalled = false;
        }

        SendIfPossible();
        return true;
    }

    internal void SetMaxPacketLength(uint maxPacketLength) => _output.Window.MaxPacketLength = maxPacketLength;

    /// <summary>The peer closes: confirm, send nothing more, let the application read what had arrived. Without <see cref="Gate"/>.</summary>
    /// <returns>Whether the id is free now.</returns>
    internal bool OnCloseRequest()
    {
        ChannelEffects effects;
        lock (Gate)
        {
            effects = Apply(ChannelEvent.PeerCloses);
        }

        ReleaseIfDone();
        return (effects & ChannelEffects.FreeId) != 0;
    }

    /// <summary>
    /// The peer confirms our close: the id is free. A confirmation that answers no request closes the channel, which goes on to need its own. Without <see cref="Gate"/>.
    /// </summary>
    /// <returns>Whether the id is free now.</returns>
    internal bool OnCloseConfirmation()
    {
        ChannelEffects effects;
        lock (Gate)
        {
            effects = Apply(ChannelEvent.PeerConfirms);
        }

        if ((effects & ChannelEffects.Violation) != 0)
        {
            Fail("A ChannelCloseConfirmation answers no request.");
        }

        ReleaseIfDone();
        return (effects & ChannelEffects.FreeId) != 0;
    }

    /// <summary>The session has ended: in order, or by a failure that every reader learns of. Without <see cref="Gate"/>.</summary>
    internal void OnSessionEnd(MtaTlsSessionException? failure)
    {
        lock (Gate)
        {
            Apply(ChannelEvent.SessionEnds);
            if (failure is null)
            {
                _input.End();
            }
            else
            {
                _input.Fail(failure);
            }

            AfterEnd(failure);
        }

        ReleaseIfDone();
    }

    // ----- the writer -----

    /// <summary>The ChannelEstablishmentSuccess goes out: from now on the peer can know the id.</summary>
    internal void Announce() => _announced = true;

    /// <summary>The ChannelCloseRequest goes out: from now on it can be confirmed.</summary>
    internal void CloseRequestIsWritten()
    {
        lock (Gate)
        {
            Apply(ChannelEvent.Written);
        }
    }

    /// <summary>The window to announce in ChannelEstablishmentSuccess; before it nothing can have been granted.</summary>
    internal uint FirstWindow => (uint)_input.Window.Limit;

    /// <summary>The max_packet_length to announce in ChannelEstablishmentSuccess.</summary>
    internal uint FirstMaxPacketLength => (uint)_input.Window.MaxPacketLength;

    /// <summary>A packet has been sent. The caller holds <see cref="Gate"/>.</summary>
    internal void OnSent(int length)
    {
        _bytesSent += length;
        if (_life == ChannelLifecycle.Flushing)
        {
            _closeProgress = Session.Clock.Now;
            if (!_output.HasUnsent)
            {
                Apply(ChannelEvent.Flushed);
            }
        }

        if (!_output.CanSend && _output.HasUnsent)
        {
            NoteStall();
        }
    }

    /// <summary>Takes what is to be acknowledged now.</summary>
    /// <param name="freeSpace">The increment; 0: nothing.</param>
    /// <param name="maxPacketLength">A new max_packet_length to announce; 0: none.</param>
    internal void TakeAcknowledgment(out uint freeSpace, out int maxPacketLength)
    {
        freeSpace = 0;
        maxPacketLength = 0;
        lock (Gate)
        {
            if (!IsSending)
            {
                return;
            }

            freeSpace = _input.Grant(Session.Budget, Session.RoundTrip, out bool starved);
            if (freeSpace > 0)
            {
                maxPacketLength = _input.Window.RaiseMaxPacketLength(_input.Received, Session.Limits.MaxPacketLength);
            }

            if (starved && Session.Acknowledgments.EnqueueStarved(this))
            {
                Session.Counters.CountExceeded(Session.Budget.Exhausted);
            }
        }
    }

    // ----- under Gate, from either side -----

    /// <summary>Queues the channel for the send loop when it has something that may be sent.</summary>
    internal void SendIfPossible()
    {
        if (_output.CanSend)
        {
            Session.Queue.EnqueueReady(this);
        }
        else if (_output.HasUnsent)
        {
            NoteStall();
        }
    }

    /// <summary>
    /// The send budgets are exceeded, and the channel holds its part of that. Closes it when it can send nothing: its peer has never granted any window, has granted none for a second, or has not read for
    /// a second. The caller holds <see cref="Gate"/>.
    /// </summary>
    /// <returns>Whether it was closed.</returns>
    internal bool CloseIfStuck()
    {
        if (!IsSending)
        {
            return false;
        }

        bool isStuck = _output.CanSend
            ? Session.Writer.IsStuck
            : _bytesSent == 0 || (_isStalled && Session.Clock.ElapsedSince(_stalledSince) >= s_stuck);
        if (!isStuck)
        {
            return false;
        }

        Session.Counters.CountExceeded(Session.SendBudget.Exhausted);
        var error = new MtaTlsChannelException("The peer takes no data, and the send budget is used up.");
        AbortUnderGate(error, error, keepsReceived: true);
        return true;
    }

    /// <summary>The same for a channel that does not write any more, from outside of its lock.</summary>
    internal void CloseIfHoldingAndStuck()
    {
        lock (Gate)
        {
            if (_output.HoldsTooMuch)
            {
                CloseIfStuck();
            }
        }
        ReleaseIfDone();
    }

    private void NoteStall()
    {
        if (_isStalled || !IsSending)
        {
            return;
        }

        _isStalled = true;
        Session.Counters.CountWindowStall();
        _stalledSince = Session.Clock.Now;
        _watch ??= Session.Clock.Watch(this);
    }

    /// <summary>Queues an acknowledgment: at once when a quarter of the window was examined, with a flush or soon when all that arrived was.</summary>
    internal void AcknowledgeIfDue()
    {
        if (!IsSending || Link.IsAcknowledging)
        {
            return;
        }

        if (_input.IsAcknowledgmentDue)
        {
            Session.Queue.EnqueueAcknowledgment(this);
        }
        else if (_input.IsAcknowledgmentOwed)
        {
            Session.Acknowledgments.Enqueue(this);
        }
    }

    /// <summary>Carries out a step of the channel's life, with those of its effects whose order matters.</summary>
    private ChannelEffects Apply(ChannelEvent what)
    {
        (_life, ChannelEffects effects) = ChannelTransitions.Next(_life, what);
        if ((effects & ChannelEffects.QueueConfirmation) != 0)
        {
            Session.Queue.EnqueueConfirmation(this);
        }

        if ((effects & ChannelEffects.StopSending) != 0)
        {
            _output.Close();
        }

        if ((effects & ChannelEffects.QueueCloseRequest) != 0)
        {
            Session.Queue.EnqueueCloseRequest(this);
            WatchClosing();
            _closeRequested?.TrySetResult();
        }

        if ((effects & ChannelEffects.EndInput) != 0)
        {
            _input.End();
            AfterEnd(null);
        }

        if ((effects & ChannelEffects.Ignore) != 0)
        {
            Session.Counters.CountIgnored();
        }

        return effects;
    }

    private void BeginClose()
    {
        _applicationEnded = true;
        _input.Discard(byReader: false);
        _output.CompleteWriting();
        if (_life != ChannelLifecycle.Open)
        {
            return;
        }

        Apply(_output.HasUnsent ? ChannelEvent.CloseWithData : ChannelEvent.Close);
        if (_life == ChannelLifecycle.Flushing)
        {
            SendIfPossible();
            // From here on everything that arrives, or has arrived unread, is granted again: two ends that both flush must not wait for each other.
            AcknowledgeIfDue();
            WatchClosing();
        }
    }

    private void WatchClosing()
    {
        _closeProgress = Session.Clock.Now;
        _watch ??= Session.Clock.Watch(this);
    }

    private void AfterEnd(Exception? reason)
    {
        NotifyReadable();
        NotifyClosed(reason);
        _closeRequested?.TrySetResult();
    }

    // ----- closing, without Gate -----

    /// <summary>One side was completed by the application; both make a close.</summary>
    internal void SideCompleted()
    {
        lock (Gate)
        {
            if (!_input.IsDiscarding || !_output.IsCompleted)
            {
                return;
            }

            BeginClose();
        }
        ReleaseIfDone();
    }

    /// <summary>The peer broke a rule of this channel: it closes, the session goes on, and the TLS session is not to be resumed (section 3).</summary>
    internal void Fail(string rule)
    {
        Session.Counters.CountChannelError();
        Session.ForbidResumption();
        var error = new MtaTlsChannelException(rule);
        Abort(error, error, keepsReceived: true);
    }

    /// <summary>Closes at once because the session ends; what had arrived can be read.</summary>
    internal void AbortWithSession() => Abort(new MtaTlsChannelException("The channel was aborted."), null, keepsReceived: true);

    /// <param name="error">What reads fail with.</param>
    /// <param name="reason">What <see cref="OnClosed"/> is told.</param>
    /// <param name="keepsReceived">Whether reads fail only after what had arrived was read: always when it is not the channel's application that gives up.</param>
    private void Abort(MtaTlsChannelException error, Exception? reason, bool keepsReceived)
    {
        lock (Gate)
        {
            AbortUnderGate(error, reason, keepsReceived);
        }
        ReleaseIfDone();
    }

    private void AbortUnderGate(MtaTlsChannelException error, Exception? reason, bool keepsReceived)
    {
        _output.Close();
        if (keepsReceived)
        {
            _input.Fail(error);
        }
        else
        {
            _input.Abort(error);
        }

        Apply(ChannelEvent.Abort);
        AfterEnd(reason);
    }

    /// <summary>Called by the session's clock while the channel is closing, or waits for window.</summary>
    /// <exception cref="MtaTlsSessionException">The peer has not confirmed the close in time.</exception>
    internal void CheckProgress()
    {
        MtaTlsSessionLimits limits = Session.Limits;
        lock (Gate)
        {
            if (_life == ChannelLifecycle.Ended)
            {
                StopWatching();
                return;
            }
            if (_life == ChannelLifecycle.Open)
            {
                if (!_isStalled)
                {
                    StopWatching();
                    return;
                }
                if (_output.HoldsTooMuch && CloseIfStuck())
                {
                    return;
                }
                if (limits.ChannelWriteStallTimeout == Timeout.InfiniteTimeSpan || Session.Clock.ElapsedSince(_stalledSince) < limits.ChannelWriteStallTimeout)
                {
                    return;
                }
            }
            else
            {
                CheckClosing(limits);
                return;
            }
        }
        Session.Counters.CountExceeded(MtaTlsSessionLimit.ChannelWriteStallTimeout);
        var error = new MtaTlsChannelException("The peer grants no window: nothing could be sent for too long.");
        Abort(error, error, keepsReceived: true);
    }

    private void CheckClosing(MtaTlsSessionLimits limits)
    {
        TimeSpan waited = Session.Clock.ElapsedSince(_closeProgress);
        if (_life == ChannelLifecycle.Flushing)
        {
            if (waited < limits.CloseLingerTimeout)
            {
                return;
            }

            Session.Counters.CountExceeded(MtaTlsSessionLimit.CloseLingerTimeout);
            Apply(ChannelEvent.Flushed);
        }
        else if (waited >= limits.CloseTimeout)
        {
            Session.Counters.CountExceeded(MtaTlsSessionLimit.CloseTimeout);
            throw new MtaTlsSessionException("The peer did not confirm the close of a channel in time.", MtaTlsSessionEnd.LimitExceeded, MtaTlsSessionLimit.CloseTimeout);
        }
    }

    private void StopWatching()
    {
        if (_watch is null)
        {
            return;
        }

        Session.Clock.Unwatch(_watch);
        _watch = null;
    }

    /// <summary>Gives the channel's place and its part of the budgets back, once its id is free and its application has ended.</summary>
    private void ReleaseIfDone()
    {
        long reserved;
        lock (Gate)
        {
            if (_life != ChannelLifecycle.Ended || !_applicationEnded || _released)
            {
                return;
            }

            _released = true;
            StopWatching();
            reserved = _input.Window.TakeReserved();
        }
        Session.Budget.ReleaseAll(reserved);
        Session.ChannelReleased();
    }
}
