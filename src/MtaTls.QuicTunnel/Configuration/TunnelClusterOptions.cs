namespace MtaTls.QuicTunnel;

/// <summary>The settings of one of several concentrators that share an address behind a load balancer: <c>QuicTunnel:Cluster</c>. They are read when the concentrator starts.</summary>
public sealed class TunnelClusterOptions
{
    /// <summary>
    /// The name of this concentrator. It must be unique in the cluster and stay the same after a restart. A packet that the load balancer sends to the wrong node then resets no connection.
    /// </summary>
    /// <value>Default: null, the machine's name. 1 to 64 letters, digits, hyphens, underscores and dots.</value>
    public string? Node { get; set; }

    /// <summary>The secret that all nodes share. The keys of Retry tokens and of stateless resets are derived from it.</summary>
    /// <value>Default: null, a single concentrator. 32 to 1,024 bytes of UTF-8.</value>
    public string? Secret { get; set; }

    /// <summary>A file with the secret, instead of <see cref="Secret"/>. Line breaks at its end do not count. A path from configuration is relative to the content root.</summary>
    /// <value>Default: null. 32 to 1,024 bytes.</value>
    public string? SecretPath { get; set; }

    /// <summary>
    /// This concentrator's own addresses, <c>address:port</c> or <c>[address]:port</c>, at most one of each family. It announces them to clients that used the shared address (RFC 9000,
    /// section 9.6), and the further connections of a session go there. They may be the addresses of a translator (NAT) before the concentrator.
    /// </summary>
    /// <value>Default: empty. Clients are then asked to keep their own address, because the balancer could send packets from another one to another concentrator.</value>
    public IList<string> PreferredAddresses { get; } = [];

    /// <summary>With a directory of sessions: how long a concentrator counts as alive after it has last renewed its lease. It renews the lease every third of this time.</summary>
    /// <value>Default: 15 seconds. Range: 3 seconds to 10 minutes.</value>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>With a directory of sessions: how long a lookup may take. After that the client is asked to try again.</summary>
    /// <value>Default: 500 milliseconds. Range: 10 milliseconds to 1 minute.</value>
    public TimeSpan LookupTimeout { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>With a directory of sessions: the most lookups at a time. Further clients are asked to try again.</summary>
    /// <value>Default: 1,000. Range: 1 to 1,000,000.</value>
    public int MaxLookups { get; set; } = 1_000;

    /// <summary>Relaying between concentrators: a client that reaches another one than that of its session is connected to its session through it, while no path of its own works.</summary>
    public TunnelRelayOptions Relay { get; set; } = new();

    /// <summary>Whether a secret is set, so that this concentrator is a node of a cluster.</summary>
    internal bool IsSet => !string.IsNullOrEmpty(Secret) || !string.IsNullOrEmpty(SecretPath);

    /// <summary>The name of the node: <see cref="Node"/>, or the machine's name.</summary>
    internal string NodeName => string.IsNullOrEmpty(Node) ? Environment.MachineName : Node;
}
