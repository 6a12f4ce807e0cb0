using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;
using S = MtaTls.Configuration.Settings<MtaTls.ReverseProxy.Cluster.MtaTlsClusterOptions>;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>The settings of <c>MtaTls:Cluster</c>.</summary>
internal static class ClusterSettings
{
    public static SettingTable<MtaTlsClusterOptions> Table { get; } = new(
    [
        S.Text(
            nameof(MtaTlsClusterOptions.Node), "This gateway's name, unique in the cluster: 1 to 64 letters, digits, hyphens, underscores or dots.",
            o => o.Node, (o, v) => o.Node = v, "^[A-Za-z0-9._-]{1,64}$", defaultText: "Agents:Node, else the machine's name"),
        S.Text(
            nameof(MtaTlsClusterOptions.Advertise), "The URL at which other gateways reach the endpoint: https://10.0.0.11:9443. Required with several gateways.",
            o => o.Advertise, (o, v) => o.Advertise = v, "^[Hh][Tt][Tt][Pp][Ss]://", defaultText: "none"),
        S.Text(
            nameof(MtaTlsClusterOptions.Endpoint), "The name of the endpoint that other gateways connect to. It always requires a gateway's certificate and the draft's TLS extension, and it reaches only agents.",
            o => o.Endpoint, (o, v) => o.Endpoint = v),
        S.Optional<AspNetCore.ClientCertificateConditionOptions>(
            nameof(MtaTlsClusterOptions.PeerCertificates), "The condition that a gateway's certificate must meet, in addition to being trusted. Both ends check it. Required with several gateways.",
            (o, v) => o.PeerCertificates = v, RoutingSettings.ClientCertificate, "none"),
        S.Section(
            nameof(MtaTlsClusterOptions.ClientCertificate), "The client certificate that this gateway sends when it connects to another gateway. Default: the endpoint's certificate.", o => o.ClientCertificate, CertificateSettings.Table),
        S.File(
            nameof(MtaTlsClusterOptions.AuthorityPath),
            "A PEM file with the authorities that must have issued the gateways' certificates, instead of the machine's. It is read again when it has changed. Relative to the content root.",
            o => o.AuthorityPath, (o, v) => o.AuthorityPath = v, "the machine's authorities"),
        S.Duration(
            nameof(MtaTlsClusterOptions.Lease), "How long a gateway counts as alive after it has last renewed its lease. It renews the lease after each third of this time.",
            o => o.Lease, (o, v) => o.Lease = v, TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(10)),
        S.Duration(
            nameof(MtaTlsClusterOptions.MaxStale), "How long this gateway uses the known agents of other gateways while the directory can't be reached.",
            o => o.MaxStale, (o, v) => o.MaxStale = v, TimeSpan.Zero, TimeSpan.FromDays(1)),
        S.Boolean(
            nameof(MtaTlsClusterOptions.LocalFirst), "Whether requests go to agents of this gateway if there are any, which saves a hop. Otherwise they go to all agents of the name.",
            o => o.LocalFirst, (o, v) => o.LocalFirst = v),
        S.Duration(
            nameof(MtaTlsClusterOptions.ConnectTimeout), "How long connecting to another gateway may take, with the TLS handshake.", o => o.ConnectTimeout, (o, v) => o.ConnectTimeout = v, most: TimeSpan.FromMinutes(1)),
        S.Duration(
            nameof(MtaTlsClusterOptions.SuspectTime), "The longest pause between two attempts to reach a gateway that can't be reached. Until it answers, its agents get no requests.",
            o => o.SuspectTime, (o, v) => o.SuspectTime = v, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
        S.Integer(
            nameof(MtaTlsClusterOptions.MaxSessionsPerPeer), "The most sessions to one other gateway. A further session starts only when the others have no free channel.",
            o => o.MaxSessionsPerPeer, (o, v) => o.MaxSessionsPerPeer = v, 1, 100, "sessions"),
        S.Duration(
            nameof(MtaTlsClusterOptions.LookupTimeout), "How long the directory may take to look up a name.",
            o => o.LookupTimeout, (o, v) => o.LookupTimeout = v, most: TimeSpan.FromMinutes(1)),
        S.Integer(
            nameof(MtaTlsClusterOptions.MaxLookups), "The most requests that wait for a lookup at a time. For further requests the gateway uses only the agents that it already knows.",
            o => o.MaxLookups, (o, v) => o.MaxLookups = v, 1, 1_000_000, "requests"),
        S.Integer(
            nameof(MtaTlsClusterOptions.MaxReloadsPerSecond),
            "The most names that are read again in one second because other gateways announce a change. Further names are read when a request needs them, or within a third of the lease.",
            o => o.MaxReloadsPerSecond, (o, v) => o.MaxReloadsPerSecond = v, 1, 1_000_000, "names"),
        S.Integer(
            nameof(MtaTlsClusterOptions.MaxNames), "The most names in the gateway's cache, with or without agents. Names without agents are removed first, then the least recently used.",
            o => o.MaxNames, (o, v) => o.MaxNames = v, 16, 10_000_000, "names"),
        S.Integer(
            nameof(MtaTlsClusterOptions.MaxAgentsPerName), "The most agents on other gateways that this gateway uses for one name. It ignores further ones and logs a warning.", o => o.MaxAgentsPerName, (o, v) => o.MaxAgentsPerName = v, 1, 100_000, "agents"),
        S.Integer(nameof(MtaTlsClusterOptions.MaxNodes), "The most gateways of the cluster. This gateway ignores further ones and logs a warning.", o => o.MaxNodes, (o, v) => o.MaxNodes = v, 1, 10_000, "gateways"),
    ]);
}
