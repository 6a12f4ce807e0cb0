using System.Diagnostics.CodeAnalysis;

namespace MtaTls.Protocol;

/// <summary>
/// The multiplexing layer of one TLS session: opens, accepts and serves channels. Both ends are alike; either may open channels.
/// </summary>
public sealed partial class MtaTlsSession : IAsyncDisposable
{
    private readonly IMtaTlsTransport _transport;
    private readonly TimeProvider _time;
    private readonly Action<MtaTlsChannelRequest>? _channelRequested;
    private readonly Action? _channelEnded;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private MtaTlsSession(IMtaTlsTransport transport, MtaTlsSessionOptions options)
    {
        _transport = transport;
        _time = options.TimeProvider;
        _channelRequested = options.ChannelRequested;
        _channelEnded = options.ChannelEnded;
        _goAwayReceived = options.GoAwayReceived;
        _pingAnswered = options.PingAnswered;
        _suspected = options.Suspected;
        Role = options.Role;
        Limits = options.Limits.Validate();
        Budget = new SessionReceiveBudget(Limits.SessionReceiveBudget, Limits.MaxChannelsPerSession, options.ReceiveBudget?.Pool);
        SendBudget = new SessionSendBudget(Limits.SessionSendBudget, options.SendBudget?.Pool);
        RoundTrip = new RoundTrip(_time);
        Clock = new SessionClock(_time, Limits, Abort);
        Acknowledgments = new AcknowledgmentPacer(this, _time);
        Queue = new SendQueue(this, Acknowledgments);
        Writer = new SessionWriter(this, transport, _time);
        Receiver = new PacketReceiver(this);
        Liveness = new SessionLiveness(this, options);
        _opens = EventRate.Create(Limits.MaxOpensPerSecond, _time);
        _signals = EventRate.Create(Limits.MaxSignalsPerSecond, _time);
        _emptyPackets = EventRate.Create(Limits.MaxEmptyPacketsPerSecond, _time);
        _smallPackets = EventRate.Create(Limits.MaxSmallPacketsPerSecond, _time);
        _acknowledgments = EventRate.Create(Limits.MaxAcknowledgmentsPerSecond, _time);
        _table = new ChannelTable(Role, Limits.RememberedChannelIds);
        // Who only waits for channels that nobody opens must not learn of a failure that another has handled.
        _ = _completion.Task.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Starts a session on a transport whose handshake is complete. The session owns the transport and disposes it at its end.</summary>
    /// <param name="transport">The byte stream below.</param>
    /// <param name="options">Role, limits, clock.</param>
    /// <exception cref="ArgumentException">The limits contradict each other.</exception>
    public static MtaTlsSession Start(IMtaTlsTransport transport, MtaTlsSessionOptions options)
    {
        ArgumentNullException.ThrowIfNull(transport);
        ArgumentNullException.ThrowIfNull(options);
        var session = new MtaTlsSession(transport, options);
        MemoryReturn.Shared.SessionStarted();
        session.Liveness.Start();
        _ = Task.Run(session.RunAsync);
        return session;
    }

    /// <summary>The end's role in the TLS handshake.</summary>
    public MtaTlsRole Role { get; }

    /// <summary>
    /// Ends when the session has: successfully after an orderly end by either side, faulted with an <see cref="MtaTlsSessionException"/> when it failed,
    /// was aborted or truncated. When it ends, all channels have ended too and the transport is disposed.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>How the session ended; <see langword="null"/> as long as it has not.</summary>
    public MtaTlsSessionEnd? End
    {
        get
        {
            lock (_gate)
            {
                return _end;
            }
        }
    }

    /// <summary>The limit that the peer exceeded, where <see cref="End"/> is <see cref="MtaTlsSessionEnd.LimitExceeded"/>.</summary>
    public MtaTlsSessionLimit? EndLimit
    {
        get
        {
            lock (_gate)
            {
                return _endLimit;
            }
        }
    }

    /// <summary>Whether new channels can be opened and accepted: false once the session is shutting down or has ended.</summary>
    public bool AcceptsChannels
    {
        get
        {
            lock (_gate)
            {
                return _state == SessionState.Open;
            }
        }
    }

    /// <summary>Channels that count against the limit, see <see cref="MtaTlsSessionStatistics.ActiveChannels"/>.</summary>
    public int ActiveChannels
    {
        get
        {
            lock (_gate)
            {
                return _channels;
            }
        }
    }

    /// <summary>The peer's opens that were not yet answered.</summary>
    public int PendingChannels
    {
        get
        {
            lock (_gate)
            {
                return _table.PeerOpens;
            }
        }
    }

    internal MtaTlsSessionLimits Limits { get; }

    internal SessionReceiveBudget Budget { get; }

    internal RoundTrip RoundTrip { get; }

    internal SessionClock Clock { get; }

    internal AcknowledgmentPacer Acknowledgments { get; }

    internal SendQueue Queue { get; }

    internal SessionWriter Writer { get; }

    internal PacketReceiver Receiver { get; }

    /// <summary>What the applications of all channels have written and the send loop has not sent.</summary>
    internal SessionSendBudget SendBudget { get; }

    internal SessionCounters Counters { get; } = new();

    /// <summary>What the session has counted.</summary>
    public MtaTlsSessionStatistics GetStatistics()
    {
        lock (_gate)
        {
            return Counters.Snapshot(_channels, _table.PeerOpens, Volatile.Read(ref _pingsReceived));
        }
    }

    /// <summary>How often any of the session's limits was exceeded since the start.</summary>
    public long LimitsExceeded => Counters.LimitsExceeded;

    /// <summary>How often one of the session's limits was exceeded since the start.</summary>
    /// <param name="limit">The limit.</param>
    public long GetTimesExceeded(MtaTlsSessionLimit limit) => Counters.TimesExceeded(limit);

    /// <summary>Opens a channel (section 2.1.1).</summary>
    /// <param name="source">Where the channel comes from, for the peer to know.</param>
    /// <param name="destination">The host and port that the peer should connect it to.</param>
    /// <param name="cancellationToken">Stops waiting; a channel that the peer opens after that is closed at once.</param>
    /// <returns>The channel, ready to read and write.</returns>
    /// <exception cref="MtaTlsChannelRefusedException">The peer refused, or a limit of this end forbids it.</exception>
    /// <exception cref="MtaTlsSessionException">The session is shutting down, has ended or failed.</exception>
    public ValueTask<MtaTlsChannel> OpenChannelAsync(ChannelAddress source, ChannelAddress destination, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<MtaTlsChannel>(cancellationToken);
        }

        try
        {
            return BeginOpen(source, destination).WaitAsync(cancellationToken);
        }
        catch (IOException e)
        {
            return ValueTask.FromException<MtaTlsChannel>(e);
        }
    }

    /// <summary>Waits for the peer's next open. Many callers may wait at a time.</summary>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The request; <see langword="null"/> when the session has ended.</returns>
    public async ValueTask<MtaTlsChannelRequest?> AcceptChannelAsync(CancellationToken cancellationToken = default)
    {
        while (await _requests.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_requests.Reader.TryRead(out MtaTlsChannelRequest? request))
            {
                return request;
            }
        }
        return null;
    }

    /// <summary>Takes a request that has arrived already.</summary>
    /// <param name="request">The request.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryAcceptChannel([NotNullWhen(true)] out MtaTlsChannelRequest? request) => _requests.Reader.TryRead(out request);

    /// <summary>From now on refuses the peer's opens and makes own opens fail. Channels that are open go on.</summary>
    public void RefuseNewChannels()
    {
        lock (_gate)
        {
            Advance(SessionEvent.Refuse);
        }
    }

    /// <summary>Ends the session in order: refuses new channels, waits until those that are open have been closed, then sends close_notify and waits a moment for the peer's.</summary>
    /// <param name="cancellationToken">Stops waiting for channels: those that are open are aborted, then the session ends in order.</param>
    /// <returns>A task that ends with the session. It does not throw: how the session ended is what <see cref="Completion"/> says.</returns>
    public Task ShutdownAsync(CancellationToken cancellationToken = default) => ShutdownAsync(MtaTlsSessionEnd.Shutdown, cancellationToken);

    /// <summary>The same, with the reason that <see cref="End"/> will name.</summary>
    /// <param name="end"><see cref="MtaTlsSessionEnd.Shutdown"/> or <see cref="MtaTlsSessionEnd.Idle"/>.</param>
    /// <param name="cancellationToken">Stops waiting for channels: those that are open are aborted, then the session ends in order.</param>
    /// <returns>A task that ends with the session. It does not throw.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="end"/> is another.</exception>
    public Task ShutdownAsync(MtaTlsSessionEnd end, CancellationToken cancellationToken = default) =>
        end is MtaTlsSessionEnd.Shutdown or MtaTlsSessionEnd.Idle
            ? ShutdownCoreAsync(end, cancellationToken)
            : throw new ArgumentOutOfRangeException(nameof(end), end, "This end shuts a session down, or ends it because it is idle.");

    private async Task ShutdownCoreAsync(MtaTlsSessionEnd end, CancellationToken cancellationToken)
    {
        await DrainAsync(cancellationToken).ConfigureAwait(false);
        Complete(end);
        // Every channel has ended at both ends: a peer that does not answer close_notify has nothing more to say, and holds up nothing.
        await EndNowAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the session and the transport at once; every channel fails.</summary>
    /// <param name="reason">Why; it becomes the inner exception of what the channels' applications see.</param>
    public void Abort(Exception? reason = null)
    {
        MtaTlsSessionException failure = reason as MtaTlsSessionException ?? new MtaTlsSessionException("The session was aborted.", MtaTlsSessionEnd.Aborted, innerException: reason);
        Interlocked.CompareExchange(ref _failure, failure, null);
        RefuseNewChannels();
        _transport.Abort(failure);
    }

    /// <summary>Ends the session now: aborts the channels that are open, sends close_notify and does not wait for the peer's.</summary>
    public async ValueTask DisposeAsync()
    {
        await DrainAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        Complete(MtaTlsSessionEnd.Shutdown);
        await EndNowAsync().ConfigureAwait(false);
    }
}
