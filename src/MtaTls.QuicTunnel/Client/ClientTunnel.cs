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

/// <summary>The client: it connects the packet interface, the session, and a link for each local address.</summary>
internal sealed class ClientTunnel : IAsyncDisposable
{
    // Each report needs a stream. The concentrator allows a few at once, and another one for each that has ended. If so many wait, it allows no more.
    private const int MostWaitingReports = 16;

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

        var dataPlane = new DataPlaneOptions(options.Scheduler, options.Queue, options.Reordering, DataPlaneOptions.CreateMemory(), new TunnelCounters(), timeProvider);
        Interface = PacketInterfaces.Create(options.Interface, Log);
        byte[] newSessionValue = Encoding.UTF8.GetBytes(!string.IsNullOrEmpty(options.Token) ? options.Token : options.QosIndication ?? "");
        Sessions = new ClientSessions(Interface, dataPlane, Log, newSessionValue) { UsesNodeAddresses = options.UsePreferredAddress };
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

    /// <summary>The authorities of the concentrator's certificate, read for each connection; null: the machine's authorities.</summary>
    public AuthoritySource? Authorities { get; }

    /// <summary>The client's certificate, read for each connection; null if there is none.</summary>
    public CertificateSource? Certificate { get; }

    public string TargetHost => string.IsNullOrEmpty(Options.TargetHost) ? Options.Host : Options.TargetHost;

    public int Port => Options.Port;

    /// <summary>Resolves the concentrator's name, for tests. Null: DNS.</summary>
    public Func<CancellationToken, Task<IPAddress[]>>? Resolver { get; set; }

    public Task<IPAddress[]> ResolveAsync(CancellationToken cancellationToken) =>
        Resolver?.Invoke(cancellationToken) ?? Dns.GetHostAddressesAsync(Options.Host, cancellationToken);

    public void Start()
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
        {
            throw new InvalidOperationException("The client was already started. Create a new QuicTunnelClient to start again.");
        }

        QuicEngine.ThrowIfUnsupported();
        Interface.Start(_pump);
        _engine = QuicEngine.Create(_loggerFactory, TimeProvider);
        Network.Changed += OnNetworkChanged;
        _running = Task.WhenAll(_links.Select(link => Task.Run(() => link.RunAsync(_stopping.Token))));
    }

    /// <summary>Sends an Access Report over the first path that works. A report of a failure does not go over the failed link itself.</summary>
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

    /// <summary>
    /// Sends a report on its own stream. False if too many reports wait for the concentrator; it then notices the failure without a report. If the concentrator allows no more streams on the connection, the
    /// connection is closed, and its link connects again.
    /// </summary>
    public bool TrySendReport(IQuicConnection connection, ReadOnlySpan<byte> message)
    {
        if (connection.WaitingStreams >= MostWaitingReports)
        {
            Log.AccessReportNotSent("The concentrator allows no more reports on this connection. The connection is replaced.");
            connection.Close(0, "No more Access Reports are allowed on this connection.");
            return false;
        }

        long stream = connection.OpenUnidirectionalStream();
        try
        {
            connection.SendStream(stream, message, fin: true);
            return true;
        }
        catch (InvalidOperationException exception)
        {
            // A stream that never ends would count against the limit of streams.
            connection.ResetStream(stream, (ulong)QuicTunnelError.Unknown);
            Log.AccessReportNotSent(exception.Message);
            return false;
        }
    }

    /// <summary>Closes the connections and the packet interface, and waits up to two seconds for the concentrator.</summary>
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
            // The links did not end in time. The concentrator finds it out by its idle timeout.
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
