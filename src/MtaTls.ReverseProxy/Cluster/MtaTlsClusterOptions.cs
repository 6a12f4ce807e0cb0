using MtaTls.AspNetCore;
using MtaTls.Configuration;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>This gateway as one of several that share their agents: <c>MtaTls:Cluster</c>. It is read when the gateway starts.</summary>
public sealed class MtaTlsClusterOptions
{
    /// <summary>This gateway's name, which no other gateway has: at most 64 letters, digits, hyphens, underscores and dots.</summary>
    /// <value>Default: null, <see cref="Agents.MtaTlsAgentsOptions.Node"/>, else the machine's name.</value>
    public string? Node { get; set; }

    /// <summary>Where other gateways reach the endpoint <see cref="Endpoint"/>: <c>https://10.0.0.11:9443</c>.</summary>
    /// <value>Default: null. It is needed with several gateways.</value>
    public string? Advertise { get; set; }

    /// <summary>The name of the endpoint that other gateways use. It always requires a gateway's certificate and the draft's extension, and reaches agents alone.</summary>
    /// <value>Default: <c>Peers</c>.</value>
    public string Endpoint { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = "Peers";

    /// <summary>What a gateway's certificate must be, beside being trusted. Both ends of a session between gateways check it; the host name does not count.</summary>
    /// <value>Default: null. It is needed with several gateways.</value>
    public ClientCertificateConditionOptions? PeerCertificates { get; set; }

    /// <summary>This gateway's own certificate when it connects to another one.</summary>
    /// <value>Default: the certificate of the endpoint <see cref="Endpoint"/>.</value>
    public CertificateOptions ClientCertificate { get; } = new();

    /// <summary>A PEM file with the authorities that gateways' certificates must come from, in place of the machine's. It is read again when it has changed.</summary>
    /// <value>Default: null, the machine's authorities.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>How long a gateway that says nothing more counts as alive. It renews its lease every third of that.</summary>
    /// <value>Default: 15 seconds. Range: 3 seconds to 10 minutes.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan Lease { get; set => field = Range(value, TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(10)); } = TimeSpan.FromSeconds(15);

    /// <summary>How long known agents of other gateways are used while the directory can't be reached. Agents of this gateway are always used.</summary>
    /// <value>Default: 5 minutes. Range: zero to 1 day.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan MaxStale { get; set => field = Range(value, TimeSpan.Zero, TimeSpan.FromDays(1)); } = TimeSpan.FromMinutes(5);

    /// <summary>Whether agents of this gateway are preferred, which saves a hop. Otherwise all agents of a name share its requests alike.</summary>
    /// <value>Default: true.</value>
    public bool LocalFirst { get; set; } = true;

    /// <summary>How long connecting to another gateway may take.</summary>
    /// <value>Default: 2 seconds. Range: more than zero, at most 1 minute.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Range(value, TimeSpan.FromTicks(1), TimeSpan.FromMinutes(1)); } = TimeSpan.FromSeconds(2);

    /// <summary>How often a gateway that can't be reached is tried again. Until it answers, its agents get no requests.</summary>
    /// <value>Default: 5 seconds. Range: 100 milliseconds to 10 minutes.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SuspectTime { get; set => field = Range(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)); } = TimeSpan.FromSeconds(5);

    /// <summary>The most sessions to one other gateway. A second one is begun only when the first is full.</summary>
    /// <value>Default: 4. Range: 1 to 100.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessionsPerPeer { get; set => field = Range(value, 1, 100); } = 4;

    /// <summary>How long the directory may take to answer a look-up of a name.</summary>
    /// <value>Default: 1 second. Range: more than zero, at most 1 minute.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan LookupTimeout { get; set => field = Range(value, TimeSpan.FromTicks(1), TimeSpan.FromMinutes(1)); } = TimeSpan.FromSeconds(1);

    /// <summary>The most requests that wait for look-ups at a time. Further ones are answered as if no agent had the name.</summary>
    /// <value>Default: 1,000. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxLookups { get; set => field = Range(value, 1, 1_000_000); } = 1_000;

    /// <summary>The most names that are remembered with their agents, or as having none. Those that were not used for longest are forgotten first.</summary>
    /// <value>Default: 100,000. Range: 16 to 10,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxNames { get; set => field = Range(value, 16, 10_000_000); } = 100_000;

    /// <summary>The most agents of one name on other gateways that are looked at.</summary>
    /// <value>Default: 1,000. Range: 1 to 100,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxAgentsPerName { get; set => field = Range(value, 1, 100_000); } = 1_000;

    /// <summary>The most gateways that are looked at.</summary>
    /// <value>Default: 1,000. Range: 1 to 10,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxNodes { get; set => field = Range(value, 1, 10_000); } = 1_000;

    private static T Range<T>(T value, T least, T most)
        where T : IComparable<T>
        => value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, $"The value must be from {least} to {most}.");
}
