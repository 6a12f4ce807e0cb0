using System.IO.Pipelines;

namespace MtaTls.Protocol;

/// <summary>One channel of a session: an ordered, reliable, flow-controlled stream of octets in each direction.</summary>
/// <remarks>
/// There is no half close in the protocol. Completing <see cref="Output"/> alone sends what was written and nothing more; completing
/// <see cref="Input"/> alone discards what arrives. Both completed, or <see cref="CloseAsync"/>, or disposal close the channel in order.
/// A channel counts against the session's limits until it was closed or disposed by its application, whatever the peer does.
/// </remarks>
public sealed partial class MtaTlsChannel : IDuplexPipe, IAsyncDisposable
{
    private readonly ChannelInput _input;
    private readonly ChannelOutput _output;
    private Action<MtaTlsChannel, object?>? _onReadable;
    private object? _onReadableState;
    private Action<MtaTlsChannel, Exception?, object?>? _onClosed;
    private object? _onClosedState;
    private Exception? _closeReason;
    private bool _closedNotified;
    private TaskCompletionSource? _closeRequested;
    private long _closeProgress;
    private long _bytesSent;
    private volatile bool _announced;

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
    public MtaTlsSession Session { get; }

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

    /// <summary>Octets of data received.</summary>
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

    /// <summary>Octets of data sent.</summary>
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
    public bool HasIgnoredData
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
    public void OnReadable(Action<MtaTlsChannel, object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (Gate)
        {
            _onReadable = callback;
            _onReadableState = state;
            NotifyReadable();
        }
    }

    /// <summary>
    /// Sets what is called once, on the thread pool, when the peer has closed the channel, this end has aborted it or finished closing it, or the session has ended. The
    /// exception is null when that was in order.
    /// </summary>
    /// <param name="callback">The callback.</param>
    /// <param name="state">Passed to it.</param>
    public void OnClosed(Action<MtaTlsChannel, Exception?, object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (Gate)
        {
            _onClosed = callback;
            _onClosedState = state;
            if (_closedNotified)
            {
                RunOnClosed();
            }
        }
    }

    /// <summary>The channel as a stream; disposing it closes the channel in order.</summary>
    public Stream AsStream() => new ChannelStream(this);

    /// <summary>Closes in order, as <see cref="CloseAsync"/> does.</summary>
    public ValueTask DisposeAsync() => CloseAsync();

    /// <summary>The caller holds <see cref="Gate"/>.</summary>
    internal void NotifyReadable()
    {
        if (_onReadable is not { } callback || !_input.IsReadable)
        {
            return;
        }

        object? state = _onReadableState;
        (_onReadable, _onReadableState) = (null, null);
        Run(static item => item.callback(item.channel, item.state), (callback, channel: this, state));
    }

    /// <summary>The caller holds <see cref="Gate"/>.</summary>
    private void NotifyClosed(Exception? reason)
    {
        if (_closedNotified)
        {
            return;
        }

        _closedNotified = true;
        _closeReason = reason;
        RunOnClosed();
    }

    private void RunOnClosed()
    {
        if (_onClosed is not { } callback)
        {
            return;
        }

        object? state = _onClosedState;
        (_onClosed, _onClosedState) = (null, null);
        Run(static item => item.callback(item.channel, item.reason, item.state), (callback, channel: this, reason: _closeReason, state));
    }

    /// <summary>Runs a callback on the thread pool; one that throws has failed for this channel, not for the process.</summary>
    private void Run<TState>(Action<TState> callback, TState state) =>
        ThreadPool.UnsafeQueueUserWorkItem(
            static item =>
            {
                try
                {
                    item.callback(item.state);
                }
                catch (Exception e)
                {
                    item.channel.Abort(e);
                }
            },
            (callback, state, channel: this), preferLocal: false);
}
