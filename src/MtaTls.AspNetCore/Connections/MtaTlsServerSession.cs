using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.AspNetCore.Identities;
using MtaTls.AspNetCore.Routing;
using MtaTls.AspNetCore.Transport;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Connections;

/// <summary>One MTA-TLS session of the server: accepts the channels that the client opens and gives them to the application.</summary>
internal sealed class MtaTlsServerSession : IMtaTlsSessionFeature
{
    private readonly SessionAge _age;
    private readonly TlsConnection _tls;
    private readonly EndpointSettings _settings;
    private readonly SessionMeter _meter;
    private readonly ExceededLimits _exceeded = new();
    private MtaTlsSession? _session;
    private long _idleSince;
    private long _pingsSeen;
    private Activity? _activity;
    private IReadOnlyList<X509Certificate2>? _chain;
    private int _draining; // 0: no, 1: yes, 2: the session has ended
    private int _goAwaySent; // 0: no, 1: yes, 2: the session has ended
    private volatile bool _closing;

    public MtaTlsServerSession(MtaTlsServer server, EndpointSettings settings, ConnectionContext connection, ConnectionDelegate next, TlsConnection tls, ClientAddress address, SessionIdentity? identity)
    {
        Server = server;
        Connection = connection;
        Next = next;
        Address = address;
        Identity = identity;
        _settings = settings;
        _tls = tls;
        _age = new SessionAge(server.Limits.SessionLifetime, server.Time);
        _meter = new SessionMeter(server.Metrics, settings, connection);
        Channels = new SessionChannels(this, settings.Dispatch, _meter);
        SpeaksHttp2 = tls.ApplicationProtocol.Span.SequenceEqual("h2"u8);
        HasMetricsTags = connection.Features.Get<IConnectionMetricsTagsFeature>() is not null;
    }

    public MtaTlsServer Server { get; }

    /// <summary>The TCP connection.</summary>
    public ConnectionContext Connection { get; }

    /// <summary>The budgets and counts that the session shares with other sessions of the client's address.</summary>
    public ClientAddress Address { get; }

    /// <summary>The counts that the session shares with other sessions of the client's identity; null if no rule matches the client.</summary>
    public SessionIdentity? Identity { get; }

    /// <summary>The channels that the client has opened.</summary>
    public SessionChannels Channels { get; }

    /// <summary>The application, which serves a channel.</summary>
    public ConnectionDelegate Next { get; }

    /// <summary>Whether ALPN has selected HTTP/2.</summary>
    public bool SpeaksHttp2 { get; }

    /// <summary>Whether Kestrel's metrics are on. Then each channel needs its own list of tags.</summary>
    public bool HasMetricsTags { get; }

    /// <summary>The TLS session.</summary>
    public TlsConnection Tls => _tls;

    public string SessionId => Connection.ConnectionId;

    /// <summary>Whether the client was told to use other sessions (go-away).</summary>
    public bool HasSentGoAway => Volatile.Read(ref _goAwaySent) != 0;

    public DateTimeOffset StartedAt { get; private set; }

    EndPoint? IMtaTlsSessionFeature.RemoteEndPoint => Connection.RemoteEndPoint;

    string? IMtaTlsSessionFeature.ServerName => _tls.ServerName;

    bool IMtaTlsSessionFeature.IsResumed => _tls.SessionResumed;

    bool IMtaTlsSessionFeature.IsDraining => Volatile.Read(ref _draining) != 0;

    int IMtaTlsSessionFeature.ActiveChannels => Session.ActiveChannels;

    long IMtaTlsSessionFeature.TotalChannelsOpened => Session.GetStatistics().TotalChannelsOpened;

    long IMtaTlsSessionFeature.BytesReceived => Session.GetStatistics().BytesReceived;

    long IMtaTlsSessionFeature.BytesSent => Session.GetStatistics().BytesSent;

    // Null only until the first channel or the return of Start, whichever is first: the read loop starts within Start.
    public MtaTlsSession Session => _session ?? throw new InvalidOperationException("The session is starting.");

    ValueTask<MtaTlsChannel> IMtaTlsSessionFeature.OpenChannelAsync(ChannelAddress source, ChannelAddress destination, CancellationToken cancellationToken)
        => Session.OpenChannelAsync(source, destination, cancellationToken);

    /// <summary>Serves the session until it and the applications of all its channels have ended.</summary>
    public async Task RunAsync()
    {
        TlsFeature feature = new(_tls);
        Connection.Features.Set<ITlsConnectionFeature>(feature);
        Connection.Features.Set<ITlsHandshakeFeature>(feature);
        Connection.Features.Set<ITlsApplicationProtocolFeature>(feature);
        Connection.Features.Set<IMtaTlsSessionFeature>(this);

        long started = _idleSince = Server.Time.GetTimestamp();
        StartedAt = Server.Time.GetUtcNow();
        Activity? activity = _activity = MtaTlsActivities.StartSession(Connection, _settings, _tls);
        Server.SessionLog.SessionStarted(SessionId, _settings.Name ?? "none", TlsVersion.Name(_tls.Protocol), _tls.CipherSuite, _tls.SessionResumed);
        _meter.SessionStarted();
        Socket? socket = Connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        UnsentLimit.Apply(socket);
        MtaTlsKeepAliveOptions keepAlive = Server.Options.KeepAlive;
        if (keepAlive.Tcp)
        {
            TcpKeepAlive.Apply(socket, keepAlive.Interval, keepAlive.Timeout);
        }

        MtaTlsSession session = _session = MtaTlsSession.Start(_tls, new MtaTlsSessionOptions
        {
            Role = MtaTlsRole.Server,
            Limits = Server.Limits.Session,
            ReceiveBudget = Address.ReceiveBudget,
            SendBudget = Address.SendBudget,
            TimeProvider = Server.Time,
            ChannelRequested = OnChannelRequested,
            KeepAlivePolicy = keepAlive.Ping ? MtaTlsKeepAlivePolicy.WithChannels : MtaTlsKeepAlivePolicy.Never,
            KeepAliveInterval = keepAlive.Interval,
            KeepAliveTimeout = keepAlive.Timeout,
            PingAnswered = _meter.PingAnswered,
            GoAwayReceived = OnGoAway,
        });

        Server.LiveSessions.Add(this);
        if (Server.Shutdown.IsStopping)
        {
            // The session started while the other sessions were told, so it must be told here.
            GoAway(Server.Shutdown.Remaining);
        }

        // Once for the session, not for each channel: a handler on the TCP connection stays registered as long as the connection lives.
        Connection.Features.Get<IConnectionHeartbeatFeature>()?.OnHeartbeat(static state => ((MtaTlsServerSession)state).Tick(), this);
        string? error = null;
        CancellationToken closeRequested = Connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        using (closeRequested.UnsafeRegister(static state => ((MtaTlsServerSession)state!).BeginShutdown(), this))
        {
            try
            {
                await session.Completion;
            }
            catch (Exception e)
            {
                string reason = e.InnerException is { } cause ? $"{e.Message} {cause.Message}" : e.Message;
                if (SessionEnds.IsHarmless(session, e))
                {
                    // Many clients end like this when their process exits.
                    Server.SessionLog.SessionLost(SessionId, reason);
                }
                else
                {
                    error = ErrorType(e, session);
                    Server.SessionLog.SessionFailed(SessionId, SessionEnds.Describe(session), reason);
                }
            }

            Server.LiveSessions.Remove(this);
            EndDraining();
            _closing = true;
            await EndConnectionAsync();
            await Channels.DrainAsync();
        }

        MtaTlsSessionStatistics statistics = session.GetStatistics();
        _meter.Update(statistics);
        ReportLimits();
        TimeSpan duration = Server.Time.GetElapsedTime(started);
        _meter.SessionEnded(SessionEnds.Of(session), error, duration);
        Server.SessionLog.SessionEnded(SessionId, duration.TotalSeconds, SessionEnds.Describe(session), statistics.TotalChannelsOpened, statistics.BytesReceived, statistics.BytesSent);
        MtaTlsActivities.SessionEnded(activity, session, error, statistics);
    }

    /// <summary>The client's certificate, which the handshake has verified; null if the client has none.</summary>
    public X509Certificate2? ClientCertificate => _tls.RemoteCertificate;

    IReadOnlyList<X509Certificate2> IMtaTlsSessionFeature.ClientCertificateChain => _chain ??= SentChain.Of(_tls.RemoteCertificate, _tls.RemoteCertificates);

    /// <summary>The endpoint's name, if it has one.</summary>
    public string? EndpointName => _settings.Name;

    /// <summary>Forbids resumption of the TLS session, because the application of a channel has failed (draft, section 3).</summary>
    public void ForbidResumption() => _tls.ForbidResumption();

    private void OnChannelRequested(MtaTlsChannelRequest request)
    {
        _session ??= request.Session;
        if (Identity?.TryRefuse(this, request) == true)
        {
            return;
        }

        if (Server.Metrics.ActiveChannels >= Server.Limits.MaxChannels)
        {
            // The client does not get the reason: it would open another session, which would have no room either.
            Server.ChannelLog.ChannelRefused(SessionId, nameof(MtaTlsLimits.MaxChannels));
            LimitExceeded(nameof(MtaTlsLimits.MaxChannels), "opens are refused");
            request.Refuse(ChannelDispatcher.Refusal);
            return;
        }

        Server.Dispatcher.Dispatch(this, request);
    }

    /// <summary>
    /// Tells the client that this session will end, so that it opens channels on other sessions. Open channels continue, and opens are accepted until then. May be called again with another time.
    /// </summary>
    /// <param name="stopsIn">The time until opens are refused.</param>
    public void GoAway(TimeSpan stopsIn)
    {
        if (_closing || Session.Completion.IsCompleted)
        {
            return;
        }

        Server.SessionLog.GoAwaySent(SessionId, stopsIn.TotalSeconds);
        MtaTlsActivities.GoAway(_activity, "sent", stopsIn);
        BeginDraining();
        if (Interlocked.Exchange(ref _goAwaySent, 1) == 0)
        {
            Server.LiveSessions.GoAwaySent();
        }

        _ = SendGoAwayAsync(stopsIn);
    }

    /// <summary>Pings the client as long as the session lives. For sessions on which the server opens channels.</summary>
    public void KeepAlive() => Session.KeepAlivePolicy = MtaTlsKeepAlivePolicy.Always;

    private async Task SendGoAwayAsync(TimeSpan stopsIn)
    {
        try
        {
            await Session.GoAwayAsync(stopsIn);
        }
        catch (IOException)
        {
            // The session has ended before the answer, or a budget is used up. Later opens are refused, which tells the client as well.
        }
    }

    private void OnGoAway(TimeSpan stopsIn)
    {
        Server.SessionLog.GoAwayReceived(SessionId, stopsIn.TotalSeconds);
        MtaTlsActivities.GoAway(_activity, "received", stopsIn);
        BeginDraining();
    }

    private void BeginDraining()
    {
        if (Interlocked.CompareExchange(ref _draining, 1, 0) == 0)
        {
            _meter.Draining(1);
        }
    }

    /// <summary>Stops counting the session as draining, because it has ended.</summary>
    private void EndDraining()
    {
        if (Interlocked.Exchange(ref _draining, 2) == 1)
        {
            _meter.Draining(-1);
        }

        if (Interlocked.Exchange(ref _goAwaySent, 2) == 1)
        {
            Server.LiveSessions.GoAwaySessionEnded();
        }
    }

    /// <summary>Returns the <c>error.type</c> of a failed session, and counts the session if its client no longer answered.</summary>
    private string ErrorType(Exception failure, MtaTlsSession session)
    {
        bool byPing = session.EndLimit == MtaTlsSessionLimit.KeepAliveTimeout;
        if (!byPing && !TcpKeepAlive.IsTimeout(failure))
        {
            return SessionEnds.Name(SessionEnds.Of(session));
        }

        _meter.KeepAliveTimeout(byPing ? "ping" : "tcp");
        return "keep_alive_timeout";
    }

    /// <summary>Lists the channels that either end has opened, in the order of their ids.</summary>
    public IReadOnlyList<MtaTlsChannelInfo> ListChannels()
    {
        MtaTlsChannel[] channels = Session.ListChannels();
        Array.Sort(channels, static (a, b) => a.Id.Value.CompareTo(b.Id.Value));
        Dictionary<MtaTlsChannel, (DateTimeOffset OpenedAt, bool IsServed)> own = Channels.Opened();
        return [.. channels.Select(c => own.TryGetValue(c, out (DateTimeOffset OpenedAt, bool IsServed) known)
            ? new MtaTlsChannelInfo(c, c.Snapshot(), known.OpenedAt, known.IsServed)
            : new MtaTlsChannelInfo(c, c.Snapshot(), null, isServed: true))];
    }

    /// <summary>Ends the session at once.</summary>
    public void Abort() => Session.Abort();

    /// <summary>Ends the session gracefully: no new channels, open channels finish, then close_notify.</summary>
    /// <param name="end">The end reason that logs and metrics show.</param>
    public void BeginShutdown(MtaTlsSessionEnd end = MtaTlsSessionEnd.Shutdown)
    {
        if (_closing)
        {
            return;
        }

        _closing = true;
        ThreadPool.UnsafeQueueUserWorkItem(static state => state.Session.Shutdown(state.End), (Session: this, End: end), preferLocal: false);
    }

    private void Shutdown(MtaTlsSessionEnd end)
    {
        Server.SessionLog.SessionShutdown(SessionId);
        Session.RefuseNewChannels();
        CancellationToken unconfirmed = Channels.Shutdown();

        // Not awaited: RunAsync awaits Completion. Kestrel aborts the connection when the application's ShutdownTimeout is over.
        _ = Session.ShutdownAsync(end, unconfirmed);
    }

    private void Tick()
    {
        Channels.Tick();
        CloseIdle();
        EndByAge();
        Identity?.Tick(this);
        _meter.Update(Session.GetStatistics());
        ReportLimits();
    }

    /// <summary>Counts the limits that the client has exceeded since the last call, and logs each limit once per session.</summary>
    private void ReportLimits()
    {
        if (!_exceeded.HasNews(Session))
        {
            return;
        }

        _exceeded.Report(Session, (limit, times, isFirst) =>
        {
            string option = limit switch
            {
                MtaTlsSessionLimit.ReceiveBudget when Address.HasOwnBudget => nameof(MtaTlsLimits.AddressReceiveBudget),
                MtaTlsSessionLimit.ReceiveBudget or MtaTlsSessionLimit.ParentReceiveBudget => nameof(MtaTlsLimits.ServerReceiveBudget),
                MtaTlsSessionLimit.SendBudget when Address.HasOwnSendBudget => nameof(MtaTlsLimits.AddressSendBudget),
                MtaTlsSessionLimit.SendBudget or MtaTlsSessionLimit.ParentSendBudget => nameof(MtaTlsLimits.ServerSendBudget),
                _ => limit.ToString(),
            };
            _meter.LimitExceeded(option, times);
            if (isFirst)
            {
                Server.SessionLog.LimitExceeded(SessionId, option, ExceededLimits.Answer(limit));
            }
        });
    }

    /// <summary>Counts and logs a limit of the server that a channel of this session has exceeded.</summary>
    /// <param name="limit">The option's name.</param>
    /// <param name="answer">What the server does above the limit, for the log.</param>
    public void LimitExceeded(string limit, string answer) => Server.LimitReports.Exceeded(limit, answer, _meter.Tags);

    /// <summary>The tags of the session's measurements.</summary>
    public TagList Tags => _meter.Tags;

    private void CloseIdle()
    {
        long now = Server.Time.GetTimestamp();
        TimeSpan limit = Server.Limits.ChannelIdleTimeout;
        if (limit != Timeout.InfiniteTimeSpan)
        {
            Channels.CloseIdle(now - (long)(limit.TotalSeconds * Server.Time.TimestampFrequency));
        }

        // A client that stays connected so that the server can open channels to it may have no channel. Its pings show that it is not idle.
        long pings = Session.GetStatistics().PingsReceived;
        if (Session.ActiveChannels > 0 || Session.PendingChannels > 0 || pings != _pingsSeen)
        {
            _pingsSeen = pings;
            _idleSince = now;
        }
        else if (Server.Limits.SessionIdleTimeout != Timeout.InfiniteTimeSpan && Server.Time.GetElapsedTime(_idleSince, now) >= Server.Limits.SessionIdleTimeout && !_closing)
        {
            _meter.LimitExceeded(nameof(MtaTlsLimits.SessionIdleTimeout));
            BeginShutdown(MtaTlsSessionEnd.Idle);
        }
    }

    private void EndByAge()
    {
        // On a session on which the server opens channels, the agent's code decides when the session ends.
        if (_closing || Session.KeepAlivePolicy == MtaTlsKeepAlivePolicy.Always)
        {
            return;
        }

        switch (_age.GetStep())
        {
            case SessionAge.Step.GoAway:
                Server.SessionLog.SessionAged(SessionId, Server.Limits.SessionLifetime);
                GoAway(SessionAge.DrainTime);
                break;
            case SessionAge.Step.End:
                BeginShutdown();
                break;
        }
    }

    /// <summary>Closes the socket now. An application that ignores its abort continues to run, but without a connection.</summary>
    private async Task EndConnectionAsync()
    {
        if ((Connection as AcceptedConnection)?.TryEndSession() == true)
        {
            return;
        }

        try
        {
            // A connection of Kestrel's transport closes its socket when both of its pipes are completed.
            await Connection.Transport.Output.CompleteAsync();
            await Connection.Transport.Input.CompleteAsync();
        }
        catch (Exception e)
        {
            // Connection middleware below may flush when it is completed. Its error does not change how the session ended.
            Server.SessionLog.ConnectionCloseFailed(SessionId, e.Message);
        }
    }
}
