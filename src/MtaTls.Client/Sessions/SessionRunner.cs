using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging;
using MtaTls.Client.Diagnostics;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Client.Sessions;

/// <summary>Starts sessions and watches each until its end: idle time, age, go-away, and servers that do not answer.</summary>
internal sealed class SessionRunner
{
    /// <summary>A session without any channel that ends sooner counts as a failed attempt. Otherwise the client would reconnect without a pause to a server that closes every session.</summary>
    private static readonly TimeSpan s_shortLived = TimeSpan.FromSeconds(5);

    /// <summary>How long a server may take to answer after this machine was suspended. It is short, because the server has often closed the connection meanwhile.</summary>
    private static readonly TimeSpan s_probeAfterSuspend = TimeSpan.FromSeconds(1.5);

    /// <summary>The random part of a session's age, so that sessions that were connected together do not all end together.</summary>
    private const double AgeJitter = 0.1;

    private readonly ClientSettings _settings;
    private readonly SessionPool _pool;
    private readonly ClientCounters _counters;
    private readonly ILogger _log;
    private readonly Func<double> _random;
    private readonly InboundChannels _inbound;
    private readonly CancellationToken _stopping;
    private readonly object _owner;
    private readonly ConcurrentDictionary<ClientSession, bool> _running = new();

    /// <param name="owner">The client. Open sessions keep it alive, because shared handlers hold only a weak reference to it.</param>
    /// <param name="settings">The options.</param>
    /// <param name="pool">The sessions.</param>
    /// <param name="inbound">Answers the server's opens.</param>
    /// <param name="counters">The counts of the client.</param>
    /// <param name="log">The client's log.</param>
    /// <param name="random">Returns the jitter of ages, from 0 to below 1.</param>
    /// <param name="stopping">Cancelled when the client is disposed.</param>
    public SessionRunner(
        object owner, ClientSettings settings, SessionPool pool, InboundChannels inbound, ClientCounters counters, ILogger log, Func<double> random, CancellationToken stopping)
    {
        _owner = owner;
        _settings = settings;
        _pool = pool;
        _inbound = inbound;
        _counters = counters;
        _log = log;
        _random = random;
        _stopping = stopping;
    }

    /// <summary>Called when another session is needed, because a draining session has channels or the client must stay connected.</summary>
    public Action? Replace { get; set; }

    /// <summary>Called when a session has ended before any channel.</summary>
    public Action<Exception>? Failed { get; set; }

    /// <summary>All sessions that have not ended, also those that have left the pool and on which channels of the server continue.</summary>
    public ICollection<ClientSession> Running => _running.Keys;

    public void Start(DialedConnection connection)
    {
        var begun = new TaskCompletionSource<ClientSession>(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = new MtaTlsSessionOptions
        {
            Role = MtaTlsRole.Client,
            Limits = _settings.Limits.ToLimits(),
            TimeProvider = _settings.TimeProvider,
            ChannelRequested = _inbound.OnChannelRequested,
            ChannelEnded = _pool.CheckRoom,
            KeepAlivePolicy = !_settings.KeepAlive.Ping ? MtaTlsKeepAlivePolicy.Never : _settings.KeepConnected ? MtaTlsKeepAlivePolicy.Always : MtaTlsKeepAlivePolicy.WithChannels,
            KeepAliveInterval = _settings.KeepAlive.Interval,
            KeepAliveTimeout = _settings.KeepAlive.Timeout,
            OpenTimeout = _settings.OpenTimeout,
            PingAnswered = roundTrip => ClientDiagnostics.Ping(_settings, roundTrip),
            // Deferred, because the read loop may receive a go-away before the session is in the pool.
            GoAwayReceived = stopsIn => begun.Task.ContinueWith(
                static (task, state) =>
                {
                    (SessionRunner runner, TimeSpan stopsIn) = ((SessionRunner, TimeSpan))state!;
                    runner.OnGoAway(task.Result, stopsIn);
                }, (this, stopsIn), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default),
            Suspected = () => OnSuspected(connection.Endpoint ?? new DnsEndPoint(_settings.Host, _settings.Port)),
        };
        var session = MtaTlsSession.Start(connection.Transport, options);
        var entry = new ClientSession(connection, session, _settings);
        Activity? activity = ClientDiagnostics.SessionStarted(_settings, connection.Transport as TlsConnection);
        if (_settings.SessionLifetime != Timeout.InfiniteTimeSpan)
        {
            TimeSpan age = _settings.SessionLifetime * (1 - AgeJitter * _random());
            entry.AgeTimer = _settings.TimeProvider.CreateTimer(static state => ((Action)state!)(), () => OnAge(entry), age, Timeout.InfiniteTimeSpan);
        }
        _running[entry] = true;
        _pool.Add(entry);
        begun.SetResult(entry);
        _ = WatchAsync(entry, activity);
        if (_stopping.IsCancellationRequested)
        {
            session.Abort(new ObjectDisposedException(nameof(MtaTlsClient)));
        }
    }

    /// <summary>Releases the room of a channel that has ended or was not opened.</summary>
    public void Release(ClientSession session, bool wasOpen)
    {
        session.ReportLimits(_log);
        if (_pool.Release(session, wasOpen))
        {
            OnIdle(session);
        }
    }

    /// <summary>Pings the servers of all sessions at once, because the network has changed or this machine was suspended.</summary>
    public void ProbeAll(bool wasSuspended)
    {
        foreach (ClientSession session in _pool.Snapshot())
        {
            session.Session.Probe(wasSuspended && s_probeAfterSuspend < _settings.KeepAlive.Timeout ? s_probeAfterSuspend : _settings.KeepAlive.Timeout);
        }
    }

    /// <summary>Drains a session on which the server refuses channels.</summary>
    public void OnRefusing(ClientSession session) => Leave(session, TimeSpan.Zero);

    private void OnSuspected(DnsEndPoint endpoint)
    {
        _log.SessionSuspected(endpoint.Host, endpoint.Port);
        _pool.RaiseChanged();
    }

    private void OnGoAway(ClientSession session, TimeSpan stopsIn)
    {
        session.Connection.WentAway?.Invoke(stopsIn);
        if (Leave(session, stopsIn))
        {
            _log.GoAwayReceived(session.Endpoint.Host, session.Endpoint.Port, stopsIn.TotalSeconds);
        }
    }

    private void OnAge(ClientSession session)
    {
        if (Leave(session, TimeSpan.FromDays(1)))
        {
            _log.SessionAged(session.Endpoint.Host, session.Endpoint.Port, _settings.SessionLifetime);
        }
    }

    /// <summary>Drains a session: open channels continue, and new channels use another session. That session is connected now if it will be needed.</summary>
    private bool Leave(ClientSession session, TimeSpan servedFor)
    {
        long until = _settings.TimeProvider.GetTimestamp() + (long)(servedFor.TotalSeconds * _settings.TimeProvider.TimestampFrequency);
        bool isNews = false;
        _pool.Update(session, s => isNews = s.Leave(until));
        if (!isNews)
        {
            return false;
        }

        ClientDiagnostics.Draining(_settings, 1);
        _ = session.Session.Completion.ContinueWith(
            static (_, state) => ClientDiagnostics.Draining((ClientSettings)state!, -1), _settings, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        bool isNeeded = (session.Channels > 0 && _settings.ReplaceSessions) || _settings.KeepConnected;
        if (isNeeded && !_stopping.IsCancellationRequested)
        {
            Replace?.Invoke();
        }
        if (session.Channels == 0)
        {
            OnIdle(session);
        }

        return true;
    }

    private void OnIdle(ClientSession session)
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        if (session.IsLeaving)
        {
            // Channels that the server has opened continue until they end.
            CloseIdle(session);
        }
        else if (!_settings.KeepConnected && _settings.SessionIdleTimeout != Timeout.InfiniteTimeSpan)
        {
            _pool.Update(session, s =>
            {
                if (s.Channels == 0)
                {
                    s.IdleTimer ??= _settings.TimeProvider.CreateTimer(static state => ((Action)state!)(), () => CloseIdle(s), Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                    s.IdleTimer.Change(_settings.SessionIdleTimeout, Timeout.InfiniteTimeSpan);
                }
            });
        }
    }

    private void CloseIdle(ClientSession session)
    {
        if (_stopping.IsCancellationRequested || !_pool.RemoveIfIdle(session))
        {
            return;
        }

        _log.SessionIdle(session.Endpoint.Host, session.Endpoint.Port);
        // The client has no channel on it, so this only waits for channels of the server and exchanges close_notify. WatchAsync handles the end.
        _ = session.Session.ShutdownAsync(session.IsLeaving ? MtaTlsSessionEnd.Shutdown : MtaTlsSessionEnd.Idle, CancellationToken.None);
    }

    /// <summary>Waits for the end of a session, and logs and counts it.</summary>
    private async Task WatchAsync(ClientSession session, Activity? activity)
    {
        long begin = _settings.TimeProvider.GetTimestamp();
        Exception? failure = null;
        string? error = null;
        try
        {
            await session.Session.Completion.ConfigureAwait(false);
            _log.SessionEnded(session.Endpoint.Host, session.Endpoint.Port, SessionEnds.Describe(session.Session));
        }
        catch (Exception e)
        {
            failure = e;
            bool isTimeout = session.Session.EndLimit == MtaTlsSessionLimit.KeepAliveTimeout || TcpKeepAlive.IsTimeout(e);
            bool isHarmless = SessionEnds.IsHarmless(session.Session, e);
            error = isTimeout ? "keep_alive_timeout" : isHarmless ? null : SessionEnds.Name(SessionEnds.Of(session.Session));
            if (isTimeout)
            {
                ClientDiagnostics.KeepAliveTimeout(_settings, session.Session.EndLimit is null ? "tcp" : "ping");
            }

            if (_stopping.IsCancellationRequested)
            {
                // The end of the sessions of a disposed client is not logged.
            }
            else if (isHarmless)
            {
                _log.SessionLost(e, session.Endpoint.Host, session.Endpoint.Port);
            }
            else
            {
                _log.SessionFailed(e, session.Endpoint.Host, session.Endpoint.Port, SessionEnds.Describe(session.Session));
            }
        }
        MtaTlsSessionStatistics statistics = session.Session.GetStatistics();
        if (statistics.TotalChannelsOpened == 0 && _settings.TimeProvider.GetElapsedTime(begin) < s_shortLived)
        {
            Failed?.Invoke(new IOException($"The MTA-TLS endpoint {_settings.Endpoint} ended the session at once{(failure is null ? "." : ": " + failure.Message)}", failure));
        }
        _pool.Remove(session);
        session.DisposeTimers();
        session.ReportLimits(_log);
        _counters.SessionEnded(statistics.BytesReceived, statistics.BytesSent);
        ClientDiagnostics.SessionEnded(_settings, session.Session, error, statistics, _settings.TimeProvider.GetElapsedTime(begin), activity);
        await session.Connection.CloseAsync().ConfigureAwait(false);
        _running.TryRemove(session, out _);
        GC.KeepAlive(_owner);
    }
}
