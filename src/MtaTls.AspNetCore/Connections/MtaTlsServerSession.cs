using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Endpoints;
using MtaTls.AspNetCore.Routing;
using MtaTls.AspNetCore.Transport;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Connections;

/// <summary>One MTA-TLS session of the server: takes the channels that the client opens and gives them to the application.</summary>
internal sealed class MtaTlsServerSession : IMtaTlsSessionFeature
{
    private readonly TlsConnection _tls;
    private readonly EndpointSettings _settings;
    private readonly WaitingChannels _waiting = new();
    private readonly Lock _lock = new();
    private readonly HashSet<MtaTlsChannelContext> _running = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SessionMeter _meter;
    private readonly ExceededLimits _exceeded = new();
    private MtaTlsChannelContext[] _ticking = [];
    private MtaTlsSession? _session;
    private long _channels;
    private long _idleSince;
    private volatile bool _closing;

    // Under the lock: the channels that the application has or may get and that are not closed yet, and whether there will be no more.
    private int _open;
    private bool _ended;

    public MtaTlsServerSession(MtaTlsServer server, EndpointSettings settings, ConnectionContext connection, ConnectionDelegate next, TlsConnection tls, ClientAddress address)
    {
        Server = server;
        Connection = connection;
        Next = next;
        Address = address;
        _settings = settings;
        _tls = tls;
        _meter = new SessionMeter(server.Metrics, settings, connection);
        HasMetricsTags = connection.Features.Get<IConnectionMetricsTagsFeature>() is not null;
    }

    public MtaTlsServer Server { get; }

    /// <summary>The TCP connection.</summary>
    public ConnectionContext Connection { get; }

    /// <summary>What the client shares with other sessions of its address.</summary>
    public ClientAddress Address { get; }

    /// <summary>What a channel is given to.</summary>
    public ConnectionDelegate Next { get; }

    /// <summary>Whether Kestrel's metrics are on, so that a channel needs its own list of tags.</summary>
    public bool HasMetricsTags { get; }

    public string SessionId => Connection.ConnectionId;

    string? IMtaTlsSessionFeature.ServerName => _tls.ServerName;

    bool IMtaTlsSessionFeature.IsResumed => _tls.SessionResumed;

    int IMtaTlsSessionFeature.ActiveChannels => Session.ActiveChannels;

    long IMtaTlsSessionFeature.TotalChannelsOpened => Session.GetStatistics().TotalChannelsOpened;

    long IMtaTlsSessionFeature.BytesReceived => Session.GetStatistics().BytesReceived;

    long IMtaTlsSessionFeature.BytesSent => Session.GetStatistics().BytesSent;

    // The read loop can bring the first channel before Start has returned.
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
        Activity? activity = MtaTlsActivities.StartSession(Connection, _settings, _tls);
        Server.SessionLog.SessionStarted(SessionId, _settings.Name ?? "none", TlsVersion.Name(_tls.Protocol), _tls.CipherSuite, _tls.SessionResumed);
        _meter.SessionStarted();
        Socket? socket = Connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        UnsentLimit.Apply(socket);
        TcpKeepAlive.Apply(socket, TcpKeepAlive.DefaultInterval, TcpKeepAlive.DefaultTimeout);
        MtaTlsSession session = _session = MtaTlsSession.Start(_tls, new MtaTlsSessionOptions
        {
            Role = MtaTlsRole.Server,
            Limits = Server.Limits.Session,
            ReceiveBudget = Address.ReceiveBudget,
            SendBudget = Address.SendBudget,
            TimeProvider = Server.Time,
            ChannelRequested = OnChannelRequested,
        });

        // Once for all channels: what is registered on the TCP connection stays there as long as it lives.
        Connection.Features.Get<IConnectionHeartbeatFeature>()?.OnHeartbeat(static state => ((MtaTlsServerSession)state).Tick(), this);
        CancellationToken closeRequested = Connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        string? error = null;
        using (closeRequested.UnsafeRegister(static state => ((MtaTlsServerSession)state!).BeginShutdown(), this))
        {
            try
            {
                await session.Completion;
            }
            catch (Exception e)
            {
                error = e is MtaTlsProtocolException || e.InnerException is MtaTlsProtocolException ? "protocol_error" : "connection_lost";
                string reason = e.InnerException is { } cause ? $"{e.Message} {cause.Message}" : e.Message;
                Server.SessionLog.SessionFailed(SessionId, reason);
            }

            await EndConnectionAsync();
            await DrainAsync();
        }

        MtaTlsSessionStatistics statistics = session.GetStatistics();
        _meter.Update(statistics);
        ReportLimits();
        TimeSpan duration = Server.Time.GetElapsedTime(started);
        _meter.SessionEnded(error, duration);
        Server.SessionLog.SessionEnded(SessionId, duration.TotalSeconds, statistics.TotalChannelsOpened, statistics.BytesReceived, statistics.BytesSent);
        MtaTlsActivities.SessionEnded(activity, statistics, error);
    }

    /// <summary>The client's certificate, which the handshake has proved; null where it has none.</summary>
    public X509Certificate2? ClientCertificate => _tls.RemoteCertificate;

    /// <summary>The endpoint's name, if it has one.</summary>
    public string? EndpointName => _settings.Name;

    /// <summary>Opens the channel; <see cref="ChannelEnded(MtaTlsChannel)"/> is to follow. Null where it can't be opened any more.</summary>
    public MtaTlsChannel? Accept(MtaTlsChannelRequest request)
    {
        MtaTlsChannel channel;
        try
        {
            channel = request.Accept();
        }
        catch (MtaTlsChannelRefusedException e)
        {
            Server.ChannelLog.ChannelRefused(SessionId, e.Reason);
            return null;
        }
        catch (MtaTlsSessionException)
        {
            return null;
        }

        Server.ChannelLog.ChannelOpened(SessionId, channel);
        _meter.ChannelOpened();
        return channel;
    }

    /// <summary>A channel that did not go to the application is closed on this side.</summary>
    public void ChannelEnded(MtaTlsChannel channel)
    {
        Server.ChannelLog.ChannelEnded($"{SessionId}-{channel.Id}", channel.BytesReceived, channel.BytesSent);
        _meter.ChannelEnded();
    }

    /// <summary>Opens the channel and gives it to the application: now or when it speaks.</summary>
    public void AcceptForApplication(MtaTlsChannelRequest request)
    {
        if (Accept(request) is not { } channel)
        {
            return;
        }

        if (!TryCount())
        {
            CloseUncounted(channel);
            return;
        }

        if (_settings.Dispatch == MtaTlsDispatch.Open)
        {
            // Not here, on the read loop.
            ThreadPool.UnsafeQueueUserWorkItem(Admit(channel), preferLocal: false);
        }
        else
        {
            WaitingChannel waiting = new(this, channel, Server.Time.GetTimestamp());
            _waiting.Add(waiting);
            channel.OnReadable(static (_, state) => ((WaitingChannel)state!).Session.OnReadable((WaitingChannel)state), waiting);
            if (_closing && _waiting.Remove(waiting))
            {
                EndWaiting(channel);
            }
        }
    }

    /// <summary>Refuses a channel with a reason for the client.</summary>
    public void Refuse(MtaTlsChannelRequest request, string reason, string cause)
    {
        Server.ChannelLog.ChannelRefused(SessionId, cause);
        request.Refuse(reason);
    }

    /// <summary>The application of a channel has returned: no heartbeat any more.</summary>
    public void ApplicationEnded(MtaTlsChannelContext context)
    {
        lock (_lock)
        {
            _running.Remove(context);
        }
    }

    /// <summary>A channel is closed on this side, the last thing that is done with it.</summary>
    public void ChannelEnded(MtaTlsChannelContext context)
    {
        Server.ChannelLog.ChannelEnded(context.ConnectionId, context.Channel.BytesReceived, context.Channel.BytesSent);
        _meter.ChannelEnded();
        Uncount();
    }

    /// <summary>The TLS session is not to be resumed: a channel's application has failed (draft, section 3).</summary>
    public void ForbidResumption() => _tls.ForbidResumption();

    private void OnChannelRequested(MtaTlsChannelRequest request)
    {
        _session ??= request.Session;
        if (Server.Metrics.ActiveChannels >= Server.Limits.MaxChannels)
        {
            // Another session would have no room either, so the reason does not say what a client answers by making one.
            Refuse(request, MtaTlsChannelAction.Refusal, nameof(MtaTlsLimits.MaxChannels));
            LimitExceeded(nameof(MtaTlsLimits.MaxChannels), "opens are refused");
            return;
        }

        Server.Router.Decide(this, request).Execute(this, request);
    }

    /// <summary>Makes a connection of a channel that counts, also when the session has ended meanwhile: what had arrived is the application's.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "A connection context owns nothing that needs disposal.")]
    private MtaTlsChannelContext Admit(MtaTlsChannel channel)
    {
        MtaTlsChannelContext context;
        lock (_lock)
        {
            context = new MtaTlsChannelContext(this, channel, ++_channels);
            _running.Add(context);
        }

        if (_closing)
        {
            context.RequestClose();
        }

        return context;
    }

    private void OnReadable(WaitingChannel waiting)
    {
        if (!_waiting.Remove(waiting))
        {
            return;
        }

        if (HasSpoken(waiting.Channel))
        {
            Admit(waiting.Channel).Execute();
        }
        else
        {
            CloseUnused(waiting.Channel);
        }
    }

    /// <summary>A channel waits no longer. If its first data came at the same moment they go to the application all the same.</summary>
    private void EndWaiting(MtaTlsChannel channel)
    {
        if (HasSpoken(channel))
        {
            ThreadPool.UnsafeQueueUserWorkItem(Admit(channel), preferLocal: false);
        }
        else
        {
            CloseUnused(channel);
        }
    }

    private static bool HasSpoken(MtaTlsChannel channel)
    {
        try
        {
            if (!channel.Input.TryRead(out System.IO.Pipelines.ReadResult result))
            {
                return false;
            }

            bool any = !result.Buffer.IsEmpty;
            channel.Input.AdvanceTo(result.Buffer.Start);
            return any;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Counts a channel until <see cref="Uncount"/>: the TCP connection stays until then.</summary>
    /// <returns>Whether it is not too late for it.</returns>
    private bool TryCount()
    {
        lock (_lock)
        {
            if (_ended && _open == 0)
            {
                return false;
            }

            _open++;
            return true;
        }
    }

    private void Uncount()
    {
        lock (_lock)
        {
            _open--;
            CompleteDrain();
        }
    }

    private async void CloseUnused(MtaTlsChannel channel)
    {
        await CloseAsync(channel);
        Uncount();
    }

    private async void CloseUncounted(MtaTlsChannel channel) => await CloseAsync(channel);

    private async Task CloseAsync(MtaTlsChannel channel)
    {
        try
        {
            await channel.DisposeAsync();
        }
        catch (IOException)
        {
            // The session has ended, which is reported with the session.
        }

        _meter.ChannelEnded();
    }

    private void BeginShutdown()
    {
        if (_closing)
        {
            return;
        }

        _closing = true;
        ThreadPool.UnsafeQueueUserWorkItem(static session => session.Shutdown(), this, preferLocal: false);
    }

    private void Shutdown()
    {
        Server.SessionLog.SessionShutdown(SessionId);
        Session.RefuseNewChannels();
        while (_waiting.TakeOpenedUntil(long.MaxValue) is { } waiting)
        {
            EndWaiting(waiting.Channel);
        }

        MtaTlsChannelContext[] running;
        lock (_lock)
        {
            running = [.. _running];
        }

        foreach (MtaTlsChannelContext context in running)
        {
            context.RequestClose();
        }

        // Ends with Completion; Kestrel aborts the connection when the application's ShutdownTimeout is over.
        _ = Session.ShutdownAsync();
    }

    private void Tick()
    {
        int count;
        lock (_lock)
        {
            count = _running.Count;
            if (_ticking.Length < count || _ticking.Length > 4 * Math.Max(count, 16))
            {
                _ticking = new MtaTlsChannelContext[count];
            }

            _running.CopyTo(_ticking);
        }

        foreach (MtaTlsChannelContext context in _ticking.AsSpan(0, count))
        {
            try
            {
                context.Tick();
            }
            catch (Exception e)
            {
                // One channel's handler is not the end of the others' timeouts.
                Server.ChannelLog.ChannelCallbackFailed(context.ConnectionId, e);
            }
        }

        _ticking.AsSpan(0, count).Clear();
        CloseIdle();
        _meter.Update(Session.GetStatistics());
        ReportLimits();
    }

    /// <summary>Counts the limits that the client has exceeded since the last time, and logs each once.</summary>
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

    /// <summary>Counts a limit of the server's that a channel of this session has exceeded.</summary>
    /// <param name="limit">The option's name.</param>
    /// <param name="answer">What is done above it.</param>
    public void LimitExceeded(string limit, string answer) => Server.LimitReports.Exceeded(limit, answer, _meter.Tags);

    private void CloseIdle()
    {
        long now = Server.Time.GetTimestamp();
        TimeSpan limit = Server.Limits.ChannelIdleTimeout;
        if (limit != Timeout.InfiniteTimeSpan)
        {
            long until = now - (long)(limit.TotalSeconds * Server.Time.TimestampFrequency);
            while (_waiting.TakeOpenedUntil(until) is { } waiting)
            {
                Server.ChannelLog.ChannelIdle(SessionId, waiting.Channel.Id);
                _meter.LimitExceeded(nameof(MtaTlsLimits.ChannelIdleTimeout));
                EndWaiting(waiting.Channel);
            }
        }

        if (Session.ActiveChannels > 0 || Session.PendingChannels > 0)
        {
            _idleSince = now;
        }
        else if (Server.Limits.SessionIdleTimeout != Timeout.InfiniteTimeSpan && Server.Time.GetElapsedTime(_idleSince, now) >= Server.Limits.SessionIdleTimeout && !_closing)
        {
            _meter.LimitExceeded(nameof(MtaTlsLimits.SessionIdleTimeout));
            BeginShutdown();
        }
    }

    /// <summary>Closes the socket now. An application that ignores its abort goes on for as long as it likes, but without a connection.</summary>
    private async Task EndConnectionAsync()
    {
        if ((Connection as AcceptedConnection)?.TryEndSession() == true)
        {
            return;
        }

        try
        {
            // Kestrel's own connection closes its socket when neither of its pipes is used any more.
            await Connection.Transport.Output.CompleteAsync();
            await Connection.Transport.Input.CompleteAsync();
        }
        catch (Exception e)
        {
            // Middleware below may flush: how the session ended is known.
            Server.SessionLog.ConnectionCloseFailed(SessionId, e.Message);
        }
    }

    private async Task DrainAsync()
    {
        _closing = true;
        lock (_lock)
        {
            _ended = true;
            CompleteDrain();
        }

        await _drained.Task;
    }

    // Under the lock.
    private void CompleteDrain()
    {
        if (_ended && _open == 0)
        {
            _drained.TrySetResult();
        }
    }
}
