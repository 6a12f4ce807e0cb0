using MtaTls.Configuration;

namespace MtaTls.QuicTunnel;

/// <summary>
/// The settings of relaying between concentrators: <c>QuicTunnel:Cluster:Relay</c>. A client that reaches another concentrator than the one of its session is connected to its session
/// through that concentrator, as long as no path of its own works. It needs a directory of sessions. The settings are read when the concentrator starts.
/// </summary>
public sealed class TunnelRelayOptions
{
    /// <summary>The UDP end points at which the other concentrators reach this one, <c>address:port</c> or <c>[address]:port</c>. They must differ from those for clients.</summary>
    /// <value>Default: empty, no relaying.</value>
    public IList<string> Listen { get; } = [];

    /// <summary>
    /// This concentrator's certificate for the others, as server and as client: its DNS names include <see cref="TunnelClusterOptions.Node"/>. Renewed files are read again within ten seconds.
    /// </summary>
    /// <value>Required with <see cref="Listen"/>.</value>
    public CertificateOptions Certificate { get; } = new();

    /// <summary>A PEM file with the authorities that issue the certificates of concentrators. A changed file is read again. A path from configuration is relative to the content root.</summary>
    /// <value>Required with <see cref="Listen"/>. If clients have certificates of the same authorities, <see cref="Nodes"/> is also required.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>The address at which the other concentrators reach this one. The directory tells it to them.</summary>
    /// <value>Default: the first end point of <see cref="Listen"/> that has an address and a port of its own.</value>
    public string? Advertise { get; set; }

    /// <summary>
    /// The other concentrators with their addresses, <c>address:port</c> or <c>[address]:port</c>. An address here counts, not the one in the directory. If there are entries, no other concentrator is
    /// accepted.
    /// </summary>
    /// <value>Default: empty. The directory has the addresses, and every concentrator with a certificate from <see cref="AuthorityPath"/> is accepted.</value>
    public IDictionary<string, string> Nodes { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The most connections that this concentrator relays for clients, and the most relayed connections that it accepts for its own sessions. Further ones are refused.</summary>
    /// <value>Default: 1,000. Range: 1 to 1,000,000.</value>
    public int MaxRelays { get; set; } = 1_000;

    /// <summary>The same for one other concentrator.</summary>
    /// <value>Default: 500. Range: 1 to 1,000,000.</value>
    public int MaxRelaysPerNode { get; set; } = 500;

    /// <summary>How long it may take until the other concentrator has answered. After that the client is refused.</summary>
    /// <value>Default: 3 seconds. Range: 100 milliseconds to 1 minute.</value>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>A connection between concentrators that receives nothing for this long is lost, and the client's connection ends with it.</summary>
    /// <value>Default: 5 seconds. Range: 1 second to 10 minutes.</value>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The most packets of one relayed connection that wait in each direction.</summary>
    /// <value>Default: 1,024 packets. Range: 16 to 16,384.</value>
    public int MaxPackets { get; set; } = 1_024;

    /// <summary>Whether the concentrator relays.</summary>
    internal bool IsSet => Listen.Count > 0;

    /// <summary>The address that the directory tells the other concentrators; null if there is none.</summary>
    internal string? AdvertisedAddress => IsSet && !string.IsNullOrEmpty(Advertise) ? Advertise : Listen.FirstOrDefault(Cluster.NodeAddress.IsSpecific);
}
