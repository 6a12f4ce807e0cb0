using MtaTls.Configuration;
using Address = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelAddressOptions>;
using Authentications = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelAuthenticationOptions>;
using Clusters = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelClusterOptions>;
using Relays = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelRelayOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.QuicTunnelOptions>;
using Session = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelSessionOptions>;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>The settings of the section <c>QuicTunnel</c>.</summary>
internal static class QuicTunnelSettings
{
    private const int Most = 1_000_000;
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    public static SettingTable<TunnelAuthenticationOptions> Authentication { get; } = new(
    [
        Authentications.Choice<TunnelAuthenticationMode>(
            nameof(TunnelAuthenticationOptions.Mode), "How clients authenticate: with a certificate, with a token, or not at all.", o => o.Mode, (o, v) => o.Mode = v),
        Authentications.File(
            nameof(TunnelAuthenticationOptions.AuthorityPath),
            "A PEM file with the authorities that issue client certificates. Required with ClientCertificate. A changed file is read again. Relative to the content root.",
            o => o.AuthorityPath, (o, v) => o.AuthorityPath = v),
        Authentications.List(
            nameof(TunnelAuthenticationOptions.AllowedIdentities), "The identities that may use the concentrator. All others are refused, and their sessions end. May change while the application runs.",
            o => o.AllowedIdentities, defaultText: "every identity"),
        Authentications.List(
            nameof(TunnelAuthenticationOptions.DeniedIdentities), "The identities that may not use the concentrator, even if AllowedIdentities lists them. Their sessions end. May change while the application runs.",
            o => o.DeniedIdentities),
        Authentications.File(
            nameof(TunnelAuthenticationOptions.RevocationListPath),
            "A file with certificate revocation lists of the authorities, PEM or DER. A changed file is read again, and connections with a revoked certificate are closed. Relative to the content root.",
            o => o.RevocationListPath, (o, v) => o.RevocationListPath = v),
        Authentications.TextMap(
            nameof(TunnelAuthenticationOptions.Tokens), "With Token: at least one identity with its token, which has 16 to 255 bytes of UTF-8.", (o, identity, token) => o.Tokens[identity] = token),
    ]);

    public static SettingTable<TunnelAddressOptions> Addresses { get; } = new(
    [
        Address.ListMap(
            nameof(TunnelAddressOptions.Identities), "Identities (a certificate's subject such as CN=laptop-1, or a token's name) with their addresses.", (o, identity, addresses) => o.Identities[identity] = addresses),
        Address.List(
            nameof(TunnelAddressOptions.Pool), "Networks such as 10.99.0.64/26. A session without listed addresses gets the first free addresses of them that it sends from.", o => o.Pool),
        Address.Integer(
            nameof(TunnelAddressOptions.MaxPerSession), "The most pool addresses of one session.", o => o.MaxPerSession, (o, v) => o.MaxPerSession = v, 1, 64, "addresses"),
        Address.Duration(
            nameof(TunnelAddressOptions.RestPeriod), "How long a pool address is not assigned to another identity after its session has ended.",
            o => o.RestPeriod, (o, v) => o.RestPeriod = v, TimeSpan.Zero, s_day),
        Address.Boolean(
            nameof(TunnelAddressOptions.AllowClientToClient), "Whether clients may send packets to each other.", o => o.AllowClientToClient, (o, v) => o.AllowClientToClient = v),
    ]);

    public static SettingTable<TunnelSessionOptions> Sessions { get; } = new(
    [
        Session.Duration(
            nameof(TunnelSessionOptions.GracePeriod), "How long a session without a connection is kept, so that a client that has lost all its paths can join it again.",
            o => o.GracePeriod, (o, v) => o.GracePeriod = v, TimeSpan.Zero, s_day),
        Session.Integer(nameof(TunnelSessionOptions.MaxSessions), "The most sessions at a time.", o => o.MaxSessions, (o, v) => o.MaxSessions = v, 1, Most, "sessions"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxConnectionsPerSession), "The most connections (paths) of one session. A new one replaces one that does not answer.",
            o => o.MaxConnectionsPerSession, (o, v) => o.MaxConnectionsPerSession = v, 1, 32, "connections"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxSessionsPerIdentity), "The most sessions of one identity. A new one replaces the oldest one without a connection.",
            o => o.MaxSessionsPerIdentity, (o, v) => o.MaxSessionsPerIdentity = v, 1, Most, "sessions"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxConnections), "The most connections at a time, including those that have not joined a session.", o => o.MaxConnections, (o, v) => o.MaxConnections = v, 1, 10_000_000, "connections"),
        Session.Integer(nameof(TunnelSessionOptions.MaxHandshakes), "The most handshakes at a time.", o => o.MaxHandshakes, (o, v) => o.MaxHandshakes = v, 1, Most, "handshakes"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxJoinsPerSecond), "The most New Session and Join Session messages in one second. Further ones are refused.",
            o => o.MaxJoinsPerSecond, (o, v) => o.MaxJoinsPerSecond = v, 1, Most, "messages a second"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxPendingReports), "The most Access Reports of one connection whose streams have not ended.", o => o.MaxPendingReports, (o, v) => o.MaxPendingReports = v, 1, 1_024, "reports"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxReports), "The most Access Reports during one connection. The client then replaces the connection.", o => o.MaxReports, (o, v) => o.MaxReports = v, 1, 999_999, "reports"),
        Session.Duration(
            nameof(TunnelSessionOptions.IdleTimeout), "A connection that receives no packet for this long is lost.",
            o => o.IdleTimeout, (o, v) => o.IdleTimeout = v, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        Session.Duration(
            nameof(TunnelSessionOptions.NegotiationTimeout), "A connection that takes longer to negotiate a session is closed.",
            o => o.NegotiationTimeout, (o, v) => o.NegotiationTimeout = v, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
    ]);

    public static SettingTable<TunnelRelayOptions> Relay { get; } = new(
    [
        Relays.List(
            nameof(TunnelRelayOptions.Listen),
            "The UDP end points at which the other concentrators reach this one, address:port or [address]:port. Others than those for clients. Without them there is no relaying.", o => o.Listen),
        Relays.Section(
            nameof(TunnelRelayOptions.Certificate),
            "This concentrator's certificate for the others, as server and client, with the schema of Kestrel:Certificates. Its DNS names include Node. Renewed files are read again within ten seconds.",
            o => o.Certificate, CertificateSettings.Table),
        Relays.File(
            nameof(TunnelRelayOptions.AuthorityPath), "A PEM file with the authorities that issue the certificates of concentrators. A changed file is read again. Relative to the content root.",
            o => o.AuthorityPath, (o, v) => o.AuthorityPath = v),
        Relays.Text(
            nameof(TunnelRelayOptions.Advertise), "The address at which the other concentrators reach this one, address:port or [address]:port. The directory tells it to them.",
            o => o.Advertise, (o, v) => o.Advertise = v, defaultText: "the first of Listen with an address of its own"),
        Relays.TextMap(
            nameof(TunnelRelayOptions.Nodes),
            "The other concentrators with their addresses, in place of the addresses in the directory. If there are entries, no other concentrator is accepted.", (o, node, address) => o.Nodes[node] = address),
        Relays.Integer(
            nameof(TunnelRelayOptions.MaxRelays), "The most connections that this concentrator relays for clients, and the most relayed connections of its own sessions.",
            o => o.MaxRelays, (o, v) => o.MaxRelays = v, 1, Most, "connections"),
        Relays.Integer(
            nameof(TunnelRelayOptions.MaxRelaysPerNode), "The same for one other concentrator.", o => o.MaxRelaysPerNode, (o, v) => o.MaxRelaysPerNode = v, 1, Most, "connections"),
        Relays.Duration(
            nameof(TunnelRelayOptions.ConnectTimeout), "How long it may take until the other concentrator has answered. After that the client is refused.",
            o => o.ConnectTimeout, (o, v) => o.ConnectTimeout = v, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
        Relays.Duration(
            nameof(TunnelRelayOptions.IdleTimeout), "A connection between concentrators that receives nothing for this long is lost, and the client's connection ends with it.",
            o => o.IdleTimeout, (o, v) => o.IdleTimeout = v, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
        Relays.Integer(
            nameof(TunnelRelayOptions.MaxPackets), "The most packets of one relayed connection that wait in each direction.", o => o.MaxPackets, (o, v) => o.MaxPackets = v, 16, 16_384, "packets"),
    ]);

    public static SettingTable<TunnelClusterOptions> Cluster { get; } = new(
    [
        Clusters.Text(
            nameof(TunnelClusterOptions.Node), "The name of this concentrator. It must be unique in the cluster and stay the same after a restart: 1 to 64 letters, digits, hyphens, underscores and dots.",
            o => o.Node, (o, v) => o.Node = v, "^[A-Za-z0-9._-]{1,64}$", defaultText: "the machine's name"),
        Clusters.Text(
            nameof(TunnelClusterOptions.Secret), "The secret that all nodes share, 32 to 1,024 bytes of UTF-8. The keys of Retry tokens and of stateless resets are derived from it.",
            o => o.Secret, (o, v) => o.Secret = v),
        Clusters.File(
            nameof(TunnelClusterOptions.SecretPath), "A file with the secret, in place of Secret. Line breaks at its end do not count. Relative to the content root.", o => o.SecretPath, (o, v) => o.SecretPath = v),
        Clusters.List(
            nameof(TunnelClusterOptions.PreferredAddresses),
            "This concentrator's own addresses, address:port or [address]:port, at most one of each family. Clients use them for the further connections of a session (RFC 9000, section 9.6).", o => o.PreferredAddresses),
        Clusters.Duration(
            nameof(TunnelClusterOptions.Lease), "With a directory of sessions: how long a concentrator counts as alive after it has last renewed its lease. It renews the lease every third of this time.",
            o => o.Lease, (o, v) => o.Lease = v, TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(10)),
        Clusters.Duration(
            nameof(TunnelClusterOptions.LookupTimeout), "With a directory of sessions: how long a lookup may take.",
            o => o.LookupTimeout, (o, v) => o.LookupTimeout = v, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)),
        Clusters.Integer(
            nameof(TunnelClusterOptions.MaxLookups), "With a directory of sessions: the most lookups at a time. Further clients are asked to try again.",
            o => o.MaxLookups, (o, v) => o.MaxLookups = v, 1, Most, "lookups"),
        Clusters.Section(
            nameof(TunnelClusterOptions.Relay), "Relaying between concentrators, for clients that reach another one than that of their session. It needs a directory of sessions.", o => o.Relay, Relay),
    ]);

    /// <summary>The whole section.</summary>
    public static SettingTable<QuicTunnelOptions> Table { get; } = new(
    [
        S.List(
            nameof(QuicTunnelOptions.Listen), "The UDP end points, as address:port or [address]:port. At least one. Port 0 means a free port. An IPv6 end point accepts IPv6 only.", o => o.Listen, required: true),
        S.Section(
            nameof(QuicTunnelOptions.Certificate), "The concentrator's certificate, with the schema of Kestrel:Certificates. Renewed files are read again within ten seconds.",
            o => o.Certificate, CertificateSettings.Table, required: true),
        S.Section(nameof(QuicTunnelOptions.Authentication), "How clients authenticate.", o => o.Authentication, Authentication),
        S.Section(nameof(QuicTunnelOptions.Interface), "The interface that packets from clients go to, and packets for clients come from.", o => o.Interface, TunnelSettings.Interface),
        S.Section(nameof(QuicTunnelOptions.Addresses), "Which addresses clients may use.", o => o.Addresses, Addresses),
        S.Section(nameof(QuicTunnelOptions.Sessions), "The limits of sessions and connections.", o => o.Sessions, Sessions),
        S.Section(nameof(QuicTunnelOptions.Cluster), "This concentrator as one of several behind a balancer.", o => o.Cluster, Cluster),
        S.Section(nameof(QuicTunnelOptions.Reordering), "How packets from clients are put back into order.", o => o.Reordering, TunnelSettings.Reordering),
        S.Choice<TunnelScheduler>(nameof(QuicTunnelOptions.Scheduler), "How packets to a client are distributed over its paths.", o => o.Scheduler, (o, v) => o.Scheduler = v),
        S.Section(nameof(QuicTunnelOptions.Queue), "The queue of packets to clients that wait for the paths.", o => o.Queue, TunnelSettings.Queue),
        S.File(
            nameof(QuicTunnelOptions.QlogDirectory), "The directory for one qlog file per connection. Use it only to find faults, because it costs time. Relative to the content root.",
            o => o.QlogDirectory, (o, v) => o.QlogDirectory = v, "no files"),
        S.Choice<TunnelCongestionControl>(
            nameof(QuicTunnelOptions.CongestionControl), "The congestion control algorithm of each path for the packets that the concentrator sends.", o => o.CongestionControl, (o, v) => o.CongestionControl = v),
    ]);
}
