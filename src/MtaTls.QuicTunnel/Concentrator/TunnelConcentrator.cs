using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Cluster;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>The concentrator: it connects a QUIC listener, the sessions and the packet interface.</summary>
internal sealed class TunnelConcentrator : ITunnelSessions, IAsyncDisposable
{
    private readonly ILoggerFactory _loggerFactory;
    private readonly ConcurrentDictionary<AcceptedConnection, byte> _connections = new();
    private readonly EventRate _joins;   // under a lock on itself
    private readonly PacketRouter _router;
    private IQuicEngine? _engine;
    private IQuicListener? _listener;
    private CertificateWatch? _certificates;
    private RelayNode? _relay;
    private TaskCompletionSource? _drained;

    public TunnelConcentrator(
        IOptionsFactory<QuicTunnelOptions> options, IEnumerable<IOptionsChangeTokenSource<QuicTunnelOptions>> changes, ILoggerFactory loggerFactory, TimeProvider timeProvider,
        ITunnelSessionDirectory? directory = null)
    {
        _loggerFactory = loggerFactory;
        TimeProvider = timeProvider;
        Log = loggerFactory.CreateLogger("MtaTls.QuicTunnel.Concentrator");
        try
        {
            Settings = new ConcentratorSettings(options, changes, timeProvider, Log, OnSettingsChanged);
        }
        catch (OptionsValidationException invalid)
        {
            Log.ConfigurationInvalid(Environment.NewLine, string.Join(Environment.NewLine, invalid.Failures));
            throw;
        }

        Options = Settings.Initial;
        _joins = new EventRate(Options.Sessions.MaxJoinsPerSecond, timeProvider);
        Addresses = new AddressTable(new AddressPlan(Options.Addresses, Options.Interface), timeProvider);
        var dataPlane = new DataPlaneOptions(Options.Scheduler, Options.Queue, Options.Reordering, DataPlaneOptions.CreateMemory(), Counters, timeProvider);
        Interface = PacketInterfaces.Create(Options.Interface, Log);
        _router = new PacketRouter(Interface, Addresses, Counters, timeProvider);
        RelayShared = new RelayShared(Options.Cluster.Relay, Options.Queue, Counters, timeProvider);
        Registry = new SessionRegistry(Options.Sessions, Addresses, dataPlane, _router, Log)
        {
            Locator = directory is not null && Options.Cluster.IsSet ? new SessionLocator(directory, Options.Cluster, timeProvider, Log) : null,
        };
    }

    public QuicTunnelOptions Options { get; }

    public TimeProvider TimeProvider { get; }

    public ILogger Log { get; }

    public TunnelCounters Counters { get; } = new();

    /// <summary>The settings that may change while the concentrator runs.</summary>
    public ConcentratorSettings Settings { get; }

    /// <summary>The current rules about which clients may use the concentrator.</summary>
    public AccessPolicy Policy => Settings.Policy;

    public AddressTable Addresses { get; }

    public SessionRegistry Registry { get; }

    /// <summary>What relayed connections share, and their counters.</summary>
    public RelayShared RelayShared { get; }

    /// <summary>Relays between concentrators; null if that is off.</summary>
    public RelayNode? Relay => Volatile.Read(ref _relay);

    /// <summary>The packet interface. It exists before <see cref="Start"/>, so that the application can get it; <see cref="Start"/> opens a TUN device.</summary>
    public IPacketInterface Interface { get; }

    public IReadOnlyList<IPEndPoint> EndPoints => _listener?.LocalEndPoints ?? [];

    public QuicListenerStatistics? ListenerStatistics => _listener?.Statistics;

    public bool IsRunning => _listener is not null;

    public void Start()
    {
        QuicEngine.ThrowIfUnsupported();
        ErrorList errors = new();
        (CertificateSource? certificate, AuthoritySource? authorities) = QuicTunnelOptionsValidator.CreateSources(Options, Log, TimeProvider, errors);
        using var secret = ClusterSecret.Load(Options.Cluster, $"{QuicTunnelOptions.SectionName}:Cluster", errors);
        (CertificateSource? nodeCertificate, AuthoritySource? nodeAuthorities) = RelayValidation.CreateSources(Options.Cluster, Log, TimeProvider, errors);
        if (Options.Cluster.Relay.IsSet && Registry.Locator is null)
        {
            errors.Add($"{RelayNode.SettingKey}:Listen", "Relaying needs a directory of sessions, such as AddQuicTunnelRedisDirectory() of MtaTls.QuicTunnel.Redis.");
        }

        if (certificate is null || errors.All.Count > 0)
        {
            throw new OptionsValidationException(QuicTunnelOptions.SectionName, typeof(QuicTunnelOptions), errors.All);
        }

        Interface.Start(_router);
        _engine = QuicEngine.Create(_loggerFactory, TimeProvider);
        LoadedCertificate used = certificate.Current;
        QuicListenerOptions options = CreateListenerOptions(used, authorities, secret);
        _listener = _engine.Listen(options, Accept);
        _certificates = new CertificateWatch(certificate, $"{QuicTunnelOptions.SectionName}:Certificate", used, authorities, options, _listener, Log, TimeProvider);
        Log.ConcentratorStarted(string.Join(", ", EndPoints), QuicEngine.Version);
        if (secret is not null)
        {
            Log.ClusterNode(Options.Cluster.NodeName);
            Volatile.Write(ref _relay, RelayNode.Start(this, _engine, RelayShared, nodeCertificate, nodeAuthorities, AcceptNode));
        }
    }

    /// <summary>Closes all connections, waits up to two seconds until they have ended, and disposes the concentrator.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_listener is null)
        {
            return;
        }

        Log.ConcentratorStopping(Registry.Count);
        _listener.StopAccepting();
        Relay?.Stop();
        _drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _listener.CloseConnections((ulong)QuicTunnelError.Unknown, "The concentrator stops.");
        if (!_connections.IsEmpty)
        {
            try
            {
                await _drained.Task.WaitAsync(TimeSpan.FromSeconds(2), TimeProvider, cancellationToken);
            }
            catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
            {
                // Clients that did not receive the close find it out later, for example by a stateless reset.
            }
        }

        await DisposeAsync();
    }

    public bool TryTakeJoin()
    {
        lock (_joins)
        {
            return _joins.TryTake();
        }
    }

    public void OnConnectionClosed(AcceptedConnection connection)
    {
        _connections.TryRemove(connection, out _);
        if (_connections.IsEmpty)
        {
            _drained?.TrySetResult();
        }
    }

    public IReadOnlyList<TunnelSessionInfo> List() => [.. Registry.Sessions.Select(Describe)];

    public bool End(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (Registry.FindByName(name) is not { } session || !session.End(QuicTunnelError.SessionEnded, "The session was ended."))
        {
            return false;
        }

        Log.SessionEnded(name);
        return true;
    }

    /// <summary>Checks for renewed certificates and authorities now, without waiting for the timer.</summary>
    public void RefreshCertificates()
    {
        _certificates?.Refresh();
        Relay?.RefreshCertificates();
    }

    public async ValueTask DisposeAsync()
    {
        _certificates?.Dispose();
        if (Interlocked.Exchange(ref _relay, null) is { } relay)
        {
            await relay.DisposeAsync();
        }

        IQuicListener? listener = Interlocked.Exchange(ref _listener, null);
        if (listener is not null)
        {
            await listener.DisposeAsync();
        }

        IQuicEngine? engine = Interlocked.Exchange(ref _engine, null);
        if (engine is not null)
        {
            await engine.DisposeAsync();
        }

        Interface.Dispose();
        Settings.Dispose();
        Registry.Dispose();
    }

    private void OnSettingsChanged(QuicTunnelOptions options)
    {
        Addresses.UsePlan(new AddressPlan(options.Addresses, Options.Interface), () => Registry.Sessions);
        foreach (ConcentratorSession session in Registry.Sessions)
        {
            if (!Policy.Admits(session.Identity) && session.End(QuicTunnelError.Unauthorized, "The identity is not allowed."))
            {
                Log.SessionLockedOut(session.Id.Name, session.Identity!);
            }
        }

        foreach (ConcentratorConnection connection in _connections.Keys.OfType<ConcentratorConnection>())
        {
            connection.Reconsider();
        }

        Log.SettingsChanged();
    }

    private ConcentratorConnection Accept(IQuicConnection _) => Add(new ConcentratorConnection(this));

    private RelayedConnection AcceptNode(IQuicConnection _) => Add(new RelayedConnection(this));

    private T Add<T>(T accepted)
        where T : AcceptedConnection
    {
        _connections[accepted] = 0;
        return accepted;
    }

    private QuicListenerOptions CreateListenerOptions(LoadedCertificate certificate, AuthoritySource? authorities, ClusterSecret? secret)
    {
        TunnelSessionOptions sessions = Options.Sessions;
        var options = new QuicListenerOptions
        {
            ApplicationProtocols = TunnelProtocol.ApplicationProtocols,
            Certificate = certificate.Certificate,
            IntermediateCertificates = certificate.Intermediates,
            IdleTimeout = sessions.IdleTimeout,
            HandshakeTimeout = sessions.NegotiationTimeout,
            MaxConnections = sessions.MaxConnections,
            MaxHandshakes = sessions.MaxHandshakes,
            MaxConcurrentStreams = sessions.MaxPendingReports + 1,
            MaxStreams = sessions.MaxReports + 1,
        };
        TunnelQuicOptions.Apply(options, Options.QlogDirectory, Options.CongestionControl);
        if (Options.Authentication.Mode == TunnelAuthenticationMode.ClientCertificate)
        {
            options.ClientCertificateMode = QuicClientCertificateMode.Require;
            options.TrustedAuthorities = authorities?.Current;
        }

        if (secret is not null)
        {
            options.StatelessResetKey = secret.StatelessResetKey(Options.Cluster.NodeName);
            options.RetryKey = secret.RetryKey();
        }

        foreach (string endPoint in Options.Cluster.PreferredAddresses)
        {
            options.PreferredAddresses.Add(IPEndPoint.Parse(endPoint));
        }

        options.DisableActiveMigration = secret is not null && options.PreferredAddresses.Count == 0;
        foreach (string endPoint in Options.Listen)
        {
            options.EndPoints.Add(IPEndPoint.Parse(endPoint));
        }

        return options;
    }

    private TunnelSessionInfo Describe(ConcentratorSession session)
    {
        var paths = new List<TunnelPathInfo>();
        foreach (TunnelPath path in session.Paths)
        {
            paths.Add(new TunnelPathInfo(path));
        }

        return new TunnelSessionInfo(
            session.Id.Name, session.Identity, session.QosIndication, session.CreatedAt, [.. session.OwnedAddresses.Select(IpHeader.ToAddress)], paths);
    }
}
