using System.Diagnostics.CodeAnalysis;

namespace MtaTls.Protocol;

/// <summary>
/// The multiplexing layer of one TLS session: opens, accepts and serves channels. The client and the server use the same class; both ends can open channels.
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
        // Marks the failure as observed: without this, TaskScheduler.UnobservedTaskException would report it where no code awaits Completion.
        _ = Completion.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Starts a session on a transport whose handshake is complete. The session owns the transport and disposes it at its end.</summary>
    /// <param name="transport">The byte stream below.</param>
    /// <param name="options">The role, limits, budgets, callbacks and clock.</param>
    /// <returns>The session; its loops run until it ends.</returns>
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

    /// <summary>This end's role in the TLS handshake.</summary>
    public MtaTlsRole Role { get; }

    /// <summary>
    /// A task that ends with the session. It succeeds when either end ended the session in order. It fails with an <see cref="MtaTlsSessionException"/> when the session failed,
    /// was aborted or was truncated. When it ends, all channels have ended and the transport is disposed.
    /// </summary>
    public Task Completion => _life.Completion;

    /// <summary>How the session ended; <see langword="null"/> until it has ended.</summary>
    public MtaTlsSessionEnd? End => _life.End.End;

    /// <summary>The limit that the peer exceeded, when <see cref="End"/> is <see cref="MtaTlsSessionEnd.LimitExceeded"/>; otherwise <see langword="null"/>.</summary>
    public MtaTlsSessionLimit? EndLimit => _life.End.Limit;

    /// <summary>Whether new channels can be opened and accepted. False after <see cref="RefuseNewChannels"/>, while the session shuts down, and after it has ended.</summary>
    public bool AcceptsChannels => _life.State == SessionState.Open;

    /// <summary>The number of channels that count against the limit, see <see cref="MtaTlsSessionStatistics.ActiveChannels"/>.</summary>
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

    /// <summary>The number of the peer's opens that this end has not answered yet.</summary>
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

    /// <summary>Whether the peer has announced that it will stop (go-away): open channels go on, new ones should be opened on another session.</summary>
    public bool IsPeerGoingAway => Signals.IsPeerGoingAway;

    /// <summary>Whether the peer may be unreachable: a ping has waited for its answer for a second, and nothing else has arrived since. The next byte that arrives sets it to false.</summary>
    public bool IsSuspected => Liveness.IsSuspected;

    /// <summary>When pings are sent. It can be changed while the session runs, for example when the peer begins to open channels on it.</summary>
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

    /// <summary>Whether any channel is open, or waits for an answer to its open, by either end.</summary>
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

    /// <summary>
    /// Whether an application of this end may still use a channel: neither end has closed it, or this end has not answered the peer's open yet. The session's lock is held only for a copy.
    /// </summary>
    internal bool HasChannelsInUse
    {
        get
        {
            if (PendingChannels > 0)
            {
                return true;
            }

            foreach (MtaTlsChannel channel in ListChannels())
            {
                lock (channel.Gate)
                {
                    if (channel.IsSending)
                    {
                        return true;
                    }
                }
            }

            return false;
        }
    }

    /// <summary>The budget for data that the applications of all channels have written and the send loop has not sent.</summary>
    internal SessionSendBudget SendBudget { get; }

    internal SessionCounters Counters { get; } = new();

    /// <summary>Returns the session's counters.</summary>
    public MtaTlsSessionStatistics GetStatistics()
    {
        lock (_registry.Gate)
        {
            return Counters.Snapshot(_registry.Channels, _registry.Table.PeerOpens, Signals.PingsReceived);
        }
    }

    /// <summary>Returns the channels whose ids are in use now, in no order, for diagnostics. The session's lock is held only for the copy.</summary>
    public MtaTlsChannel[] ListChannels()
    {
        lock (_registry.Gate)
        {
            return [.. _registry.Table.Channels];
        }
    }

    /// <summary>How often the session's limits were exceeded since its start, all limits together.</summary>
    public long LimitsExceeded => Counters.LimitsExceeded;

    /// <summary>Returns how often one of the session's limits was exceeded since its start.</summary>
    /// <param name="limit">The limit.</param>
    public long GetTimesExceeded(MtaTlsSessionLimit limit) => Counters.TimesExceeded(limit);

    /// <summary>Opens a channel (section 2.1.1).</summary>
    /// <param name="source">The source address to send to the peer.</param>
    /// <param name="destination">The host and port that the peer should connect it to.</param>
    /// <param name="cancellationToken">Stops waiting. If the peer opens the channel later, it is closed at once.</param>
    /// <returns>The channel, ready to read and write.</returns>
    /// <exception cref="MtaTlsChannelRefusedException">The peer refused, or a limit of this end forbids it.</exception>
    /// <exception cref="MtaTlsChannelException">The peer did not answer within <see cref="MtaTlsSessionOptions.OpenTimeout"/>, or accepts only packets shorter than <see cref="MtaTlsSessionLimits.MinPeerPacketLength"/>.</exception>
    /// <exception cref="MtaTlsSessionException">The session shuts down, has ended or failed, or the peer has stopped answering.</exception>
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

    /// <summary>Waits for the peer's next open. Several callers can wait at a time.</summary>
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

    /// <summary>Takes a request of the peer that has arrived already.</summary>
    /// <param name="request">The request.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryAcceptChannel([NotNullWhen(true)] out MtaTlsChannelRequest? request) => Opens.Requests.TryRead(out request);

    /// <summary>
    /// Sends a ping, which is an open to <c>ping.mta-tls.invalid</c> (section 2.1.1), and waits for the answer. Every answer counts: a peer that does not know pings refuses the open.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The time from the ping to its answer.</returns>
    /// <exception cref="MtaTlsSessionException">The session has ended, or ends before the answer.</exception>
    /// <exception cref="MtaTlsChannelRefusedException">A limit of this end forbids another open.</exception>
    public async ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        PendingOpen ping = Signals.Begin(SignalNames.PingName, 0);
        await ping.WaitAsync(cancellationToken).ConfigureAwait(false);
        return ping.RoundTrip;
    }

    /// <summary>
    /// Tells the peer that this end will stop, with an open to <c>go-away.mta-tls.invalid</c> whose port is the time in seconds (section 2.1.1). The peer then opens new channels on other sessions.
    /// Open channels go on, and this end still accepts opens from a peer that does not know the signal.
    /// </summary>
    /// <param name="stopsIn">The time until this end stops. It is rounded up to whole seconds; at most 65,535 are sent.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="MtaTlsSessionException">The session has ended, or ends before the answer.</exception>
    /// <exception cref="MtaTlsChannelRefusedException">A limit of this end forbids another open.</exception>
    public async ValueTask GoAwayAsync(TimeSpan stopsIn, CancellationToken cancellationToken = default)
    {
        int seconds = (int)Math.Clamp(Math.Ceiling(stopsIn.TotalSeconds), 0, ushort.MaxValue);
        await Signals.Begin(SignalNames.GoAwayName, seconds).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Checks now whether the peer still answers, for example after this machine was suspended. Without an answer the session ends. Does nothing when <see cref="KeepAlivePolicy"/> is Never.
    /// </summary>
    /// <param name="timeout">The time that the peer has to answer. Range: more than zero.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="timeout"/> is zero or less.</exception>
    public void Probe(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        Liveness.Probe(timeout);
    }

    /// <summary>From now on, refuses the peer's opens and fails this end's opens. Open channels go on.</summary>
    public void RefuseNewChannels() => _life.RefuseNewChannels();

    /// <summary>Ends the session in order: refuses new channels, waits until the open ones were closed, sends close_notify and waits up to 2 seconds for the peer's.</summary>
    /// <param name="cancellationToken">Stops waiting for channels: open ones are aborted, then the session ends in order.</param>
    /// <returns>A task that ends with the session. It does not fail: <see cref="Completion"/> tells how the session ended.</returns>
    public Task ShutdownAsync(CancellationToken cancellationToken = default) => ShutdownAsync(MtaTlsSessionEnd.Shutdown, cancellationToken);

    /// <summary>As <see cref="ShutdownAsync(CancellationToken)"/>, with the reason that <see cref="End"/> will have.</summary>
    /// <param name="end"><see cref="MtaTlsSessionEnd.Shutdown"/> or <see cref="MtaTlsSessionEnd.Idle"/>.</param>
    /// <param name="cancellationToken">Stops waiting for channels: open ones are aborted, then the session ends in order.</param>
    /// <returns>A task that ends with the session. It does not fail.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="end"/> is another value.</exception>
    public Task ShutdownAsync(MtaTlsSessionEnd end, CancellationToken cancellationToken = default) =>
        end is MtaTlsSessionEnd.Shutdown or MtaTlsSessionEnd.Idle
            ? ShutdownCoreAsync(end, cancellationToken)
            : throw new ArgumentOutOfRangeException(nameof(end), end, "The reason must be Shutdown or Idle.");

    private async Task ShutdownCoreAsync(MtaTlsSessionEnd end, CancellationToken cancellationToken)
    {
        await _life.DrainAsync(cancellationToken).ConfigureAwait(false);
        _life.Complete(end);
        // Every channel has ended at both ends, so no data is lost when the peer does not answer close_notify in time.
        await _life.EndNowAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the session and the transport at once; every channel fails.</summary>
    /// <param name="reason">The cause. It becomes the inner exception of the exceptions that the channels' applications get.</param>
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

    /// <summary>A channel no longer counts against the limits.</summary>
    internal void ChannelReleased()
    {
        lock (_registry.Gate)
        {
            _registry.Release();
        }
        _channelEnded?.Invoke();
    }

    /// <summary>Called when a send budget is exceeded and the peer does not read: closes channels until the budget is no longer exceeded.</summary>
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

    /// <summary>The TLS session must not be resumed (section 3).</summary>
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
