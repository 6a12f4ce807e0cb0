using System.Diagnostics.CodeAnalysis;

namespace MtaTls.Protocol;

/// <summary>
/// The multiplexing layer of one TLS session: opens, accepts and serves channels. Both ends are alike; either may open channels.
/// </summary>
internal sealed class MtaTlsSession : IAsyncDisposable
{
    private readonly IMtaTlsTransport _transport;
    private readonly Action? _channelEnded;
    private readonly ChannelRegistry _registry;
    private readonly SessionLife _life;
    private bool _resumptionForbidden;

    private MtaTlsSession(IMtaTlsTransport transport, MtaTlsSessionOptions options)
    {
        TimeProvider time = options.TimeProvider;
        _transport = transport;
        _channelEnded = options.ChannelEnded;
        Role = options.Role;
        Limits = options.Limits.Validate();
        Budget = new SessionReceiveBudget(Limits.SessionReceiveBudget, Limits.MaxChannelsPerSession, options.ReceiveBudget?.Pool);
        SendBudget = new SessionSendBudget(Limits.SessionSendBudget, options.SendBudget?.Pool);
        RoundTrip = new RoundTrip(time);
        Clock = new SessionClock(time, Limits, Abort);
        Acknowledgments = new AcknowledgmentPacer(this, time);
        Queue = new SendQueue(this, Acknowledgments);
        Writer = new SessionWriter(this, transport, time);
        Receiver = new PacketReceiver(this);
        Liveness = new SessionLiveness(this, options);
        _registry = new ChannelRegistry(Role, Limits);
        Opens = new SessionOpens(this, _registry, options);
        Signals = new SessionSignals(this, _registry, options);
        Dispatcher = new SessionDispatcher(this, _registry, Opens, time);
        _life = new SessionLife(this, transport, _registry, time);
        // An application that only waits for channels that nobody opens must not get a failure that another has handled.
        _ = Completion.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
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
        _ = Task.Run(session._life.RunAsync);
        return session;
    }

    /// <summary>The end's role in the TLS handshake.</summary>
    public MtaTlsRole Role { get; }

    /// <summary>
    /// Ends when the session has: successfully after an orderly end by either side, faulted with an <see cref="MtaTlsSessionException"/> when it failed,
    /// was aborted or truncated. When it ends, all channels have ended too and the transport is disposed.
    /// </summary>
    public Task Completion => _life.Completion;

    /// <summary>How the session ended; <see langword="null"/> as long as it has not.</summary>
    public MtaTlsSessionEnd? End => _life.End.End;

    /// <summary>The limit that the peer exceeded, where <see cref="End"/> is <see cref="MtaTlsSessionEnd.LimitExceeded"/>.</summary>
    public MtaTlsSessionLimit? EndLimit => _life.End.Limit;

    /// <summary>Whether new channels can be opened and accepted: false once the session is shutting down or has ended.</summary>
    public bool AcceptsChannels => _life.State == SessionState.Open;

    /// <summary>Channels that count against the limit, see <see cref="MtaTlsSessionStatistics.ActiveChannels"/>.</summary>
    public int ActiveChannels
    {
        get
        {
            lock (_registry.Gate)
            {
                return _registry.Channels;
            }
        }
    }

    /// <summary>The peer's opens that were not yet answered.</summary>
    public int PendingChannels
    {
        get
        {
            lock (_registry.Gate)
            {
                return _registry.Table.PeerOpens;
            }
        }
    }

    /// <summary>Whether the peer has said that it will stop: open channels go on, new ones belong on another session.</summary>
    public bool IsPeerGoingAway => Signals.IsPeerGoingAway;

    /// <summary>Whether the peer is silent: a ping has waited for its answer for a second, and nothing else has come since. Ends with the next byte that arrives.</summary>
    public bool IsSuspected => Liveness.IsSuspected;

    /// <summary>When pings are sent. It may change while the session runs, as when the session turns out to be one that the other end opens channels on.</summary>
    /// <value>Default: <see cref="MtaTlsSessionOptions.KeepAlivePolicy"/>.</value>
    public MtaTlsKeepAlivePolicy KeepAlivePolicy
    {
        get => Liveness.Policy;
        set => Liveness.Policy = value;
    }

    internal MtaTlsSessionLimits Limits { get; }

    internal SessionReceiveBudget Budget { get; }

    internal RoundTrip RoundTrip { get; }

    internal SessionClock Clock { get; }

    internal AcknowledgmentPacer Acknowledgments { get; }

    internal SendQueue Queue { get; }

    internal SessionWriter Writer { get; }

    internal PacketReceiver Receiver { get; }

    internal SessionDispatcher Dispatcher { get; }

    internal SessionOpens Opens { get; }

    internal SessionSignals Signals { get; }

    internal SessionLiveness Liveness { get; }

    /// <summary>Whether any channel is open, being opened or asked for.</summary>
    internal bool HasChannels
    {
        get
        {
            lock (_registry.Gate)
            {
                return _registry.HasChannels;
            }
        }
    }

    /// <summary>What the applications of all channels have written and the send loop has not sent.</summary>
    internal SessionSendBudget SendBudget { get; }

    internal SessionCounters Counters { get; } = new();

    /// <summary>What the session has counted.</summary>
    public MtaTlsSessionStatistics GetStatistics()
    {
        lock (_registry.Gate)
        {
            return Counters.Snapshot(_registry.Channels, _registry.Table.PeerOpens, Signals.PingsReceived);
        }
    }

    /// <summary>The channels whose ids are in use now, in no order: for an operator's eyes. The session's lock is held for the copy alone.</summary>
    public MtaTlsChannel[] ListChannels()
    {
        lock (_registry.Gate)
        {
            return [.. _registry.Table.Channels];
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
            return Opens.BeginOpen(source, destination).WaitAsync(cancellationToken);
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
        while (await Opens.Requests.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (Opens.Requests.TryRead(out MtaTlsChannelRequest? request))
            {
                return request;
            }
        }
        return null;
    }

    /// <summary>Takes a request that has arrived already.</summary>
    /// <param name="request">The request.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryAcceptChannel([NotNullWhen(true)] out MtaTlsChannelRequest? request) => Opens.Requests.TryRead(out request);

    /// <summary>
    /// Sends a ping, an open to <c>ping.mta-tls.invalid</c> (section 2.1.1), and waits for the answer. Every answer counts: a peer that does not know the name refuses as well.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The round trip.</returns>
    /// <exception cref="MtaTlsSessionException">The session has ended, or ends before the answer.</exception>
    /// <exception cref="MtaTlsChannelRefusedException">A limit of this end forbids another open.</exception>
    public async ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        PendingOpen ping = Signals.Begin(SignalNames.PingName, 0);
        await ping.WaitAsync(cancellationToken).ConfigureAwait(false);
        return ping.RoundTrip;
    }

    /// <summary>
    /// Tells the peer that this end will stop, by an open to <c>go-away.mta-tls.invalid</c> whose port is the time in seconds (section 2.1.1): the peer then opens channels on other sessions.
    /// Channels that are open go on, and opens of a peer that does not know the signal are still served.
    /// </summary>
    /// <param name="stopsIn">When this end stops; whole seconds, at most 65,535, are sent.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="MtaTlsSessionException">The session has ended, or ends before the answer.</exception>
    /// <exception cref="MtaTlsChannelRefusedException">A limit of this end forbids another open.</exception>
    public async ValueTask GoAwayAsync(TimeSpan stopsIn, CancellationToken cancellationToken = default)
    {
        int seconds = (int)Math.Clamp(Math.Ceiling(stopsIn.TotalSeconds), 0, ushort.MaxValue);
        await Signals.Begin(SignalNames.GoAwayName, seconds).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Asks now whether the peer is still there, as after a suspend of this machine. Without an answer the session ends. Does nothing where <see cref="KeepAlivePolicy"/> is Never.
    /// </summary>
    /// <param name="timeout">How long the peer may take. Range: more than zero.</param>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public void Probe(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        Liveness.Probe(timeout);
    }

    /// <summary>From now on refuses the peer's opens and makes own opens fail. Channels that are open go on.</summary>
    public void RefuseNewChannels() => _life.RefuseNewChannels();

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
        await _life.DrainAsync(cancellationToken).ConfigureAwait(false);
        _life.Complete(end);
        // Every channel has ended at both ends: a peer that does not answer close_notify has nothing more to say, and holds up nothing.
        await _life.EndNowAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the session and the transport at once; every channel fails.</summary>
    /// <param name="reason">Why; it becomes the inner exception of what the channels' applications see.</param>
    public void Abort(Exception? reason = null) => _life.Abort(reason);

    /// <summary>Ends the session now: aborts the channels that are open, sends close_notify and does not wait for the peer's.</summary>
    public async ValueTask DisposeAsync()
    {
        await _life.DrainAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        _life.Complete(MtaTlsSessionEnd.Shutdown);
        await _life.EndNowAsync().ConfigureAwait(false);
    }

    /// <summary>The peer has exceeded a limit that ends the session. From any thread.</summary>
    internal void AbortFor(MtaTlsSessionLimit limit, string reason)
    {
        Counters.CountExceeded(limit);
        Abort(new MtaTlsSessionException(reason, MtaTlsSessionEnd.LimitExceeded, limit));
    }

    /// <summary>A channel no longer counts.</summary>
    internal void ChannelReleased()
    {
        lock (_registry.Gate)
        {
            _registry.Release();
        }
        _channelEnded?.Invoke();
    }

    /// <summary>The send budgets are exceeded and the peer does not read: closes channels until they are not.</summary>
    internal void CloseStuckChannels()
    {
        MtaTlsChannel[] channels;
        lock (_registry.Gate)
        {
            channels = [.. _registry.Table.Channels];
        }
        foreach (MtaTlsChannel channel in channels)
        {
            ChannelProgress.CloseIfHoldingAndStuck(channel);
        }
    }

    /// <summary>The TLS session is not to be resumed (section 3).</summary>
    internal void ForbidResumption()
    {
        lock (_registry.Gate)
        {
            if (_resumptionForbidden)
            {
                return;
            }

            _resumptionForbidden = true;
        }
        _transport.ForbidResumption();
    }
}
