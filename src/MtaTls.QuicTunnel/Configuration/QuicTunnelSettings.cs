using MtaTls.Configuration;
using Address = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelAddressOptions>;
using Authentications = MtaTls.Configuration.Settings<MtaTls.QuicTunnel.TunnelAuthenticationOptions>;
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
            nameof(TunnelAuthenticationOptions.Mode), "How clients show who they are: by a certificate, by a token, or not at all.", o => o.Mode, (o, v) => o.Mode = v),
        Authentications.File(
            nameof(TunnelAuthenticationOptions.AuthorityPath),
            "A PEM file with the authorities that client certificates must come from. Required with ClientCertificate. It is read again when it has changed. Relative to the content root.",
            o => o.AuthorityPath, (o, v) => o.AuthorityPath = v),
        Authentications.List(
            nameof(TunnelAuthenticationOptions.AllowedIdentities), "The identities that may use the concentrator. All others are refused, and their sessions end. May change while the application runs.",
            o => o.AllowedIdentities, defaultText: "every identity"),
        Authentications.List(
            nameof(TunnelAuthenticationOptions.DeniedIdentities), "The identities that may not use the concentrator, whatever else is true. Their sessions end. May change while the application runs.",
            o => o.DeniedIdentities),
        Authentications.File(
            nameof(TunnelAuthenticationOptions.RevocationListPath),
            "A file with certificate revocation lists, PEM or DER, of the authorities. It is read again when it has changed; connections whose certificate is on it are then closed. Relative to the content root.",
            o => o.RevocationListPath, (o, v) => o.RevocationListPath = v),
        Authentications.TextMap(
            nameof(TunnelAuthenticationOptions.Tokens), "With Token: identity to token, 16 to 255 bytes of UTF-8 each. At least one.", (o, identity, token) => o.Tokens[identity] = token),
    ]);

    public static SettingTable<TunnelAddressOptions> Addresses { get; } = new(
    [
        Address.ListMap(
            nameof(TunnelAddressOptions.Identities), "Identity (a certificate's subject such as CN=laptop-1, or a token's name) to its addresses.", (o, identity, addresses) => o.Identities[identity] = addresses),
        Address.List(
            nameof(TunnelAddressOptions.Pool), "Networks out of which a session without listed addresses takes the first free addresses that it sends from: 10.99.0.64/26.", o => o.Pool),
        Address.Integer(
            nameof(TunnelAddressOptions.MaxPerSession), "Pool addresses that one session can take.", o => o.MaxPerSession, (o, v) => o.MaxPerSession = v, 1, 64, "addresses"),
        Address.Duration(
            nameof(TunnelAddressOptions.RestPeriod), "How long a pool address rests after its session has ended, before another client can have it.",
            o => o.RestPeriod, (o, v) => o.RestPeriod = v, TimeSpan.Zero, s_day),
        Address.Boolean(
            nameof(TunnelAddressOptions.AllowClientToClient), "Whether clients may send to each other.", o => o.AllowClientToClient, (o, v) => o.AllowClientToClient = v),
    ]);

    public static SettingTable<TunnelSessionOptions> Sessions { get; } = new(
    [
        Session.Duration(
            nameof(TunnelSessionOptions.GracePeriod), "How long a session without a connection is kept, so that a client that has lost all its paths can come back.",
            o => o.GracePeriod, (o, v) => o.GracePeriod = v, TimeSpan.Zero, s_day),
        Session.Integer(nameof(TunnelSessionOptions.MaxSessions), "Sessions at a time.", o => o.MaxSessions, (o, v) => o.MaxSessions = v, 1, Most, "sessions"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxConnectionsPerSession), "Connections (paths) of one session. One that does not answer makes way for a new one.",
            o => o.MaxConnectionsPerSession, (o, v) => o.MaxConnectionsPerSession = v, 1, 32, "connections"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxSessionsPerIdentity), "Sessions of one identity. The oldest without a connection makes way for a new one.",
            o => o.MaxSessionsPerIdentity, (o, v) => o.MaxSessionsPerIdentity = v, 1, Most, "sessions"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxConnections), "Connections at a time, including those that have not joined a session.", o => o.MaxConnections, (o, v) => o.MaxConnections = v, 1, 10_000_000, "connections"),
        Session.Integer(nameof(TunnelSessionOptions.MaxHandshakes), "Handshakes under way.", o => o.MaxHandshakes, (o, v) => o.MaxHandshakes = v, 1, Most, "handshakes"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxJoinsPerSecond), "New Session and Join Session messages in one second. Further ones are refused.",
            o => o.MaxJoinsPerSecond, (o, v) => o.MaxJoinsPerSecond = v, 1, Most, "messages a second"),
        Session.Integer(
            nameof(TunnelSessionOptions.MaxPendingReports), "Access Reports that one connection may have pending.", o => o.MaxPendingReports, (o, v) => o.MaxPendingReports = v, 1, 1_024, "reports"),
        Session.Duration(
            nameof(TunnelSessionOptions.IdleTimeout), "A connection on which nothing is received for this long is lost.",
            o => o.IdleTimeout, (o, v) => o.IdleTimeout = v, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        Session.Duration(
            nameof(TunnelSessionOptions.NegotiationTimeout), "A connection that has not negotiated a session by then is closed.",
            o => o.NegotiationTimeout, (o, v) => o.NegotiationTimeout = v, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
    ]);

    /// <summary>The whole section.</summary>
    public static SettingTable<QuicTunnelOptions> Table { get; } = new(
    [
        S.List(
            nameof(QuicTunnelOptions.Listen), "UDP end points, address:port or [address]:port. At least one. Port 0 takes a free one. An IPv6 end point takes IPv6 only.", o => o.Listen, required: true),
        S.Section(
            nameof(QuicTunnelOptions.Certificate), "The concentrator's certificate, with the schema of Kestrel:Certificates. Renewed files are read again within ten seconds.",
            o => o.Certificate, CertificateSettings.Table, required: true),
        S.Section(nameof(QuicTunnelOptions.Authentication), "How clients show who they are.", o => o.Authentication, Authentication),
        S.Section(nameof(QuicTunnelOptions.Interface), "Where packets from clients go, and packets for them come from.", o => o.Interface, TunnelSettings.Interface),
        S.Section(nameof(QuicTunnelOptions.Addresses), "Which addresses clients may use.", o => o.Addresses, Addresses),
        S.Section(nameof(QuicTunnelOptions.Sessions), "The limits of sessions and connections.", o => o.Sessions, Sessions),
        S.Section(nameof(QuicTunnelOptions.Reordering), "How packets from clients are put back into order.", o => o.Reordering, TunnelSettings.Reordering),
        S.Choice<TunnelScheduler>(nameof(QuicTunnelOptions.Scheduler), "How packets to clients are spread over their paths.", o => o.Scheduler, (o, v) => o.Scheduler = v),
        S.Section(nameof(QuicTunnelOptions.Queue), "How packets to clients wait that the paths cannot carry yet.", o => o.Queue, TunnelSettings.Queue),
        S.File(
            nameof(QuicTunnelOptions.QlogDirectory), "A directory where each connection writes what happens to it as a qlog file. For finding faults. Relative to the content root.",
            o => o.QlogDirectory, (o, v) => o.QlogDirectory = v, "nowhere"),
        S.Choice<TunnelCongestionControl>(
            nameof(QuicTunnelOptions.CongestionControl), "The congestion control of each path for what the concentrator sends.", o => o.CongestionControl, (o, v) => o.CongestionControl = v),
    ]);
}
