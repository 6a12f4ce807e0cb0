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
            nameof(MtaTlsClusterOptions.Node), "This gateway's name, which no other gateway has: at most 64 letters, digits, hyphens, underscores and dots.",
            o => o.Node, (o, v) => o.Node = v, "^[A-Za-z0-9._-]{1,64}$", defaultText: "Agents:Node, else the machine's name"),
        S.Text(
            nameof(MtaTlsClusterOptions.Advertise), "Where other gateways reach the endpoint: https://10.0.0.11:9443. Needed with several gateways.",
            o => o.Advertise, (o, v) => o.Advertise = v, "^[Hh][Tt][Tt][Pp][Ss]://", defaultText: "none"),
        S.Text(
            nameof(MtaTlsClusterOptions.Endpoint), "The name of the endpoint that other gateways use. It requires a gateway's certificate and the draft's extension, and reaches agents alone.",
            o => o.Endpoint, (o, v) => o.Endpoint = v),
        S.Optional<AspNetCore.ClientCertificateConditionOptions>(
            nameof(MtaTlsClusterOptions.PeerCertificates), "What a gateway's certificate must be, beside being trusted. Both ends check it. Needed with several gateways.",
            (o, v) => o.PeerCertificates = v, RoutingSettings.ClientCertificate, "none"),
        S.Section(
            nameof(MtaTlsClusterOptions.ClientCertificate), "This gateway's own certificate when it connects to another one. Default: the endpoint's.", o => o.ClientCertificate, CertificateSettings.Table),
        S.File(
            nameof(MtaTlsClusterOptions.AuthorityPath),
            "A PEM file with the authorities that gateways' certificates must come from, in place of the machine's. It is read again when it has changed. Relative to the content root.",
            o => o.AuthorityPath, (o, v) => o.AuthorityPath = v, "the machine's authorities"),
        S.Duration(
            nameof(MtaTlsClusterOptions.Lease), "How long a gateway that says nothing more counts as alive. It renews its lease every third of that.",
            o => o.Lease, (o, v) => o.Lease = v, TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(10)),
        S.Duration(
            nameof(MtaTlsClusterOptions.MaxStale), "How long known agents of other gateways are used while the directory can't be reached.",
            o => o.MaxStale, (o, v) => o.MaxStale = v, TimeSpan.Zero, TimeSpan.FromDays(1)),
        S.Boolean(
            nameof(MtaTlsClusterOptions.LocalFirst), "Whether agents of this gateway are preferred, which saves a hop. Otherwise all agents of a name share its requests alike.",
            o => o.LocalFirst, (o, v) => o.LocalFirst = v),
        S.Duration(
            nameof(MtaTlsClusterOptions.ConnectTimeout), "How long connecting to another gateway may take.", o => o.ConnectTimeout, (o, v) => o.ConnectTimeout = v, most: TimeSpan.FromMinutes(1)),
        S.Duration(
            nameof(MtaTlsClusterOptions.SuspectTime), "How often a gateway that can't be reached is tried again. Until it answers, its agents get no requests.",
            o => o.SuspectTime, (o, v) => o.SuspectTime = v, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
        S.Integer(
            nameof(MtaTlsClusterOptions.MaxSessionsPerPeer), "Sessions to one other gateway. A second one is begun only when the first is full.",
            o => o.MaxSessionsPerPeer, (o, v) => o.MaxSessionsPerPeer = v, 1, 100, "sessions"),
        S.Duration(
            nameof(MtaTlsClusterOptions.LookupTimeout), "How long the directory may take to answer a look-up of a name.",
            o => o.LookupTimeout, (o, v) => o.LookupTimeout = v, most: TimeSpan.FromMinutes(1)),
        S.Integer(
            nameof(MtaTlsClusterOptions.MaxLookups), "Requests that wait for look-ups at a time. Further ones are answered as if no agent had the name.",
            o => o.MaxLookups, (o, v) => o.MaxLookups = v, 1, 1_000_000, "requests"),
        S.Integer(
            nameof(MtaTlsClusterOptions.MaxNames), "Names that are remembered with their agents, or as having none. Those that were not used for longest are forgotten first.",
            o => o.MaxNames, (o, v) => o.MaxNames = v, 16, 10_000_000, "names"),
        S.Integer(
            nameof(MtaTlsClusterOptions.MaxAgentsPerName), "Agents of one name on other gateways that are looked at.", o => o.MaxAgentsPerName, (o, v) => o.MaxAgentsPerName = v, 1, 100_000, "agents"),
        S.Integer(nameof(MtaTlsClusterOptions.MaxNodes), "Gateways that are looked at.", o => o.MaxNodes, (o, v) => o.MaxNodes = v, 1, 10_000, "gateways"),
    ]);
}
