using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MtaTls.Client.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>
/// Opens channels to one endpoint for one list of application protocols. A channel uses the first session with room. If there is none, a session is connected; all waiting callers share
/// that attempt.
/// </summary>
internal sealed class ChannelOpener : IAsyncDisposable
{
    /// <summary>How many sessions an open tries if each is lost before the answer. This is safe, because no data of the application was sent.</summary>
    private const int MaxLost = 3;

    /// <summary>The least pause between attempts to connect to an endpoint that channels wait for, also if the back-off is shorter.</summary>
    private static readonly TimeSpan s_leastPause = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a session may take to end after its channels were aborted. The server may hang.</summary>
    private static readonly TimeSpan s_lastGrace = TimeSpan.FromSeconds(1);

    private readonly ClientSettings _settings;
    private readonly IDialer _dialer;
    private readonly ILogger _log;
    private readonly ClientCounters _counters;
    private readonly CancellationTokenSource _disposing = new();
    private readonly SessionPool _pool;
    private readonly PlainFallback _plain;
    private readonly SessionConnector _connector;
    private readonly SessionRunner _runner;
    private readonly ConnectionKeeper _keeper;
    private readonly HostWatch _watch;
    private int _disposed;

    /// <param name="owner">The client. Open sessions keep it alive, because shared handlers hold only a weak reference to it.</param>
    /// <param name="settings">The options.</param>
    /// <param name="dialer">Creates connections.</param>
    /// <param name="counters">The counts of the client.</param>
    /// <param name="log">The client's log.</param>
    /// <param name="random">Returns the jitter of back-offs and ages, from 0 to below 1.</param>
    public ChannelOpener(object owner, ClientSettings settings, IDialer dialer, ClientCounters counters, ILogger log, Func<double> random)
    {
        _settings = settings;
        _dialer = dialer;
        _counters = counters;
        _log = log;
        _pool = new SessionPool(settings.MaxSessions, settings.TimeProvider);
        _plain = new PlainFallback(settings.TimeProvider);
        _connector = new SessionConnector(settings, dialer, counters, random, () => _pool.MayGrow, OnConnected, _disposing.Token);
        _runner = new SessionRunner(owner, settings, _pool, new InboundChannels(settings.ChannelRequested, log, _disposing.Token), counters, log, random, _disposing.Token)
        {
            // With KeepConnected, ConnectionKeeper may have connected a session already.
            Replace = () => _connector.TryConnectIf(() => !_pool.HasUsable),
            Failed = _connector.Failed,
        };
        _keeper = new ConnectionKeeper(_pool, _connector, _plain, settings.TimeProvider, _disposing.Token);
        _watch = new HostWatch(settings.TimeProvider, OnHostChanged);
    }

    public int SessionCount => _pool.Count;

    /// <inheritdoc cref="SessionPool.HasUsable"/>
    public bool HasUsableSession => _pool.HasUsable;

    /// <inheritdoc cref="SessionPool.Changed"/>
    public Task SessionsChanged => _pool.Changed;

    /// <summary>A snapshot of the open sessions.</summary>
    public IEnumerable<MtaTlsClientSessionInfo> Sessions => _pool.Snapshot().Select(static s => s.GetInfo());

    /// <inheritdoc cref="SessionPool.AddStatistics"/>
    public void AddStatistics(ref long received, ref long sent) => _pool.AddStatistics(ref received, ref sent);

    /// <summary>Connects a session if there is none with room. If the server does not speak MTA-TLS, the connection is kept for the first channel.</summary>
    public async ValueTask ConnectAsync(CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        if (_settings.KeepConnected)
        {
            _keeper.Start();
        }

        if (!_pool.HasRoom && !_plain.HasSpare)
        {
            _watch.Start();
            // Checked again under the connector's lock, because ConnectionKeeper's attempt may have ended meanwhile.
            await _connector.ConnectIf(() => !_pool.HasRoom && !_plain.HasSpare).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<ChannelBacking> OpenAsync(ChannelAddress destination, ChannelAddress? source, CancellationToken cancellationToken)
    {
        bool mayFallBack = _settings.Mode == MtaTlsClientMode.Preferred && _settings.IsEndpoint(destination);
        for (int lost = 1; ;)
        {
            (ClientSession? session, DialedConnection? plain) = await AcquireAsync(mayFallBack, cancellationToken).ConfigureAwait(false);
            if (session is null)
            {
                return FallBack(plain!);
            }

            MtaTlsChannel? channel = null;
            try
            {
                ChannelAddress from = source ?? _settings.Source ?? session.Connection.LocalAddress;
                channel = await session.OpenChannelAsync(from, destination, cancellationToken).ConfigureAwait(false);
                _connector.Succeeded();
                if (_log.IsEnabled(LogLevel.Debug))
                {
                    _log.ChannelOpened(channel.Id.ToString(), destination.ToString());
                }

                return new SessionChannel(channel, session);
            }
            catch (MtaTlsChannelRefusedException e) when (IsFull(e) && _pool.LearnLimit(session))
            {
                // The session is full, but not the endpoint. The next loop uses another session, or connects one if MaxSessions allows it.
                _log.SessionFull(session.Endpoint.Host, session.Endpoint.Port, session.Limit);
            }
            catch (MtaTlsChannelRefusedException e) when (RefusalReasons.IsShuttingDown(e.Reason) && lost++ < MaxLost)
            {
                _runner.OnRefusing(session);
            }
            catch (MtaTlsChannelRefusedException)
            {
                _counters.Refused();
                ClientDiagnostics.Refused(_settings);
                if (_log.IsEnabled(LogLevel.Debug))
                {
                    _log.ChannelRefused(destination.ToString());
                }

                throw;
            }
            catch (MtaTlsSessionException) when (lost++ < MaxLost)
            {
                // The session ended or stopped answering before the channel was open. No data of the application was sent, so the open is tried on another session.
                if (!session.Session.AcceptsChannels)
                {
                    _pool.Remove(session);
                }
            }
            catch (MtaTlsSessionException e)
            {
                throw new MtaTlsSessionException($"The session with the MTA-TLS endpoint {_settings.Endpoint} was lost before the channel was open: {e.Message}", e);
            }
            catch (MtaTlsChannelException e)
            {
                throw new MtaTlsChannelException($"The MTA-TLS endpoint {_settings.Endpoint} did not open the channel: {e.Message}", e);
            }
            finally
            {
                if (channel is null)
                {
                    _runner.Release(session, wasOpen: false);
                }
            }
        }
    }

    /// <summary>Releases the room of a closed channel.</summary>
    public void Release(ClientSession session) => _runner.Release(session, wasOpen: true);

    public ValueTask DisposeAsync() => DisposeAsync(_settings.ShutdownTimeout);

    /// <summary>Ends all sessions, with another timeout for open channels.</summary>
    public async ValueTask DisposeAsync(TimeSpan shutdownTimeout)
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _watch.Dispose();
        await _disposing.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(new[] { _connector.Attempt, _keeper.Completion }.OfType<Task>()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _plain.DisposeAsync().ConfigureAwait(false);

        ClientSession[] sessions = [.. _runner.Running];
        using var limit = new CancellationTokenSource(shutdownTimeout, _settings.TimeProvider);
        var shutdown = Task.WhenAll(sessions.Select(s => s.Session.ShutdownAsync(limit.Token)));
        try
        {
            TimeSpan wait = shutdownTimeout == Timeout.InfiniteTimeSpan ? Timeout.InfiniteTimeSpan : shutdownTimeout + s_lastGrace;
            await shutdown.WaitAsync(wait, _settings.TimeProvider, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // A server that does not answer close_notify must not delay the disposal.
            foreach (ClientSession session in sessions)
            {
                session.Session.Abort();
            }
        }
        foreach (ClientSession session in sessions)
        {
            await session.Session.DisposeAsync().ConfigureAwait(false);
        }

        _dialer.Dispose();
        _disposing.Dispose();
    }

    private async ValueTask<(ClientSession? Session, DialedConnection? Plain)> AcquireAsync(bool mayFallBack, CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        if (_pool.TryTake(out ClientSession? session))
        {
            return (session, null);
        }

        // Started before the first attempt, so that a network that comes up also ends the back-off of an endpoint that was never reached.
        _watch.Start();
        RoomWaiter waiter = _pool.Enqueue();
        try
        {
            return await WaitForRoomAsync(waiter, mayFallBack, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _pool.Leave(waiter);
        }
    }

    private async ValueTask<(ClientSession? Session, DialedConnection? Plain)> WaitForRoomAsync(RoomWaiter waiter, bool mayFallBack, CancellationToken cancellationToken)
    {
        long begin = _settings.TimeProvider.GetTimestamp();
        while (true)
        {
            ThrowIfDisposed();
            // Taken before the state is checked, so that a change in between is not missed.
            Task changed = _pool.Changed, backoffEnded = _connector.BackoffEnded;
            if (waiter.Task.IsCompleted)
            {
                return (waiter.Take(), null);
            }

            if (_pool.TryTakeDraining(out ClientSession? draining))
            {
                if (_settings.ReplaceSessions)
                {
                    _connector.TryConnect();
                }

                return (draining, null);
            }

            if (mayFallBack)
            {
                if (_plain.TryTakeSpare(out DialedConnection? spare))
                {
                    return (null, spare);
                }

                if (_plain.IsPlain)
                {
                    // The server did not speak MTA-TLS the last time, so this channel gets a separate connection, unless the server speaks MTA-TLS now.
                    _connector.ThrowIfBackingOff();
                    DialedConnection connection = await _connector.ConnectOneAsync(cancellationToken).ConfigureAwait(false);
                    if (!connection.IsMultiplexed)
                    {
                        return (null, connection);
                    }

                    OnConnected(connection);
                    continue;
                }
            }
            else if (_plain.Remaining > TimeSpan.Zero)
            {
                throw NotNegotiated();
            }

            (Task? attempt, TimeSpan? pause) = _connector.Next();
            if (attempt is not null)
            {
                await Task.WhenAny(waiter.Task, attempt).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (!waiter.Task.IsCompleted)
                {
                    await CheckAsync(attempt, mayFallBack, cancellationToken).ConfigureAwait(false);
                }
            }
            else if (pause is { } delay)
            {
                await WaitAsync(delay, cancellationToken, waiter.Task, changed, backoffEnded).ConfigureAwait(false);
            }
            else
            {
                TimeSpan left = _settings.ConnectTimeout - _settings.TimeProvider.GetElapsedTime(begin);
                if (_settings.ConnectTimeout != Timeout.InfiniteTimeSpan && left <= TimeSpan.Zero)
                {
                    throw _pool.Full(_settings);
                }

                int seen = AbandonedChannels.Shared.Collections;
                TimeSpan wait = _settings.ConnectTimeout == Timeout.InfiniteTimeSpan || left > AbandonedChannels.FirstPause ? AbandonedChannels.FirstPause : left;
                await WaitAsync(wait, cancellationToken, waiter.Task, changed).ConfigureAwait(false);
                if (!waiter.Task.IsCompleted && !changed.IsCompleted)
                {
                    AbandonedChannels.Shared.CollectIfDue(seen);
                }
            }
        }
    }

    /// <summary>Handles the end of an attempt to connect for a channel that has got no room: returns if it may try again, throws if it failed.</summary>
    private async ValueTask CheckAsync(Task attempt, bool mayFallBack, CancellationToken cancellationToken)
    {
        try
        {
            await attempt.ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or IOException and not MtaTlsNotNegotiatedException && _connector.IsWaitedFor)
        {
            // The endpoint is not reachable for a while, for example because it restarts.
            await WaitAsync(s_leastPause, cancellationToken).ConfigureAwait(false);
            return;
        }
        catch (Exception) when (_pool.HasRoom)
        {
            // Another session has got room meanwhile.
            return;
        }

        if (!mayFallBack && _plain.IsPlain)
        {
            throw NotNegotiated();
        }
    }

    private async ValueTask WaitAsync(TimeSpan limit, CancellationToken cancellationToken, params Task[] events)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposing.Token);
        await Task.WhenAny([Task.Delay(limit, _settings.TimeProvider, over.Token), .. events]).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private void OnConnected(DialedConnection connection)
    {
        if (connection.IsMultiplexed)
        {
            _plain.Forget();
            _runner.Start(connection);
        }
        else
        {
            _log.FellBack(_settings.Host, _settings.Port);
            _plain.Found(connection);
        }
    }

    private void OnHostChanged(HostChange change)
    {
        _log.HostChanged(_settings.Host, _settings.Port, change);
        _connector.EndBackoff();
        _runner.ProbeAll(wasSuspended: change == HostChange.Resumed);
    }

    private FallbackChannel FallBack(DialedConnection connection)
    {
        _connector.Succeeded();
        _counters.FellBack();
        ClientDiagnostics.FellBack(_settings);
        return new FallbackChannel(connection);
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, typeof(MtaTlsClient));

    private MtaTlsNotNegotiatedException NotNegotiated() => new(
        $"{_settings.Endpoint} does not speak MTA-TLS (data_multiplexing, extension type {_settings.ExtensionType}). Ordinary TLS can replace only channels to that endpoint itself, with Mode Preferred.");

    private static bool IsFull(MtaTlsChannelRefusedException e) => e.IsLocal || RefusalReasons.IsFull(e.Reason);
}
