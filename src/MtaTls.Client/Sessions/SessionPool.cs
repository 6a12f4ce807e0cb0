using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MtaTls.Client.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>
/// The sessions to one endpoint that offer the same application protocols. A channel takes the first session with room; a session is connected when there is
/// none, by one attempt that all who wait share, and a second one only when the first is full.
/// </summary>
internal sealed class SessionPool : IAsyncDisposable
{
    /// <summary>How long a server that did not speak MTA-TLS is not asked again for a channel that ordinary TLS can't stand in for.</summary>
    private static readonly TimeSpan s_plainFor = TimeSpan.FromMinutes(1);

    /// <summary>A session that ends sooner, without a channel ever opened, was a failed attempt: else a server that hangs up on everybody would be called without pause.</summary>
    private static readonly TimeSpan s_shortLived = TimeSpan.FromSeconds(5);

    /// <summary>How often a channel that waits for room in a full session looks for it.</summary>
    private static readonly TimeSpan s_roomCheck = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a connection to such a server waits for a channel, before the server may think that nobody uses it.</summary>
    private static readonly TimeSpan s_spareFor = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly ClientSettings _settings;
    private readonly IDialer _dialer;
    private readonly ILogger _log;
    private readonly ClientCounters _counters;
    private readonly Backoff _backoff;
    private readonly CancellationTokenSource _disposing = new();
    private readonly List<ClientSession> _sessions = [];
    private readonly object _owner;
    private DialedConnection? _spare;
    private ITimer? _spareTimer;
    private Task? _dial;
    private Task? _keeper;
    private bool _plain;
    private long _plainSince;
    private bool _disposed;

    /// <param name="owner">Stays reachable as long as a session runs: handlers find their client by a weak reference.</param>
    /// <param name="settings">The options.</param>
    /// <param name="dialer">Makes connections.</param>
    /// <param name="counters">Counts.</param>
    /// <param name="log">Logs.</param>
    /// <param name="random">The jitter of back-offs: 0 to below 1.</param>
    public SessionPool(object owner, ClientSettings settings, IDialer dialer, ClientCounters counters, ILogger log, Func<double> random)
    {
        _owner = owner;
        _settings = settings;
        _dialer = dialer;
        _counters = counters;
        _log = log;
        _backoff = new Backoff(settings.Reconnect, settings.TimeProvider, random);
    }

    public int SessionCount
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>Octets of the channels that are open now, of the sessions that are open now.</summary>
    public void AddStatistics(ref long received, ref long sent)
    {
        lock (_gate)
        {
            foreach (ClientSession session in _sessions)
            {
                MtaTlsSessionStatistics statistics = session.Session.GetStatistics();
                received += statistics.BytesReceived;
                sent += statistics.BytesSent;
            }
        }
    }

    /// <summary>Connects a session if there is none with room. Where the server does not speak MTA-TLS, the connection waits for the first channel.</summary>
    public async ValueTask ConnectAsync(CancellationToken cancellationToken)
    {
        Task? wait;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(MtaTlsClient));
            if (_settings.KeepConnected)
            {
                _keeper ??= KeepConnectedAsync();
            }

            wait = _sessions.Exists(static s => s.HasRoom) || _spare is not null ? null : Dial();
        }
        if (wait is not null)
        {
            await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<ChannelBacking> OpenAsync(ChannelAddress destination, ChannelAddress? source, CancellationToken cancellationToken)
    {
        bool mayFallBack = _settings.Mode == MtaTlsClientMode.Preferred && _settings.IsEndpoint(destination);
        for (int lost = 0; ;)
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
                Opened();
                if (_log.IsEnabled(LogLevel.Debug))
                {
                    _log.ChannelOpened(channel.Id.ToString(), destination.ToString());
                }

                return new SessionChannel(channel, session);
            }
            catch (MtaTlsChannelRefusedException e) when (IsForWantOfRoom(e) && !IsAlone(session))
            {
                // The session is full, not the endpoint: the next turn takes another session, or connects one while MaxSessions allows it.
                lock (_gate)
                {
                    session.LearnLimit();
                }

                _log.SessionFull(_settings.Host, _settings.Port, session.Limit);
            }
            catch (MtaTlsChannelRefusedException e) when (RefusalReasons.IsShuttingDown(e.Reason) && lost++ < 2)
            {
                lock (_gate)
                {
                    session.Drain();
                }
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
            catch (MtaTlsSessionException) when (lost++ < 2)
            {
                // The session ended before the channel was there, so nothing of the application's was sent: another session serves it as well.
                Remove(session);
            }
            finally
            {
                if (channel is null)
                {
                    Release(session, wasOpen: false);
                }
            }
        }
    }

    /// <summary>A channel of the session has been closed.</summary>
    public void Release(ClientSession session) => Release(session, wasOpen: true);

    private void Release(ClientSession session, bool wasOpen)
    {
        session.ReportLimits(_settings, _log);
        lock (_gate)
        {
            session.Channels--;
            if (wasOpen)
            {
                session.ForgetLimit();
            }

            if (session.Channels > 0 || _disposed || _settings.KeepConnected || _settings.SessionIdleTimeout == Timeout.InfiniteTimeSpan)
            {
                return;
            }

            session.IdleTimer ??= _settings.TimeProvider.CreateTimer(static state => ((Action)state!)(), () => CloseIdle(session), Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            session.IdleTimer.Change(_settings.SessionIdleTimeout, Timeout.InfiniteTimeSpan);
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<ClientSession> sessions;
        Task? dial, keeper;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            sessions = [.. _sessions];
            (dial, keeper) = (_dial, _keeper);
        }
        await _disposing.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(new[] { dial, keeper }.OfType<Task>()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _spareTimer?.Dispose();
        if (_spare is not null)
        {
            await _spare.DisposeAsync().ConfigureAwait(false);
        }

        using var limit = new CancellationTokenSource(_settings.ShutdownTimeout, _settings.TimeProvider);
        await Task.WhenAll(sessions.Select(s => s.Session.ShutdownAsync(limit.Token))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (ClientSession session in sessions)
        {
            await session.Session.DisposeAsync().ConfigureAwait(false);
        }

        _dialer.Dispose();
        _disposing.Dispose();
    }

    private async ValueTask<(ClientSession? Session, DialedConnection? Plain)> AcquireAsync(bool mayFallBack, CancellationToken cancellationToken)
    {
        long begin = _settings.TimeProvider.GetTimestamp();
        while (true)
        {
            Task? wait = null;
            TimeSpan? pause = null;
            bool full = false;
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, typeof(MtaTlsClient));
                foreach (ClientSession session in _sessions)
                {
                    if (!session.HasRoom)
                    {
                        continue;
                    }

                    session.Channels++;
                    session.IdleTimer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                    return (session, null);
                }
                if (mayFallBack && _spare is { } spare)
                {
                    _spare = null;
                    return (null, spare);
                }
                if (!mayFallBack && _plain && _settings.TimeProvider.GetElapsedTime(_plainSince) < s_plainFor)
                {
                    throw NotNegotiated();
                }

                if (_plain && mayFallBack)
                {
                    ThrowIfBackingOff();
                }
                else if (_dial is null && _sessions.Count >= _settings.MaxSessions)
                {
                    full = true;
                }
                else if (_dial is null && _backoff.Pause is { Ticks: > 0 } left)
                {
                    pause = left;
                }
                else
                {
                    wait = Dial();
                }
            }
            if (full)
            {
                if (_settings.ConnectTimeout != Timeout.InfiniteTimeSpan && _settings.TimeProvider.GetElapsedTime(begin) >= _settings.ConnectTimeout)
                {
                    throw Full();
                }
                // A session tells of no channel that it has done with: look again shortly.
                await Task.Delay(s_roomCheck, _settings.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
            else if (pause is { } delay)
            {
                await Task.Delay(delay, _settings.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
            else if (wait is not null)
            {
                try
                {
                    await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
                }
                catch (Exception e) when (e is SocketException or IOException and not MtaTlsNotNegotiatedException && IsWaitedFor())
                {
                    // The endpoint is gone for a while, as when it restarts. Also without a back-off it is not called without pause.
                    await Task.Delay(s_roomCheck, _settings.TimeProvider, cancellationToken).ConfigureAwait(false);
                    continue;
                }
                if (mayFallBack)
                {
                    continue;
                }

                lock (_gate)
                {
                    if (_plain)
                    {
                        throw NotNegotiated();
                    }
                }
            }
            else
            {
                // The server did not speak MTA-TLS the last time: a connection for this channel alone, unless the server has learned it since.
                DialedConnection connection = await ConnectOneAsync(cancellationToken).ConfigureAwait(false);
                if (!connection.IsMultiplexed)
                {
                    return (null, connection);
                }

                Add(connection);
            }
        }
    }

    /// <summary>The attempt to connect that is under way, or a new one. Under the lock.</summary>
    private Task Dial()
    {
        if (_dial is not null)
        {
            return _dial;
        }

        ThrowIfBackingOff();
        _dial = DialAsync();
        // All who wait may have given up.
        _ = _dial.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return _dial;
    }

    private bool IsWaitedFor()
    {
        lock (_gate)
        {
            return _backoff.WaitRemaining > TimeSpan.Zero;
        }
    }

    private MtaTlsChannelRefusedException Full()
    {
        lock (_gate)
        {
            return new MtaTlsChannelRefusedException(
                $"all {_sessions.Count} sessions with {_settings.Host}:{_settings.Port} were full for {_settings.ConnectTimeout} (MaxSessions is {_settings.MaxSessions}, the channels are {string.Join(" + ", _sessions.Select(static s => s.Channels))})");
        }
    }

    private void ThrowIfBackingOff()
    {
        if (_backoff.Remaining is { Ticks: > 0 } left)
        {
            throw new IOException(
                string.Create(CultureInfo.InvariantCulture, $"{_settings.Host}:{_settings.Port} could not be reached (failed attempts: {_backoff.Failures}, the next one in {left.TotalSeconds:0.0} s): {_backoff.LastFailure!.Message}"),
                _backoff.LastFailure);
        }
    }

    private async Task DialAsync()
    {
        // Leaves the lock of the caller before anything else happens.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            DialedConnection connection = await ConnectOneAsync(_disposing.Token).ConfigureAwait(false);
            if (connection.IsMultiplexed)
            {
                Add(connection);
                return;
            }
            _log.FellBack(_settings.Host, _settings.Port);
            lock (_gate)
            {
                (_plain, _plainSince) = (true, _settings.TimeProvider.GetTimestamp());
                _spare = connection;
                _spareTimer?.Dispose();
                _spareTimer = _settings.TimeProvider.CreateTimer(DropSpare, connection, s_spareFor, Timeout.InfiniteTimeSpan);
            }
        }
        finally
        {
            lock (_gate)
            {
                _dial = null;
            }
        }
    }

    private void DropSpare(object? connection)
    {
        lock (_gate)
        {
            if (_spare != connection)
            {
                return;
            }

            _spare = null;
        }
        _ = ((DialedConnection)connection!).DisposeAsync().AsTask();
    }

    private async ValueTask<DialedConnection> ConnectOneAsync(CancellationToken cancellationToken)
    {
        try
        {
            DialedConnection connection = await _dialer.ConnectAsync(cancellationToken).ConfigureAwait(false);
            _counters.Handshake();
            return connection;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _counters.ConnectFailed();
            lock (_gate)
            {
                _backoff.Failed(e);
            }

            throw;
        }
    }

    private void Add(DialedConnection connection)
    {
        var options = new MtaTlsSessionOptions
        {
            Role = MtaTlsRole.Client,
            Limits = _settings.Limits.ToLimits(),
            TimeProvider = _settings.TimeProvider,
            ChannelRequested = OnChannelRequested,
        };
        var session = MtaTlsSession.Start(connection.Transport, options);
        var entry = new ClientSession(connection, session, _settings.Limits);
        ClientDiagnostics.Sessions(_settings, 1);
        bool disposed;
        lock (_gate)
        {
            disposed = _disposed;
            _plain = false;
            _sessions.Add(entry);
        }
        _ = WatchAsync(entry);
        if (disposed)
        {
            session.Abort(new ObjectDisposedException(nameof(MtaTlsClient)));
        }
    }

    /// <summary>Follows a session to its end.</summary>
    private async Task WatchAsync(ClientSession session)
    {
        long begin = _settings.TimeProvider.GetTimestamp();
        Exception? failure = null;
        try
        {
            await session.Session.Completion.ConfigureAwait(false);
            _log.SessionEnded(_settings.Host, _settings.Port);
        }
        catch (Exception e)
        {
            failure = e;
            if (!_disposed)
            {
                _log.SessionFailed(e, _settings.Host, _settings.Port);
            }
        }
        MtaTlsSessionStatistics statistics = session.Session.GetStatistics();
        if (statistics.TotalChannelsOpened == 0 && _settings.TimeProvider.GetElapsedTime(begin) < s_shortLived)
        {
            lock (_gate)
            {
                _backoff.Failed(failure ?? new IOException("The server ended the session at once."));
            }
        }
        Remove(session);
        session.ReportLimits(_settings, _log);
        _counters.SessionEnded(statistics.BytesReceived, statistics.BytesSent);
        ClientDiagnostics.Sessions(_settings, -1);
        await session.Connection.CloseAsync().ConfigureAwait(false);
    }

    private void Remove(ClientSession session)
    {
        lock (_gate)
        {
            _sessions.Remove(session);
            session.IdleTimer?.Dispose();
        }
    }

    private void CloseIdle(ClientSession session)
    {
        lock (_gate)
        {
            if (session.Channels > 0 || _disposed || !_sessions.Remove(session))
            {
                return;
            }
        }
        _log.SessionIdle(_settings.Host, _settings.Port);
        // It has no channel, so this only exchanges close_notify; WatchAsync sees the end.
        _ = session.Session.ShutdownAsync(_disposing.Token);
    }

    /// <summary>Connects a session whenever there is none, as long as the pool lives.</summary>
    private async Task KeepConnectedAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_disposing.IsCancellationRequested)
        {
            Task wait;
            TimeSpan delay = TimeSpan.Zero;
            lock (_gate)
            {
                if (_sessions.Count > 0)
                {
                    wait = _sessions[0].Session.Completion;
                }
                else if ((delay = UntilNextAttempt()) > TimeSpan.Zero)
                {
                    wait = Task.Delay(delay, _settings.TimeProvider, _disposing.Token);
                }
                else
                {
                    wait = Dial();
                }
            }
            await wait.WaitAsync(_disposing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (wait.IsCompleted && delay == TimeSpan.Zero)
            {
                lock (_gate)
                {
                    _sessions.RemoveAll(static s => s.Session.Completion.IsCompleted);
                }
            }
        }
    }

    private TimeSpan UntilNextAttempt()
    {
        TimeSpan plainLeft = _plain ? s_plainFor - _settings.TimeProvider.GetElapsedTime(_plainSince) : TimeSpan.Zero;
        return plainLeft > _backoff.Remaining ? plainLeft : _backoff.Remaining;
    }

    private void OnChannelRequested(MtaTlsChannelRequest request)
    {
        if (_settings.ChannelRequested is not { } handler)
        {
            request.Refuse("this client accepts no channels");
        }
        else
        {
            _ = Task.Run(() => AnswerAsync(request, handler));
        }
    }

    private async Task AnswerAsync(MtaTlsChannelRequest request, Func<MtaTlsChannelRequest, CancellationToken, ValueTask> handler)
    {
        try
        {
            await handler(request, _disposing.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _log.ChannelHandlerFailed(e);
        }
        try
        {
            request.Refuse("not accepted");
        }
        catch (InvalidOperationException)
        {
            // It was answered by the handler, as it should be.
        }
    }

    private FallbackChannel FallBack(DialedConnection connection)
    {
        Opened();
        _counters.FellBack();
        ClientDiagnostics.FellBack(_settings);
        return new FallbackChannel(connection);
    }

    private void Opened()
    {
        lock (_gate)
        {
            _backoff.Succeeded();
        }
    }

    private MtaTlsNotNegotiatedException NotNegotiated() => new(
        $"{_settings.Host}:{_settings.Port} does not speak MTA-TLS (data_multiplexing, extension type {_settings.ExtensionType}). Ordinary TLS stands in only for channels to that endpoint itself, with Mode Preferred.");

    /// <summary>
    /// Whether the channel that was refused is the session's only one: then the server has no room for any, and asking it again at once, on this session or another,
    /// would go on without end.
    /// </summary>
    private bool IsAlone(ClientSession session)
    {
        lock (_gate)
        {
            return session.Channels <= 1 && session.Session.ActiveChannels == 0;
        }
    }

    private static bool IsForWantOfRoom(MtaTlsChannelRefusedException e) => e.IsLocal || RefusalReasons.IsForWantOfRoom(e.Reason);
}
