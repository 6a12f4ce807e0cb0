using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel;

/// <summary>
/// The multihomed client: one QUIC connection from each local address, all joined to one tunnelling session with the concentrator, kept up until it is stopped. Packets come from and go
/// to a TUN device, or <see cref="Packets"/>.
/// </summary>
public sealed class QuicTunnelClient : IAsyncDisposable, IPacketReceiver
{
    private readonly SemaphoreSlim _newSession = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ILoggerFactory _loggerFactory;
    private readonly DataPlaneOptions _dataPlane;
    private readonly PathSupervisor _supervisor;
    private readonly ServerAddress _server;
    private readonly byte[] _newSessionValue;
    private readonly ClientLink[] _links;
    private readonly Lock _lock = new();
    private TaskCompletionSource _sessionReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ClientSession? _session;
    private IPacketInterface? _interface;
    private IQuicEngine? _engine;
    private Task _running = Task.CompletedTask;
    private bool _started;

    /// <summary>Makes a client; nothing is opened or sent before <see cref="Start"/>.</summary>
    /// <param name="options">The settings; not to be changed afterwards.</param>
    /// <param name="loggerFactory">Where to log; nowhere by default.</param>
    /// <param name="timeProvider">The clock; the system's by default.</param>
    /// <exception cref="OptionsValidationException">Settings are wrong; the message names each.</exception>
    public QuicTunnelClient(QuicTunnelClientOptions options, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null)
        : this(options, loggerFactory, timeProvider, network: null)
    {
    }

    internal QuicTunnelClient(QuicTunnelClientOptions options, ILoggerFactory? loggerFactory, TimeProvider? timeProvider, INetworkMonitor? network)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (new QuicTunnelClientOptionsValidator().Validate(null, options) is { Failed: true } result)
        {
            throw new OptionsValidationException(QuicTunnelClientOptions.SectionName, typeof(QuicTunnelClientOptions), result.Failures);
        }

        Options = options;
        TimeProvider = timeProvider ?? TimeProvider.System;
        _loggerFactory = loggerFactory ?? NullLoggerFactory.Instance;
        Log = _loggerFactory.CreateLogger("MtaTls.QuicTunnel.Client");
        _ = ServerAddress.TryParse(options.Concentrator, out _server);
        _newSessionValue = Encoding.UTF8.GetBytes(!string.IsNullOrEmpty(options.Token) ? options.Token : options.QosIndication ?? "");
        _dataPlane = new DataPlaneOptions(
            options.Scheduler, options.Reordering.Enabled, options.Reordering.MaxDelay, options.Reordering.MaxPackets, Counters, TimeProvider);
        _supervisor = new PathSupervisor(TimeProvider);
        Network = network ?? new SystemNetworkMonitor();
        if (options.Interface.Kind == TunnelInterfaceKind.InMemory)
        {
            _interface = Packets = new InMemoryPacketInterface(options.Interface);
        }

        _links = options.LocalAddresses.Count == 0 ? [new ClientLink(this, null)] : [.. options.LocalAddresses.Select(entry => new ClientLink(this, entry))];
    }

    /// <summary>The packets, with <see cref="TunnelInterfaceKind.InMemory"/>; null with a TUN device.</summary>
    public InMemoryPacketInterface? Packets { get; }

    /// <summary>What the session is called in logs here and at the concentrator; null while there is none.</summary>
    public string? SessionName => _session?.Name;

    /// <summary>The session's connections now.</summary>
    public IReadOnlyList<TunnelPathInfo> Paths
    {
        get
        {
            var paths = new List<TunnelPathInfo>();
            if (_session is { } session)
            {
                foreach (TunnelPath path in session.Paths)
                {
                    paths.Add(new TunnelPathInfo(path));
                }
            }

            return paths;
        }
    }

    internal QuicTunnelClientOptions Options { get; }

    internal TimeProvider TimeProvider { get; }

    internal ILogger Log { get; }

    internal TunnelCounters Counters { get; } = new();

    internal INetworkMonitor Network { get; }

    internal IQuicEngine Engine => _engine!;

    internal X509Certificate2Collection? Authorities { get; private set; }

    internal (X509Certificate2 Certificate, X509Certificate2Collection? Intermediates)? Certificate { get; private set; }

    internal string ServerName => string.IsNullOrEmpty(Options.ServerName) ? _server.Host : Options.ServerName;

    internal IEnumerable<(string Session, TunnelPath Path)> EnumeratePaths() =>
        _session is { } session ? session.Paths.ToArray().Select(path => (session.Name, path)) : [];

    internal int ReorderDepth => _session?.ReorderDepth ?? 0;

    /// <summary>Opens the packet interface and begins to connect. Does not wait for the concentrator: <see cref="WaitForSessionAsync"/> does.</summary>
    /// <exception cref="PlatformNotSupportedException">The QUIC libraries are missing (the message names the packages), or the system has no TUN devices.</exception>
    /// <exception cref="UnauthorizedAccessException">No right to make or set up the TUN device.</exception>
    /// <exception cref="InvalidOperationException">The client was started before.</exception>
    public void Start()
    {
        lock (_lock)
        {
            if (_started)
            {
                throw new InvalidOperationException("The client was started before.");
            }

            _started = true;
        }

        QuicEngine.ThrowIfUnsupported();
        if (!string.IsNullOrEmpty(Options.AuthorityPath))
        {
            Authorities = CertificateLoader.LoadAuthorities(Options.AuthorityPath);
        }

        Certificate = CertificateLoader.Load(Options.Certificate);
        _interface ??= PacketInterfaces.Create(Options.Interface, Log);
        _engine = QuicEngine.Create(_loggerFactory, TimeProvider);
        _interface.Start(this);
        Network.Changed += OnNetworkChanged;
        _running = Task.WhenAll(_links.Select(link => Task.Run(() => link.RunAsync(_stopping.Token))));
    }

    /// <summary>Waits until there is a session with a connection.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task WaitForSessionAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return _sessionReady.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Tells the concentrator, and closes what was opened.</summary>
    public async ValueTask DisposeAsync()
    {
        Network.Changed -= OnNetworkChanged;
        if (!_stopping.IsCancellationRequested)
        {
            await _stopping.CancelAsync();
        }

        try
        {
            await _running.WaitAsync(TimeSpan.FromSeconds(2), TimeProvider);
        }
        catch (TimeoutException)
        {
            // The concentrator does not answer the close: it will find out by itself.
        }

        if (Interlocked.Exchange(ref _engine, null) is { } engine)
        {
            await engine.DisposeAsync();
        }

        _session?.End();
        _interface?.Dispose();
        Network.Dispose();
        _supervisor.Dispose();
    }

    void IPacketReceiver.OnPacket(ReadOnlySpan<byte> packet)
    {
        if (!IpHeader.TryRead(packet, out IpHeader header))
        {
            Counters.Dropped(DropReason.Malformed);
        }
        else if (IpHeader.IsLinkScoped(header.Destination) || IpHeader.IsLinkScoped(header.Source))
        {
            Counters.Dropped(DropReason.LinkScope);
        }
        else
        {
            int maxPacket = 0;
            switch (_session?.Send(packet, header.ProtocolType, out maxPacket) ?? SendResult.NoPath)
            {
                case SendResult.NoPath:
                    Counters.Dropped(DropReason.NoPath);
                    break;
                case SendResult.Congested:
                    Counters.Dropped(DropReason.Congested);
                    break;
                case SendResult.TooBig:
                    Counters.Dropped(DropReason.TooBig);
                    Span<byte> error = stackalloc byte[IcmpError.MaxLength];
                    int length = IcmpError.WriteTooBig(packet, header, maxPacket, error);
                    if (length > 0)
                    {
                        _interface!.Write(error[..length]);
                    }

                    break;
            }
        }
    }

    internal async Task<IPEndPoint> ResolveAsync(AddressFamily? family, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(_server.Host, family ?? AddressFamily.Unspecified, cancellationToken);
        return new IPEndPoint(addresses.Length > 0 ? addresses[0] : throw new SocketException((int)SocketError.HostNotFound), _server.Port);
    }

    /// <summary>Joins the session; where there is none, the first connection that comes opens it, and the others wait to join.</summary>
    internal async Task<NegotiationOutcome> NegotiateAsync(IQuicConnection connection, ClientConnection handler, CancellationToken cancellationToken)
    {
        if (_session is { } session)
        {
            return await JoinAsync(connection, handler, session, cancellationToken);
        }

        await _newSession.WaitAsync(cancellationToken);
        try
        {
            if (_session is null)
            {
                return await handler.NegotiateAsync(connection, session: null, _newSessionValue).WaitAsync(cancellationToken);
            }
        }
        finally
        {
            _newSession.Release();
        }

        return _session is { } other ? await JoinAsync(connection, handler, other, cancellationToken) : NegotiationOutcome.Failed;
    }

    internal ClientSession CreateSession(byte[] id) => new(id, _interface!, _dataPlane, _supervisor, OnPathState);

    internal void OnSessionReady(ClientSession session)
    {
        lock (_lock)
        {
            _session = session;
            _sessionReady.TrySetResult();
        }

        Log.SessionReady(session.Name);
    }

    internal void ForgetSession(ClientSession session)
    {
        lock (_lock)
        {
            if (_session != session)
            {
                return;
            }

            _session = null;
            _sessionReady = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        Log.SessionLost(session.Name);
        session.End();
        foreach (TunnelPath path in session.Paths)
        {
            path.Connection.Close(0, "The session is over.");
        }
    }

    /// <summary>Sends an Access Report over the paths of the other links; its own may be the one that is lost.</summary>
    internal void Report(ClientLink about, AccessReport report)
    {
        byte[] message = report.Encode();
        foreach (ClientLink link in _links)
        {
            if (link.Path is not { IsReportedUnavailable: false } || link.Connection is not { IsConnected: true } connection)
            {
                continue;
            }

            if (link == about && report.Signal == AccessSignal.Unavailable)
            {
                continue;
            }

            connection.SendStream(connection.OpenUnidirectionalStream(), message, fin: true);
            Log.AccessReportSent(about.Name, report.Access, report.Signal, link.Name);
            return;
        }
    }

    private async Task<NegotiationOutcome> JoinAsync(IQuicConnection connection, ClientConnection handler, ClientSession session, CancellationToken cancellationToken)
    {
        NegotiationOutcome outcome = await handler.NegotiateAsync(connection, session, default).WaitAsync(cancellationToken);
        if (outcome == NegotiationOutcome.SessionUnknown)
        {
            ForgetSession(session);
        }

        return outcome;
    }

    private void OnNetworkChanged()
    {
        foreach (ClientLink link in _links)
        {
            link.OnNetworkChanged();
        }
    }

    private void OnPathState(TunnelPath path, bool left)
    {
        if (left)
        {
            Log.PathLeft(path.Connection.LocalEndPoint);
        }
        else
        {
            Log.PathBack(path.Connection.LocalEndPoint);
        }
    }
}
