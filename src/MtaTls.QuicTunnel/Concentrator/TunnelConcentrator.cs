using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>The concentrator: a QUIC listener, the sessions, and the packet interface, put together.</summary>
internal sealed class TunnelConcentrator : ITunnelSessions, IAsyncDisposable
{
    private readonly ILoggerFactory _loggerFactory;
    private readonly ConcurrentDictionary<ConcentratorConnection, byte> _connections = new();
    private readonly EventRate _joins;   // under a lock on itself
    private readonly PacketRouter _router;
    private IQuicEngine? _engine;
    private IQuicListener? _listener;
    private CertificateWatch? _certificates;
    private TaskCompletionSource? _drained;

    public TunnelConcentrator(
        IOptionsFactory<QuicTunnelOptions> options, IEnumerable<IOptionsChangeTokenSource<QuicTunnelOptions>> changes, ILoggerFactory loggerFactory, TimeProvider timeProvider)
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
        Addresses = new AddressTable(
            new AddressPlan(Options.Addresses, Options.Interface), Options.Addresses.MaxPerSession, Options.Addresses.RestPeriod, timeProvider);
        var dataPlane = new DataPlaneOptions(Options.Scheduler, Options.Queue, Options.Reordering, DataPlaneOptions.CreatePool(), Counters, timeProvider);
        Interface = PacketInterfaces.Create(Options.Interface, Log);
        _router = new PacketRouter(Interface, Addresses, Options.Addresses.AllowClientToClient, Counters, timeProvider);
        Registry = new SessionRegistry(Options.Sessions, Addresses, dataPlane, _router, Log);
    }

    public QuicTunnelOptions Options { get; }

    public TimeProvider TimeProvider { get; }

    public ILogger Log { get; }

    public TunnelCounters Counters { get; } = new();

    /// <summary>What may change while it runs.</summary>
    public ConcentratorSettings Settings { get; }

    /// <summary>Which clients are let in now.</summary>
    public AccessPolicy Policy => Settings.Policy;

    public AddressTable Addresses { get; }

    public SessionRegistry Registry { get; }

    /// <summary>There before the start, so that the application can be given it; a TUN device is opened by the start.</summary>
    public IPacketInterface Interface { get; }

    public IReadOnlyList<IPEndPoint> EndPoints => _listener?.LocalEndPoints ?? [];

    public QuicListenerStatistics? ListenerStatistics => _listener?.Statistics;

    public bool IsRunning => _listener is not null;

    public void Start()
    {
        QuicEngine.ThrowIfUnsupported();
        ErrorList errors = new();
        (CertificateSource? certificate, AuthoritySource? authorities) = QuicTunnelOptionsValidator.CreateSources(Options, Log, TimeProvider, errors);
        if (certificate is null || errors.All.Count > 0)
        {
            throw new OptionsValidationException(QuicTunnelOptions.SectionName, typeof(QuicTunnelOptions), errors.All);
        }

        Interface.Start(_router);
        _engine = QuicEngine.Create(_loggerFactory, TimeProvider);
        LoadedCertificate used = certificate.Current;
        QuicListenerOptions options = CreateListenerOptions(used, authorities);
        _listener = _engine.Listen(options, Accept);
        _certificates = new CertificateWatch(certificate, used, authorities, options, _listener, Log, TimeProvider);
        Log.ConcentratorStarted(string.Join(", ", EndPoints), QuicEngine.Version);
    }

    /// <summary>Tells every client that the concentrator goes away, and lets the word go out.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_listener is null)
        {
            return;
        }

        Log.ConcentratorStopping(Registry.Count);
        _listener.StopAccepting();
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
                // Those that are left learn it from a stateless reset.
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

    public void OnConnectionClosed(ConcentratorConnection connection)
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

    /// <summary>Looks for renewed certificates and authorities now, and not only when their time comes.</summary>
    public void RefreshCertificates() => _certificates?.Refresh();

    public async ValueTask DisposeAsync()
    {
        _certificates?.Dispose();
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
        Addresses.UsePlan(new AddressPlan(options.Addresses, Options.Interface), [.. Registry.Sessions]);
        foreach (ConcentratorSession session in Registry.Sessions)
        {
            if (!Policy.Admits(session.Identity) && session.End(QuicTunnelError.Unauthorized, "The identity is not allowed."))
            {
                Log.SessionLockedOut(session.Id.Name, session.Identity!);
            }
        }

        foreach ((ConcentratorConnection connection, byte _) in _connections)
        {
            connection.Reconsider();
        }

        Log.SettingsChanged();
    }

    private ConcentratorConnection Accept(IQuicConnection _)
    {
        var accepted = new ConcentratorConnection(this);
        _connections[accepted] = 0;
        return accepted;
    }

    private QuicListenerOptions CreateListenerOptions(LoadedCertificate certificate, AuthoritySource? authorities)
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
            MaxStreams = 100_000, // Reports in a connection's life.
            ProbeDatagramHeader = TunnelDatagram.ProbeHeader,
            QlogDirectory = Options.QlogDirectory,
            CongestionControl = Options.CongestionControl == TunnelCongestionControl.Bbr ? QuicCongestionControl.Bbr : QuicCongestionControl.Cubic,
        };
        if (Options.Authentication.Mode == TunnelAuthenticationMode.ClientCertificate)
        {
            options.ClientCertificateMode = QuicClientCertificateMode.Require;
            options.TrustedAuthorities = authorities?.Current;
        }

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
