using MtaTls.Configuration;

namespace MtaTls.QuicTunnel;

/// <summary>
/// The settings of the client: the section <c>QuicTunnelClient</c> of the configuration. They are checked when the host starts or a <see cref="QuicTunnelClient"/> is created:
/// one <see cref="Microsoft.Extensions.Options.OptionsValidationException"/> lists every invalid setting.
/// </summary>
public sealed class QuicTunnelClientOptions
{
    /// <summary>The name of the configuration section: <c>QuicTunnelClient</c>.</summary>
    public const string SectionName = "QuicTunnelClient";

    /// <summary>The concentrator: a domain name or an IP address, without scheme, port and brackets.</summary>
    /// <value>Required. Default: empty.</value>
    public string Host { get; set; } = "";

    /// <summary>The UDP port of the concentrator.</summary>
    /// <value>Default: 443. Range: 1 to 65,535.</value>
    public int Port { get; set; } = 443;

    /// <summary>The name that the concentrator's certificate must be valid for. A domain name is also sent as <c>server_name</c> (SNI).</summary>
    /// <value>Default: null, <see cref="Host"/>.</value>
    public string? TargetHost { get; set; }

    /// <summary>
    /// A PEM file with the authorities that may issue the concentrator's certificate, instead of the machine's authorities. A changed file is read again before the next connection.
    /// A path from configuration is relative to the content root.
    /// </summary>
    /// <value>Default: null, the machine's authorities.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>
    /// The client's certificate, for a concentrator that requires one: a file, a certificate in a store, or an object, with an exportable private key. Renewed files are read again
    /// before the next connection.
    /// </summary>
    /// <value>Default: no certificate.</value>
    public CertificateOptions ClientCertificate { get; } = new();

    /// <summary>The bearer token, for a concentrator that requires one. It is the value of the New Session TLV (draft section 6.1.1).</summary>
    /// <value>Default: null, no token. At most 255 bytes of UTF-8.</value>
    public string? Token { get; set; }

    /// <summary>
    /// The kind of traffic in the session, in a form that the concentrator's operator understands: the value of the New Session TLV (draft section 6.1.1). It cannot be used together with
    /// <see cref="Token"/>.
    /// </summary>
    /// <value>Default: null, no indication. At most 255 bytes of UTF-8.</value>
    public string? QosIndication { get; set; }

    /// <summary>
    /// The host's addresses and names of its network interfaces. There is one connection (path) for each entry: from the address, or over the interface from its current address. With
    /// <see cref="TunnelScheduler.ActiveBackup"/> the first entry is the preferred path.
    /// </summary>
    /// <value>Default: empty, one connection, as the routes decide. At most 32 entries.</value>
    public IList<string> LocalAddresses { get; } = [];

    /// <summary>
    /// The kind of access network of entries of <see cref="LocalAddresses"/>; the entry is the key. The client then reports over the other paths when such a network fails or works again.
    /// </summary>
    /// <value>Default: empty. Nothing is reported, and the concentrator notices a failure when answers stop.</value>
    public IDictionary<string, AccessNetwork> AccessNetworks { get; } = new Dictionary<string, AccessNetwork>(StringComparer.Ordinal);

    /// <summary>The interface that packets for the tunnel come from.</summary>
    public TunnelInterfaceOptions Interface { get; set; } = new();

    /// <summary>
    /// Whether the client asks the concentrator for its addresses in the tunnel: those that are listed for its identity, or one IPv4 and one IPv6 address from the pool. <c>Interface:Addresses</c>
    /// must then be empty. It needs a concentrator of this implementation.
    /// </summary>
    /// <value>Default: false.</value>
    public bool RequestAddresses { get; set; }

    /// <summary>
    /// Whether the client uses the address that one of several concentrators announces as its own (RFC 9000, section 9.6): its first connection moves there, and further connections of the session
    /// go there. Otherwise all connections go to <see cref="Host"/>, where they may reach another concentrator.
    /// </summary>
    /// <value>Default: true.</value>
    public bool UsePreferredAddress { get; set; } = true;

    /// <summary>How packets from the concentrator are put back into order.</summary>
    public TunnelReorderingOptions Reordering { get; set; } = new();

    /// <summary>The queue of packets that wait for the paths.</summary>
    public TunnelQueueOptions Queue { get; set; } = new();

    /// <summary>The congestion control algorithm of each path for the packets that the client sends.</summary>
    /// <value>Default: <see cref="TunnelCongestionControl.Bbr"/>.</value>
    public TunnelCongestionControl CongestionControl { get; set; } = TunnelCongestionControl.Bbr;

    /// <summary>How packets to the concentrator are distributed over the paths.</summary>
    /// <value>Default: <see cref="TunnelScheduler.EarliestDelivery"/>.</value>
    public TunnelScheduler Scheduler { get; set; } = TunnelScheduler.EarliestDelivery;

    /// <summary>How paths without traffic are kept alive.</summary>
    public TunnelKeepAliveOptions KeepAlive { get; set; } = new();

    /// <summary>A connection that receives no packet for this long is lost. The smaller value of both ends counts.</summary>
    /// <value>Default: 30 seconds. Range: 1 second to 1 hour.</value>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a handshake may take, and then joining a session.</summary>
    /// <value>Default: 10 seconds. Range: 100 milliseconds to 10 minutes.</value>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>When a lost connection is opened again.</summary>
    public TunnelReconnectOptions Reconnect { get; set; } = new();

    /// <summary>
    /// The directory for one qlog file (<c>.sqlog</c>) per connection, for programs such as qvis. A file has at most 64 MiB, and a process creates at most 1,000 files. Writing costs time: use it only to find
    /// faults. A path from configuration is relative to the content root.
    /// </summary>
    /// <value>Default: null, no files.</value>
    public string? QlogDirectory { get; set; }

    /// <summary>Errors of reading the configuration. They are reported together with the other invalid settings.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
