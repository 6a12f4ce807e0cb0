namespace MtaTls.Protocol;

/// <content>The side of a channel that its session drives: what the read loop brings, what the send loop takes, and the close handshake.</content>
public sealed partial class MtaTlsChannel
{
    /// <summary>How long a channel may send nothing while the send budgets are exceeded.</summary>
    private static readonly TimeSpan s_stuck = TimeSpan.FromSeconds(1);

    // Guarded by Gate: whether the channel waits in one of the scheduler's queues.
    private bool _isReady;
    private bool _isAcknowledgmentQueued;
    private bool _isLateAcknowledgmentQueued;
    private bool _isStalled;
    private long _stalledSince;
    private bool _isCloseRequestWritten;
    private bool _hasIgnoredData;
    private LinkedListNode<MtaTlsChannel>? _watch;

    // ----- the read loop -----

    /// <summary>A data packet begins. Whether its data are to be received; if not they are skipped, and a rule that the packet breaks has closed the channel.</summary>
    internal bool BeginPacket(int length)
    {
        MtaTlsSessionLimit? broken;
        lock (Gate)
        {
            if (MayReceive(length, out broken))
            {
                return true;
            }
        }
        if (broken is { } limit)
        {
            Break(limit);
        }

        return false;
    }

    /// <summary>A data packet that has arrived whole: begins it and receives its data, or skips them, in one go.</summary>
    internal void ReceivePacket(ReadOnlySpan<byte> data)
    {
        MtaTlsSessionLimit? broken;
        lock (Gate)
        {
            if (MayReceive(data.Length, out broken))
            {
                for (bool begins = true; !data.IsEmpty; begins = false)
                {
                    Span<byte> room = _input.BeginReceive(data.Length, begins).Span;
                    if (room.IsEmpty)
                    {
                        _input.Skip(data.Length);
                        AcknowledgeIfDue();
                        return;
                    }
                    data[..room.Length].CopyTo(room);
                    data = data[room.Length..];
                    EndReceive(room.Length);
                }
                return;
            }
        }
        if (broken is { } limit)
        {
            Break(limit);
        }
    }

    private void Break(MtaTlsSessionLimit limit)
    {
        Session.Counters.CountExceeded(limit);
        Fail(limit == MtaTlsSessionLimit.MaxPacketLength ? "The peer sent a packet that is longer than it may be." : "The peer sent more than the window allows.");
    }

    /// <summary>Whether a data packet may come now. The caller holds <see cref="Gate"/>.</summary>
    /// <param name="length">The length of its data.</param>
    /// <param name="broken">What it exceeds; null when the channel only takes no more.</param>
    private bool MayReceive(int length, out MtaTlsSessionLimit? broken)
    {
        broken = null;
        if ((_state & ChannelState.NoMoreSending) != 0)
        {
            _hasIgnoredData |= length > 0;
            Session.Counters.CountIgnored();
            return false;
        }
        ref ReceiveWindow window = ref _input.Window;
        if (length > window.MaxPacketLength)
        {
            broken = MtaTlsSessionLimit.MaxPacketLength;
        }
        else if (_input.Received + length > window.Limit)
        {
            broken = MtaTlsSessionLimit.MaxWindowSize;
        }

        return broken is null;
    }

    /// <summary>Memory for octets of the packet that has begun; empty when nobody will read them.</summary>
    internal Memory<byte> BeginReceive(int packetRest, bool begins)
    {
        lock (Gate)
        {
            return _input.BeginReceive(packetRest, begins);
        }
    }

    internal void EndReceive(int count)
    {
        lock (Gate)
        {
            _input.EndReceive(count);
            if (_onReadable is not null)
            {
                NotifyReadable();
            }

            if (_input.IsDiscarding)
            {
                AcknowledgeIfDue();
            }
        }
    }

    /// <summary>Octets of the packet that has begun were thrown away; they are acknowledged as if they had been read.</summary>
    internal void Skip(int count)
    {
        lock (Gate)
        {
            _input.Skip(count);
            AcknowledgeIfDue();
        }
    }

    internal void OnAcknowledgment(uint freeSpace)
    {
        lock (Gate)
        {
            if ((_state & ChannelState.NoMoreSending) != 0)
            {
                Session.Counters.CountIgnored();
                return;
            }
            if (_output.Window.TryAdd(freeSpace))
            {
                if (freeSpace > 0)
                {
                    _isStalled = false;
                }

                SendIfPossible();
                return;
            }
        }
        Fail("The peer's acknowledgments overflow the window.");
    }

    internal void OnNewMaxPacketLength(uint maxPacketLength)
    {
        if (maxPacketLength < Session.Limits.MinPeerPacketLength)
        {
            PeerPacketsTooShort(maxPacketLength);
            return;
        }
        lock (Gate)
        {
            _output.Window.MaxPacketLength = maxPacketLength;
        }
    }

    /// <summary>The peer takes only packets that cost more than they carry, or none.</summary>
    internal void PeerPacketsTooShort(uint maxPacketLength)
    {
        lock (Gate)
        {
            if ((_state & ChannelState.NoMoreSending) != 0)
            {
                Session.Counters.CountIgnored();
                return;
            }
        }
        if (maxPacketLength == 0)
        {
            Fail("The peer announced max_packet_length 0.");
            return;
        }

        Session.Counters.CountExceeded(MtaTlsSessionLimit.MinPeerPacketLength);
        Fail("The peer takes only packets that are too short.");
    }

    /// <summary>The peer closes: confirm, send nothing more, let the application read what had arrived.</summary>
    /// <returns>Whether the id is free now.</returns>
    internal bool OnCloseRequest()
    {
        lock (Gate)
        {
            if ((_state & (ChannelState.CloseRequestReceived | ChannelState.Ended)) != 0)
            {
                Session.Counters.CountIgnored();
                return false;
            }
            _state |= ChannelState.CloseRequestReceived;
            Session.Scheduler.EnqueueConfirmation(this);
            EndInOrder();
            // Crossing requests: the id stays taken until the peer confirms ours.
            if ((_state & ChannelState.CloseRequestSent) != 0)
            {
                return false;
            }

            _state |= ChannelState.Ended;
        }
        ReleaseIfDone();
        return true;
    }

    /// <summary>The peer confirms our close: the id is free. A confirmation that answers no request closes the channel, which goes on to need its own.</summary>
    /// <returns>Whether the id is free now.</returns>
    internal bool OnCloseConfirmation()
    {
        bool isAnswer;
        lock (Gate)
        {
            isAnswer = _isCloseRequestWritten;
            if (isAnswer)
            {
                _state |= ChannelState.Ended;
                EndInOrder();
            }
        }
        if (!isAnswer)
        {
            Fail("A ChannelCloseConfirmation answers no request.");
            return false;
        }

        ReleaseIfDone();
        return true;
    }

    /// <summary>The session has ended: in order, or by a failure that every reader learns of.</summary>
    internal void OnSessionEnd(MtaTlsSessionException? failure)
    {
        lock (Gate)
        {
            _state |= ChannelState.Ended;
            if (failure is null)
            {
                EndInOrder();
            }
            else
            {
                _output.Close();
                _input.Fail(failure);
                AfterEnd(failure);
            }
        }
        ReleaseIfDone();
    }

    // ----- the send loop -----

    /// <summary>The ChannelEstablishmentSuccess goes out: from now on the peer can know the id.</summary>
    internal void Announce() => _announced = true;

    /// <summary>The ChannelCloseRequest goes out: from now on it can be confirmed.</summary>
    internal void WriteCloseRequest()
    {
        lock (Gate)
        {
            _isCloseRequestWritten = true;
        }
    }

    /// <summary>The window to announce in ChannelEstablishmentSuccess; before it nothing can have been granted.</summary>
    internal uint FirstWindow => (uint)_input.Window.Limit;

    /// <summary>The max_packet_length to announce in ChannelEstablishmentSuccess.</summary>
    internal uint FirstMaxPacketLength => (uint)_input.Window.MaxPacketLength;

    /// <summary>Sends one packet of data, at most <paramref name="quantum"/> octets.</summary>
    /// <param name="transport">Where to; small packets are gathered in its buffer, large ones go straight.</param>
    /// <param name="quantum">The most octets of data.</param>
    /// <param name="gatherBelow">The length below which packets are gathered.</param>
    /// <param name="more">Whether the channel has more to send and stays in the ready queue.</param>
    /// <returns>The octets of data sent.</returns>
    internal int SendPacket(IMtaTlsTransport transport, int quantum, int gatherBelow, out bool more)
    {
        int length;
        try
        {
            ReadOnlySpan<byte> packet;
            lock (Gate)
            {
                packet = _output.BeginSend(Id, quantum, out length);
                if (length == 0)
                {
                    more = _isReady = false;
                    return 0;
                }
                if (packet.Length < gatherBelow)
                {
                    packet.CopyTo(transport.GetMemory(packet.Length).Span);
                    transport.Advance(packet.Length);
                    more = AfterSend(length);
                    return length;
                }
            }
            transport.Write(packet);
        }
        catch
        {
            lock (Gate)
            {
                _output.CancelSend();
            }

            throw;
        }
        lock (Gate)
        {
            more = AfterSend(length);
        }

        return length;
    }

    private bool AfterSend(int length)
    {
        _output.EndSend(length);
        _bytesSent += length;
        if ((_state & (ChannelState.Closing | ChannelState.NoMoreSending)) == ChannelState.Closing)
        {
            _closeProgress = Session.Clock.Now;
            if (!_output.HasUnsent)
            {
                SendCloseRequest();
            }
        }
        _isReady = _output.CanSend;
        if (!_isReady && _output.HasUnsent)
        {
            NoteStall();
        }

        return _isReady;
    }

    /// <summary>Takes what is to be acknowledged now.</summary>
    /// <param name="late">Whether the late acknowledgment is due, not the one that cannot wait.</param>
    /// <param name="freeSpace">The increment; 0: nothing.</param>
    /// <param name="maxPacketLength">A new max_packet_length to announce; 0: none.</param>
    internal void TakeAcknowledgment(bool late, out uint freeSpace, out int maxPacketLength)
    {
        freeSpace = 0;
        maxPacketLength = 0;
        lock (Gate)
        {
            if (late)
            {
                _isLateAcknowledgmentQueued = false;
            }
            else
            {
                _isAcknowledgmentQueued = false;
            }

            if ((_state & ChannelState.NoMoreSending) != 0)
            {
                return;
            }

            freeSpace = _input.Grant(Session.Budget, Session.RoundTrip, out bool starved);
            if (freeSpace > 0)
            {
                maxPacketLength = _input.Window.RaiseMaxPacketLength(_input.Received, Session.Limits.MaxPacketLength);
            }

            if (starved && !_isLateAcknowledgmentQueued)
            {
                Session.Counters.CountExceeded(Session.Budget.Exhausted);
                _isLateAcknowledgmentQueued = true;
                Session.Scheduler.EnqueueStarvedAcknowledgment(this);
            }
        }
    }

    // ----- under Gate, from either side -----

    /// <summary>Queues the channel for the send loop when it has something that may be sent.</summary>
    internal void SendIfPossible()
    {
        if (_isReady)
        {
            return;
        }

        if (_output.CanSend)
        {
            _isReady = true;
            Session.Scheduler.EnqueueReady(this);
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
        if ((_state & ChannelState.NoMoreSending) != 0)
        {
            return false;
        }

        bool isStuck = _output.CanSend
            ? Session.Scheduler.IsStuck
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
        if (_isStalled || (_state & ChannelState.NoMoreSending) != 0)
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
        if ((_state & ChannelState.NoMoreSending) != 0 || _isAcknowledgmentQueued)
        {
            return;
        }

        if (_input.IsAcknowledgmentDue)
        {
            _isAcknowledgmentQueued = true;
            Session.Scheduler.EnqueueAcknowledgment(this);
        }
        else if (!_isLateAcknowledgmentQueued && _input.IsAcknowledgmentOwed)
        {
            _isLateAcknowledgmentQueued = true;
            Session.Scheduler.EnqueueLateAcknowledgment(this);
        }
    }

    private void BeginClose()
    {
        _state |= ChannelState.ApplicationEnded;
        _input.Discard(byReader: false);
        _output.CompleteWriting();
        if ((_state & (ChannelState.Closing | ChannelState.NoMoreSending)) != 0)
        {
            return;
        }

        _state |= ChannelState.Closing;
        if (!_output.HasUnsent)
        {
            SendCloseRequest();
            return;
        }
        SendIfPossible();
        // From here on everything that arrives, or has arrived unread, is granted again: two ends that both flush must not wait for each other.
        AcknowledgeIfDue();
        _closeProgress = Session.Clock.Now;
        _watch ??= Session.Clock.Watch(this);
    }

    private void SendCloseRequest()
    {
        _state |= ChannelState.CloseRequestSent;
        _output.Close();
        Session.Scheduler.EnqueueCloseRequest(this);
        _closeProgress = Session.Clock.Now;
        _watch ??= Session.Clock.Watch(this);
        _closeRequested?.TrySetResult();
    }

    private void EndInOrder()
    {
        _output.Close();
        _input.End();
        AfterEnd(null);
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
    private void Fail(string rule)
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

        if ((_state & ChannelState.NoMoreSending) == 0)
        {
            SendCloseRequest();
        }

        AfterEnd(reason);
    }

    /// <summary>Called by the session's clock while the channel is closing, or waits for window.</summary>
    /// <exception cref="MtaTlsSessionException">The peer has not confirmed the close in time.</exception>
    internal void CheckProgress()
    {
        MtaTlsSessionLimits limits = Session.Limits;
        lock (Gate)
        {
            if ((_state & ChannelState.Ended) != 0)
            {
                StopWatching();
                return;
            }
            if ((_state & (ChannelState.Closing | ChannelState.CloseRequestSent)) == 0)
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
        if ((_state & ChannelState.CloseRequestSent) == 0)
        {
            if (waited < limits.CloseLingerTimeout)
            {
                return;
            }

            Session.Counters.CountExceeded(MtaTlsSessionLimit.CloseLingerTimeout);
            SendCloseRequest();
        }
        else if (waited >= limits.CloseTimeout)
        {
            Session.Counters.CountExceeded(MtaTlsSessionLimit.CloseTimeout);
            throw new MtaTlsSessionException("The peer did not confirm the close of a channel in time.");
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
        const ChannelState Done = ChannelState.Ended | ChannelState.ApplicationEnded;
        long reserved;
        lock (Gate)
        {
            if ((_state & (Done | ChannelState.Released)) != Done)
            {
                return;
            }

            _state |= ChannelState.Released;
            StopWatching();
            reserved = _input.Window.TakeReserved();
        }
        Session.Budget.ReleaseAll(reserved);
        Session.ChannelReleased();
    }
}
