using MtaTls.Configuration;

namespace MtaTls.QuicTunnel;

/// <summary>The client's settings; the section <c>QuicTunnelClient</c> of the configuration. They are checked together when the client starts.</summary>
public sealed class QuicTunnelClientOptions
{
    /// <summary>The name of the configuration section: <c>QuicTunnelClient</c>.</summary>
    public const string SectionName = "QuicTunnelClient";

    /// <summary>The concentrator: a domain name or an IP address. Required.</summary>
    public string Host { get; set; } = "";

    /// <summary>The UDP port of the concentrator.</summary>
    /// <value>Default: 443. Range: 1 to 65,535.</value>
    public int Port { get; set; } = 443;

    /// <summary>The name that the concentrator's certificate must be for, and that is sent as <c>server_name</c> (SNI).</summary>
    /// <value>Default: null, <see cref="Host"/>.</value>
    public string? TargetHost { get; set; }

    /// <summary>
    /// A PEM file with the authorities that the concentrator's certificate must come from, in place of the machine's. It is read again when it has changed. A path from configuration
    /// is relative to the content root.
    /// </summary>
    /// <value>Default: null, the machine's authorities.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>
    /// The client's certificate, for a concentrator that wants one: a file, a certificate store or an object, with an exportable private key. Renewed files are read again before the
    /// next connection.
    /// </summary>
    /// <value>Default: no certificate.</value>
    public CertificateOptions ClientCertificate { get; } = new();

    /// <summary>The bearer token, for a concentrator that wants one: at most 255 octets of UTF-8. Default none.</summary>
    public string? Token { get; set; }

    /// <summary>What kind of traffic the session carries, in whatever form the concentrator's operator understands: at most 255 octets of UTF-8. Not together with <see cref="Token"/>. Default none.</summary>
    public string? QosIndication { get; set; }

    /// <summary>
    /// The host's addresses, one connection from each, and/or names of network interfaces, one connection over each from whatever address it has. With
    /// <see cref="TunnelScheduler.ActiveBackup"/> the first is the preferred one. At most 32. Default empty: one connection, as the routes say.
    /// </summary>
    public IList<string> LocalAddresses { get; } = [];

    /// <summary>
    /// Which kind of access network each entry of <see cref="LocalAddresses"/> is, by that entry: its loss is then reported to the concentrator over the other paths. Default empty:
    /// nothing is reported, and the concentrator finds out when answers stay out.
    /// </summary>
    public IDictionary<string, AccessNetwork> AccessNetworks { get; } = new Dictionary<string, AccessNetwork>(StringComparer.Ordinal);

    /// <summary>Where packets for the tunnel come from.</summary>
    public TunnelInterfaceOptions Interface { get; set; } = new();

    /// <summary>
    /// Asks the concentrator for addresses in the tunnel: those that are listed for the client's identity, or one of each family from its pool. <c>Interface:Addresses</c> stays empty then. Needs a concentrator
    /// of this implementation.
    /// </summary>
    /// <value>Default: false.</value>
    public bool RequestAddresses { get; set; }

    /// <summary>How packets from the concentrator are put back into order.</summary>
    public TunnelReorderingOptions Reordering { get; set; } = new();

    /// <summary>How packets wait that the paths cannot carry yet.</summary>
    public TunnelQueueOptions Queue { get; set; } = new();

    /// <summary>The congestion control of each path for what this end sends. Default <see cref="TunnelCongestionControl.Bbr"/>.</summary>
    public TunnelCongestionControl CongestionControl { get; set; } = TunnelCongestionControl.Bbr;

    /// <summary>How packets to the concentrator are spread over the paths. Default <see cref="TunnelScheduler.EarliestDelivery"/>.</summary>
    public TunnelScheduler Scheduler { get; set; } = TunnelScheduler.EarliestDelivery;

    /// <summary>How paths without traffic are kept alive.</summary>
    public TunnelKeepAliveOptions KeepAlive { get; set; } = new();

    /// <summary>A connection on which nothing comes for this long is lost. Default 30 s, 1 s to 1 h.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long connecting and joining may take. Default 10 s, 100 ms to 10 min.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>When a lost connection is tried again.</summary>
    public TunnelReconnectOptions Reconnect { get; set; } = new();

    /// <summary>
    /// A directory where each connection writes what happens to it as a qlog file (<c>.sqlog</c>), for programs such as qvis: at most 64 MiB a connection and 1,000 files a process. For finding faults: it costs
    /// time. A path from configuration is relative to the content root.
    /// </summary>
    /// <value>Default: null, nowhere.</value>
    public string? QlogDirectory { get; set; }

    /// <summary>What could not be read from the configuration; reported with everything else that is wrong.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
