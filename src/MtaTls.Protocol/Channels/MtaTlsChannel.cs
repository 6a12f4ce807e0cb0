using System.IO.Pipelines;

namespace MtaTls.Protocol;

/// <summary>One channel of a session: an ordered, reliable, flow-controlled stream of bytes in each direction.</summary>
/// <remarks>
/// There is no half close in the protocol. Completing <see cref="Output"/> alone sends what was written and nothing more; completing
/// <see cref="Input"/> alone discards what arrives. Both completed, or <see cref="CloseAsync"/>, or disposal close the channel in order.
/// A channel counts against the session's limits until it was closed or disposed by its application, whatever the peer does.
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

    /// <summary>The channel's places in the queues; guarded by their locks.</summary>
    internal QueueLink Link;

    /// <summary>Since when it waits for its peer; guarded by <see cref="Gate"/>.</summary>
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

    /// <summary>The channel's id, unique in its session among the channels that are open.</summary>
    public ChannelId Id { get; }

    /// <summary>Where the opener says that the channel comes from. A claim, not a fact.</summary>
    public ChannelAddress Source { get; }

    /// <summary>The host and port that the opener asked for.</summary>
    public ChannelAddress Destination { get; }

    /// <summary>
    /// What the peer sends. Completed in order when the peer closes the channel or ends the session; fails with an <see cref="IOException"/> when the session
    /// fails or the peer breaks a rule of the channel. In all these cases what had arrived before can be read first, also when this end aborts afterwards.
    /// Fails at once when this end aborts a channel that is open.
    /// </summary>
    public PipeReader Input => _input;

    /// <summary>What is sent to the peer. A flush waits while too much is unsent, and says IsCompleted when the channel has closed.</summary>
    public PipeWriter Output => _output;

    /// <summary>Bytes of data received.</summary>
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

    /// <summary>Bytes of data sent.</summary>
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

    /// <summary>Whether the peer has sent data behind the close of this end: they were ignored, and are not among <see cref="BytesReceived"/>.</summary>
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
    /// The channel's lock. It guards the channel's state, both windows and both chains of blocks. Under it the locks of the send queue, the acknowledgments and the clock may be taken,
    /// never the session's.
    /// </summary>
    internal Lock Gate { get; } = new();

    /// <summary>Whether this end opened the channel.</summary>
    internal bool IsOwn { get; }

    /// <summary>Whether the peer can know the channel's id.</summary>
    internal bool IsAnnounced => _announced;

    /// <summary>Whether the half of the id that this end chose is in use elsewhere in the session too, and so was not taken from the free ones.</summary>
    internal bool SharesHalf { get; }

    /// <summary>What an operator sees of the channel now.</summary>
    internal ChannelSnapshot Snapshot()
    {
        lock (Gate)
        {
            return new ChannelSnapshot(Life, _input.Received, _bytesSent, _input.Unread, _output.Unsent, _output.Window.Remaining, Math.Max(0, _input.Window.Limit - _input.Received), Watch.IsStalled);
        }
    }

    /// <summary>Closes in order: sends all that was written, then ChannelCloseRequest. What still arrives is discarded.</summary>
    /// <param name="cancellationToken">Stops waiting: the channel is closed at once, and what was not sent is discarded.</param>
    /// <returns>A task that ends when ChannelCloseRequest is on its way, or the channel has ended otherwise.</returns>
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
    /// Closes at once: ChannelCloseRequest goes out and what was not sent is discarded. Pending and later reads fail, unless the peer, or the session, had ended
    /// before: then what had arrived can still be read.
    /// </summary>
    /// <param name="reason">The application's failure, after which the TLS session is no longer resumable; <see langword="null"/> when nothing failed.</param>
    public void Abort(Exception? reason = null)
    {
        if (reason is not null)
        {
            Session.ForbidResumption();
        }

        Abort(new MtaTlsChannelException("The channel was aborted.", reason), reason, keepsReceived: false);
    }

    /// <summary>
    /// Sets what is called once, on the thread pool, when the first data have arrived or the channel has closed. An idle channel that waits this way costs no read and
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
    /// Sets what is called once, on the thread pool, when the peer has closed the channel, this end has aborted it or finished closing it, or the session has ended. The
    /// exception is null when that was in order.
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

    /// <summary>The channel as a stream; disposing it closes the channel in order.</summary>
    public Stream AsStream() => new ChannelStream(this);

    /// <summary>Closes in order, as <see cref="CloseAsync"/> does.</summary>
    public ValueTask DisposeAsync() => CloseAsync();

    /// <summary>What has arrived.</summary>
    internal ChannelInput Received => _input;

    /// <summary>What is to be sent.</summary>
    internal ChannelOutput Unsent => _output;

    /// <summary>Where it is in its life; guarded by <see cref="Gate"/>.</summary>
    internal ChannelLifecycle Life { get; private set; }

    /// <summary>Whether any data have been sent. The caller holds <see cref="Gate"/>.</summary>
    internal bool HasSent => _bytesSent > 0;

    /// <summary>Whether data may still be sent, and received. The caller holds <see cref="Gate"/>.</summary>
    internal bool IsSending => ChannelTransitions.Sends(Life);

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
            Watch.EndStall();
        }

        SendIfPossible();
        return true;
    }

    internal void SetMaxPacketLength(uint maxPacketLength) => _output.Window.MaxPacketLength = maxPacketLength;

    /// <summary>The session has ended: in order, or by a failure that every reader learns of. Without <see cref="Gate"/>.</summary>
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
            ChannelProgress.NoteStall(this);
        }
    }

    /// <summary>Carries out a step of the channel's life, with those of its effects whose order matters.</summary>
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
            // From here on everything that arrives, or has arrived unread, is granted again: two ends that both flush must not wait for each other.
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

    /// <summary>There may be something to read. The caller holds <see cref="Gate"/>.</summary>
    internal void NotifyReadable() => _callbacks.NotifyReadable(this);

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
        FailTo(rule);
    }

    /// <summary>Closes at once because of the peer; what had arrived can be read.</summary>
    internal void FailTo(string reason)
    {
        lock (Gate)
        {
            FailUnderGate(reason);
        }

        ReleaseIfDone();
    }

    /// <summary>The same where the caller holds <see cref="Gate"/>, and calls <see cref="ReleaseIfDone"/> later.</summary>
    internal void FailUnderGate(string reason)
    {
        var error = new MtaTlsChannelException(reason);
        AbortUnderGate(error, error, keepsReceived: true);
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

    /// <summary>Gives the channel's place and its part of the budgets back, once its id is free and its application has ended.</summary>
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
