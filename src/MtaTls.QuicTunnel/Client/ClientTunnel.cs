using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Configuration;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>The parts of a client, put together: the packet interface, the session, and a link for each local address.</summary>
internal sealed class ClientTunnel : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ILoggerFactory _loggerFactory;
    private readonly ClientPacketPump _pump;
    private readonly ClientLink[] _links;
    private IQuicEngine? _engine;
    private Task _running = Task.CompletedTask;
    private int _started;

    public ClientTunnel(QuicTunnelClientOptions options, ILoggerFactory loggerFactory, TimeProvider timeProvider, INetworkMonitor network)
    {
        Options = options;
        TimeProvider = timeProvider;
        Network = network;
        _loggerFactory = loggerFactory;
        Log = loggerFactory.CreateLogger("MtaTls.QuicTunnel.Client");
        ErrorList errors = new();
        (Certificate, Authorities) = QuicTunnelClientOptionsValidator.CreateSources(options, Log, timeProvider, errors);
        if (errors.All.Count > 0)
        {
            throw new OptionsValidationException(QuicTunnelClientOptions.SectionName, typeof(QuicTunnelClientOptions), errors.All);
        }

        var dataPlane = new DataPlaneOptions(options.Scheduler, options.Queue, options.Reordering, DataPlaneOptions.CreatePool(), new TunnelCounters(), timeProvider);
        Interface = PacketInterfaces.Create(options.Interface, Log);
        byte[] newSessionValue = Encoding.UTF8.GetBytes(!string.IsNullOrEmpty(options.Token) ? options.Token : options.QosIndication ?? "");
        Sessions = new ClientSessions(Interface, dataPlane, Log, newSessionValue);
        Sessions.Agreement = Agreement = new AddressAgreement(options, Interface, timeProvider, Log);
        _pump = new ClientPacketPump(Sessions, Interface);
        _links = options.LocalAddresses.Count == 0 ? [new ClientLink(this, null)] : [.. options.LocalAddresses.Select((entry, index) => new ClientLink(this, entry, index))];
    }

    public QuicTunnelClientOptions Options { get; }

    public TimeProvider TimeProvider { get; }

    public ILogger Log { get; }

    public INetworkMonitor Network { get; }

    public ClientSessions Sessions { get; }

    public IPacketInterface Interface { get; }

    public AddressAgreement Agreement { get; }

    public IQuicEngine Engine => _engine!;

    /// <summary>Asked for each connection.</summary>
    public AuthoritySource? Authorities { get; }

    /// <summary>Asked for each connection.</summary>
    public CertificateSource? Certificate { get; }

    public string TargetHost => string.IsNullOrEmpty(Options.TargetHost) ? Options.Host : Options.TargetHost;

    public int Port => Options.Port;

    /// <summary>Finds the concentrator's addresses; tests give others.</summary>
    public Func<CancellationToken, Task<IPAddress[]>>? Resolver { get; set; }

    public Task<IPAddress[]> ResolveAsync(CancellationToken cancellationToken) =>
        Resolver?.Invoke(cancellationToken) ?? Dns.GetHostAddressesAsync(Options.Host, cancellationToken);

    public void Start()
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
        {
            throw new InvalidOperationException("The client was started before.");
        }

        QuicEngine.ThrowIfUnsupported();
        Interface.Start(_pump);
        _engine = QuicEngine.Create(_loggerFactory, TimeProvider);
        Network.Changed += OnNetworkChanged;
        _running = Task.WhenAll(_links.Select(link => Task.Run(() => link.RunAsync(_stopping.Token))));
    }

    /// <summary>Sends an Access Report over the paths of the other links; its own may be the one that is lost.</summary>
    public void Report(ClientLink about, AccessReport report)
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

            if (TrySendReport(connection, message))
            {
                Log.AccessReportSent(about.Name, report.Access, report.Signal, link.Name);
                return;
            }
        }
    }

    /// <summary>Sends a report on a stream of its own; false where too many wait for the concentrator already. The concentrator then finds out by itself.</summary>
    public bool TrySendReport(IQuicConnection connection, ReadOnlySpan<byte> message)
    {
        try
        {
            connection.SendStream(connection.OpenUnidirectionalStream(), message, fin: true);
            return true;
        }
        catch (InvalidOperationException exception)
        {
            Log.AccessReportNotSent(exception.Message);
            return false;
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

        Agreement.Dispose();
        Sessions.Dispose();
        Interface.Dispose();
        Network.Dispose();
    }

    private void OnNetworkChanged()
    {
        foreach (ClientLink link in _links)
        {
            link.OnNetworkChanged();
        }
    }
}
