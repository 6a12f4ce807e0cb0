using MtaTls.AspNetCore;
using MtaTls.Configuration;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>Settings for several gateways that share their agents: <c>MtaTls:Cluster</c>. They are read when the gateway starts, and apply only with a shared directory.</summary>
public sealed class MtaTlsClusterOptions
{
    /// <summary>This gateway's name, unique in the cluster: 1 to 64 letters, digits, hyphens, underscores or dots.</summary>
    /// <value>Default: null, <see cref="Agents.MtaTlsAgentsOptions.Node"/>, else the machine's name.</value>
    public string? Node { get; set; }

    /// <summary>The URL at which other gateways reach the endpoint <see cref="Endpoint"/>: <c>https://10.0.0.11:9443</c>.</summary>
    /// <value>Default: null. Required with several gateways.</value>
    public string? Advertise { get; set; }

    /// <summary>The name of the endpoint that other gateways connect to. It always requires a gateway's certificate and the draft's TLS extension, and it reaches only agents.</summary>
    /// <value>Default: <c>Peers</c>.</value>
    public string Endpoint { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = "Peers";

    /// <summary>The condition that a gateway's certificate must meet, in addition to being trusted. Both ends of a session between gateways check it. They do not check the host name.</summary>
    /// <value>Default: null. Required with several gateways.</value>
    public ClientCertificateConditionOptions? PeerCertificates { get; set; }

    /// <summary>The client certificate that this gateway sends when it connects to another gateway.</summary>
    /// <value>Default: the certificate of the endpoint <see cref="Endpoint"/>.</value>
    public CertificateOptions ClientCertificate { get; } = new();

    /// <summary>A PEM file with the authorities that must have issued the gateways' certificates, instead of the machine's authorities. The file is read again when it has changed.</summary>
    /// <value>Default: null, the machine's authorities.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>How long a gateway counts as alive after it has last renewed its lease. It renews the lease after each third of this time.</summary>
    /// <value>Default: 15 seconds. Range: 3 seconds to 10 minutes.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan Lease { get; set => field = Ranges.Check(value, TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(10)); } = TimeSpan.FromSeconds(15);

    /// <summary>How long this gateway uses the known agents of other gateways while the directory can't be reached. It always uses its own agents.</summary>
    /// <value>Default: 5 minutes. Range: zero to 1 day.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan MaxStale { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromDays(1)); } = TimeSpan.FromMinutes(5);

    /// <summary>Whether requests go to agents of this gateway if there are any, which saves a hop. Otherwise they go to all agents of the name.</summary>
    /// <value>Default: true.</value>
    public bool LocalFirst { get; set; } = true;

    /// <summary>How long connecting to another gateway may take, with the TLS handshake.</summary>
    /// <value>Default: 2 seconds. Range: more than zero, at most 1 minute.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Ranges.Positive(value, TimeSpan.FromMinutes(1)); } = TimeSpan.FromSeconds(2);

    /// <summary>The longest pause between two attempts to reach a gateway that can't be reached. Until it answers, its agents get no requests from this gateway.</summary>
    /// <value>Default: 5 seconds. Range: 100 milliseconds to 10 minutes.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SuspectTime { get; set => field = Ranges.Check(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)); } = TimeSpan.FromSeconds(5);

    /// <summary>The most sessions to one other gateway. A further session starts only when the others have no free channel.</summary>
    /// <value>Default: 4. Range: 1 to 100.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessionsPerPeer { get; set => field = Ranges.Check(value, 1, 100); } = 4;

    /// <summary>How long the directory may take to look up a name. With Redis, more than 5 seconds needs a restart.</summary>
    /// <value>Default: 1 second. Range: more than zero, at most 1 minute.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan LookupTimeout { get; set => field = Ranges.Positive(value, TimeSpan.FromMinutes(1)); } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The most requests that wait for a lookup at a time. For further requests the gateway looks nothing up and uses only the agents that it knows; if it knows none, it answers 503 or refuses the channel.
    /// </summary>
    /// <value>Default: 1,000. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxLookups { get; set => field = Ranges.Check(value, 1, 1_000_000); } = 1_000;

    /// <summary>The most names that are read again in one second because other gateways announce a change. Further names are read when a request needs them, or within a third of the lease.</summary>
    /// <value>Default: 10,000. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxReloadsPerSecond { get; set => field = Ranges.Check(value, 1, 1_000_000); } = 10_000;

    /// <summary>
    /// The most names in the gateway's cache, with or without agents. When the cache is full, names without agents are removed first, then the least recently used. Names in YARP's configuration stay.
    /// </summary>
    /// <value>Default: 100,000. Range: 16 to 10,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxNames { get; set => field = Ranges.Check(value, 16, 10_000_000); } = 100_000;

    /// <summary>The most agents on other gateways that this gateway uses for one name. It ignores further ones and logs a warning.</summary>
    /// <value>Default: 1,000. Range: 1 to 100,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxAgentsPerName { get; set => field = Ranges.Check(value, 1, 100_000); } = 1_000;

    /// <summary>The most gateways of the cluster. This gateway ignores further ones and logs a warning.</summary>
    /// <value>Default: 1,000. Range: 1 to 10,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxNodes { get; set => field = Ranges.Check(value, 1, 10_000); } = 1_000;
}
