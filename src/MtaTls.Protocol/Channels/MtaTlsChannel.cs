using System.IO.Pipelines;

namespace MtaTls.Protocol;

/// <summary>One channel of a session: an ordered, reliable, flow-controlled stream of bytes in each direction.</summary>
/// <remarks>
/// The protocol has no half close. Completing only <see cref="Output"/> sends the data that was written, and the peer does not see an end. Completing only
/// <see cref="Input"/> discards the data that arrives. The channel closes in order when both are completed, by <see cref="CloseAsync"/>, and when it is disposed.
/// A channel counts against the session's limits until its application has closed or disposed it, whatever the peer does.
/// </remarks>
public sealed class MtaTlsChannel : IDuplexPipe, IAsyncDisposable
{
    private readonly ChannelInput _input;
    private readonly ChannelOutput _output;

    // Guarded by Gate.
    private ChannelCallbacks _callbacks;
    private TaskCompletionSource? _closeRequested;
    private long _bytesSent;
    private bool _applicationEnded;
    private bool _released;
    private bool _hasIgnoredData;

    private volatile bool _announced;

    /// <summary>The channel's places in the session's queues. Guarded by the queues' locks.</summary>
    internal QueueLink Link;

    /// <summary>Since when the channel has waited for its peer. Guarded by <see cref="Gate"/>.</summary>
    internal ChannelWatch Watch;

    internal MtaTlsChannel(
        MtaTlsSession session, ChannelId id, ChannelAddress source, ChannelAddress destination, SendWindow sendWindow, ReceiveWindow receiveWindow,
        bool isOwn, bool sharesHalf)
    {
        Session = session;
        Id = id;
        Source = source;
        Destination = destination;
        IsOwn = _announced = isOwn;
        SharesHalf = sharesHalf;
        _input = new ChannelInput(this, receiveWindow);
        _output = new ChannelOutput(this, sendWindow);
    }

    /// <summary>The session that the channel belongs to.</summary>
    internal MtaTlsSession Session { get; }

    /// <summary>The channel's id (section 2.1.1), unique among the open channels of its session.</summary>
    public ChannelId Id { get; }

    /// <summary>The source address that the opener sent (section 2.1.1, source_address_machine and source_port). Nobody has verified it.</summary>
    public ChannelAddress Source { get; }

    /// <summary>The host and port that the opener asked for (section 2.1.1, destination_address_machine and destination_port).</summary>
    public ChannelAddress Destination { get; }

    /// <summary>
    /// The data that the peer sends. It is completed when the peer closes the channel or ends the session in order. Reads fail with an <see cref="IOException"/> when the session
    /// fails, the peer breaks a rule of the channel, or a timeout closes the channel. In all these cases the data that arrived before can be read first, even when this end aborts afterwards.
    /// When this end aborts an open channel, reads fail at once.
    /// </summary>
    public PipeReader Input => _input;

    /// <summary>
    /// The data to send to the peer. A flush waits while <see cref="MtaTlsSessionLimits.OutputBufferSize"/> bytes or more are unsent. Its result has IsCompleted set when the channel has closed.
    /// </summary>
    public PipeWriter Output => _output;

    /// <summary>The bytes of data received on the channel, packet headers not counted.</summary>
    public long BytesReceived
    {
        get
        {
            lock (Gate)
            {
                return _input.Received;
            }
        }
    }

    /// <summary>The bytes of data sent on the channel, packet headers not counted.</summary>
    public long BytesSent
    {
        get
        {
            lock (Gate)
            {
                return _bytesSent;
            }
        }
    }

    /// <summary>Whether the peer has sent data after this end closed the channel. It was ignored, and <see cref="BytesReceived"/> does not count it.</summary>
    internal bool HasIgnoredData
    {
        get
        {
            lock (Gate)
            {
                return _hasIgnoredData;
            }
        }
    }

    /// <summary>
    /// The channel's lock. It guards the channel's state, both windows and both chains of blocks. While it is held, the locks of the send queue, the acknowledgments, the clock, the budgets
    /// and the block pool may be taken, never the session's.
    /// </summary>
    internal Lock Gate { get; } = new();

    /// <summary>Whether this end opened the channel.</summary>
    internal bool IsOwn { get; }

    /// <summary>Whether the peer can know the channel's id.</summary>
    internal bool IsAnnounced => _announced;

    /// <summary>Whether another channel of the session uses the same half of the id that this end chose. Such a half is not freed with the channel.</summary>
    internal bool SharesHalf { get; }

    /// <summary>The state of the channel now, for diagnostics.</summary>
    internal ChannelSnapshot Snapshot()
    {
        lock (Gate)
        {
            return new ChannelSnapshot(Life, _input.Received, _bytesSent, _input.Unread, _output.Unsent, _output.Window.Remaining, Math.Max(0, _input.Window.Limit - _input.Received), Watch.IsStalled);
        }
    }

    /// <summary>
    /// Closes the channel in order (section 2.1.2): sends all data that was written, then ChannelCloseRequest. Data that still arrives is discarded. When nothing moves for
    /// <see cref="MtaTlsSessionLimits.CloseLingerTimeout"/>, the unsent data is discarded too.
    /// </summary>
    /// <param name="cancellationToken">Stops waiting: the channel is closed at once, and unsent data is discarded.</param>
    /// <returns>A task that ends when ChannelCloseRequest is queued behind the last data, or when the channel has ended for another reason.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was canceled before the data was sent.</exception>
    public ValueTask CloseAsync(CancellationToken cancellationToken = default)
    {
        Task? requested = null;
        lock (Gate)
        {
            BeginClose();
            if (IsSending)
            {
                requested = (_closeRequested ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }
        ReleaseIfDone();
        return requested is null ? default : WaitForCloseAsync(requested, cancellationToken);
    }

    private async ValueTask WaitForCloseAsync(Task requested, CancellationToken cancellationToken)
    {
        try
        {
            await requested.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Abort(null);
            throw;
        }
    }

    /// <summary>
    /// Closes the channel at once: unsent data is discarded and ChannelCloseRequest is sent. Pending and later reads fail, unless the peer or the session had ended
    /// the channel before: then the data that had arrived can still be read. The application still has to close or dispose the channel.
    /// </summary>
    /// <param name="reason">The application's failure. With one, the TLS session can no longer be resumed (section 3). <see langword="null"/> when nothing failed.</param>
    public void Abort(Exception? reason = null)
    {
        if (reason is not null)
        {
            Session.ForbidResumption();
        }

        Abort(new MtaTlsChannelException("The channel was aborted.", reason), reason, keepsReceived: false);
    }

    /// <summary>
    /// Sets a callback that is called once, on the thread pool, when data can be read or the channel has closed. An idle channel that waits this way needs no pending read and
    /// no buffer.
    /// </summary>
    /// <param name="callback">The callback.</param>
    /// <param name="state">Passed to it.</param>
    internal void OnReadable(Action<MtaTlsChannel, object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (Gate)
        {
            _callbacks.SetReadable(this, callback, state);
        }
    }

    /// <summary>
    /// Sets a callback that is called once, on the thread pool, when the peer has closed the channel, this end has aborted it or finished closing it, or the session has ended. Its
    /// exception is null when the channel ended in order.
    /// </summary>
    /// <param name="callback">The callback.</param>
    /// <param name="state">Passed to it.</param>
    internal void OnClosed(Action<MtaTlsChannel, Exception?, object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (Gate)
        {
            _callbacks.SetClosed(this, callback, state);
        }
    }

    /// <summary>Returns a stream that reads and writes the channel. Disposing the stream closes the channel in order.</summary>
    /// <returns>A new stream over <see cref="Input"/> and <see cref="Output"/>.</returns>
    public Stream AsStream() => new ChannelStream(this);

    /// <summary>Closes the channel in order, as <see cref="CloseAsync"/> does.</summary>
    /// <returns>A task that ends when ChannelCloseRequest is queued behind the last data, or when the channel has ended for another reason.</returns>
    public ValueTask DisposeAsync() => CloseAsync();

    /// <summary>The reading side, with members that the session needs.</summary>
    internal ChannelInput Received => _input;

    /// <summary>The writing side, with members that the session needs.</summary>
    internal ChannelOutput Unsent => _output;

    /// <summary>The channel's state. Guarded by <see cref="Gate"/>.</summary>
    internal ChannelLifecycle Life { get; private set; }

    /// <summary>Whether any data was sent. The caller holds <see cref="Gate"/>.</summary>
    internal bool HasSent => _bytesSent > 0;

    /// <summary>Whether data can still be sent and received. The caller holds <see cref="Gate"/>.</summary>
    internal bool IsSending => ChannelTransitions.Sends(Life);

    // ----- called by the read loop; the caller holds Gate unless a comment says otherwise -----

    /// <summary>Data came after this end closed the channel.</summary>
    internal void NoteIgnored(int length) => _hasIgnoredData |= length > 0;

    /// <summary>The peer grants more window.</summary>
    /// <returns><see langword="false"/> when the window would overflow.</returns>
    internal bool TryAddWindow(uint freeSpace)
    {
        if (!_output.Window.TryAdd(freeSpace))
        {
            return false;
        }

        if (freeSpace > 0)
        {
            Watch.EndStall();
        }

        SendIfPossible();
        return true;
    }

    internal void SetMaxPacketLength(uint maxPacketLength) => _output.Window.MaxPacketLength = maxPacketLength;

    /// <summary>The session has ended, in order or with a failure. The caller does not hold <see cref="Gate"/>.</summary>
    /// <returns>Whether the channel was open: this end had not asked for its close.</returns>
    internal bool OnSessionEnd(MtaTlsSessionException? failure)
    {
        bool wasOpen;
        lock (Gate)
        {
            wasOpen = IsSending;
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
        return wasOpen;
    }

    // ----- called by the send loop -----

    /// <summary>ChannelEstablishmentSuccess is being written: from now on the peer can know the id.</summary>
    internal void Announce() => _announced = true;

    /// <summary>ChannelCloseRequest is being written: from now on the peer can confirm it.</summary>
    internal void CloseRequestIsWritten()
    {
        lock (Gate)
        {
            Apply(ChannelEvent.Written);
        }
    }

    /// <summary>The window to announce in ChannelEstablishmentSuccess. Nothing else is granted before that packet.</summary>
    internal uint FirstWindow => (uint)_input.Window.Limit;

    /// <summary>The max_packet_length to announce in ChannelEstablishmentSuccess.</summary>
    internal uint FirstMaxPacketLength => (uint)_input.Window.MaxPacketLength;

    /// <summary>A packet has been sent. The caller holds <see cref="Gate"/>.</summary>
    internal void OnSent(int length)
    {
        _bytesSent += length;
        if (Life == ChannelLifecycle.Flushing)
        {
            Watch.CloseProgress = Session.Clock.Now;
            if (!_output.HasUnsent)
            {
                Apply(ChannelEvent.Flushed);
            }
        }

        if (!_output.CanSend && _output.HasUnsent)
        {
            ChannelProgress.NoteStall(this);
        }
    }

    // ----- called under Gate -----

    /// <summary>Queues the channel for the send loop if it has data and window.</summary>
    internal void SendIfPossible()
    {
        if (_output.CanSend)
        {
            Session.Queue.EnqueueReady(this);
        }
        else if (_output.HasUnsent)
        {
            ChannelProgress.NoteStall(this);
        }
    }

    /// <summary>Changes the channel's state and carries out the effects that must happen under the lock. The caller carries out the others.</summary>
    internal ChannelEffects Apply(ChannelEvent what)
    {
        (Life, ChannelEffects effects) = ChannelTransitions.Next(Life, what);
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
            ChannelProgress.NoteClosing(this);
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
        if (Life != ChannelLifecycle.Open)
        {
            return;
        }

        Apply(_output.HasUnsent ? ChannelEvent.CloseWithData : ChannelEvent.Close);
        if (Life == ChannelLifecycle.Flushing)
        {
            SendIfPossible();
            // From here on, window is granted again for all data, although no application reads it: two ends that both flush must not wait for each other.
            Session.Acknowledgments.EnqueueIfDue(this);
            ChannelProgress.NoteClosing(this);
        }
    }

    private void AfterEnd(Exception? reason)
    {
        NotifyReadable();
        _callbacks.NotifyClosed(this, reason);
        _closeRequested?.TrySetResult();
    }

    /// <summary>Calls the readable callback if there is something to read. The caller holds <see cref="Gate"/>.</summary>
    internal void NotifyReadable() => _callbacks.NotifyReadable(this);

    // ----- closing; the caller does not hold Gate -----

    /// <summary>The application has completed one side. When both are completed, the channel closes in order.</summary>
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

    /// <summary>The peer broke a rule of this channel: the channel closes, the session goes on, and the TLS session must not be resumed (section 3).</summary>
    internal void Fail(string rule)
    {
        Session.Counters.CountChannelError();
        Session.ForbidResumption();
        FailTo(rule);
    }

    /// <summary>Closes the channel at once because of the peer. Data that had arrived can still be read.</summary>
    internal void FailTo(string reason)
    {
        lock (Gate)
        {
            FailUnderGate(reason);
        }

        ReleaseIfDone();
    }

    /// <summary>As <see cref="FailTo"/>, for a caller that holds <see cref="Gate"/> and calls <see cref="ReleaseIfDone"/> later.</summary>
    internal void FailUnderGate(string reason)
    {
        var error = new MtaTlsChannelException(reason);
        AbortUnderGate(error, error, keepsReceived: true);
    }

    /// <summary>Closes the channel at once because the session ends. Data that had arrived can still be read.</summary>
    internal void AbortWithSession() => Abort(new MtaTlsChannelException("The channel was aborted."), null, keepsReceived: true);

    /// <param name="error">The exception of later reads.</param>
    /// <param name="reason">The exception for the callback of <see cref="OnClosed"/>.</param>
    /// <param name="keepsReceived">Whether data that had arrived can still be read. False only when the channel's application aborts.</param>
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

    /// <summary>Releases the channel's place in the limits and its part of the budgets, after its id was freed and its application has ended.</summary>
    internal void ReleaseIfDone()
    {
        long reserved;
        lock (Gate)
        {
            if (Life != ChannelLifecycle.Ended || !_applicationEnded || _released)
            {
                return;
            }

            _released = true;
            Watch.Stop(this);
            reserved = _input.Window.TakeReserved();
        }
        Session.Budget.ReleaseAll(reserved);
        Session.ChannelReleased();
    }
}
