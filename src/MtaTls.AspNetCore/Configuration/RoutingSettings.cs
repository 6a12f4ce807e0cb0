using MtaTls.Configuration;
using Certificate = MtaTls.Configuration.Settings<MtaTls.AspNetCore.ClientCertificateConditionOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.AspNetCore.ChannelRouteOptions>;
using TcpSettings = MtaTls.Configuration.Settings<MtaTls.AspNetCore.MtaTlsTcpOptions>;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>The settings of channel routes: <c>MtaTls:Channels</c> and <c>MtaTls:Tcp</c>.</summary>
internal static class RoutingSettings
{
    /// <summary>The condition on a client certificate, for routes and for identity limits.</summary>
    public static SettingTable<ClientCertificateConditionOptions> ClientCertificate { get; } = new(
    [
        Certificate.List(
            nameof(ClientCertificateConditionOptions.Thumbprints), "Hexadecimal hashes of the certificate: SHA-256 (64 digits) or SHA-1 (40 digits).",
            o => o.Thumbprints, pattern: "^([0-9A-Fa-f][ :]?){40}$|^([0-9A-Fa-f][ :]?){64}$"),
        Certificate.List(
            nameof(ClientCertificateConditionOptions.SubjectAlternativeNames), "dns:client.example (or without dns:), ip:192.0.2.1, email:ops@example.org, uri:spiffe://example.org/gateway.",
            o => o.SubjectAlternativeNames),
        Certificate.Text(
            nameof(ClientCertificateConditionOptions.Subject), "The subject's distinguished name, compared part by part. Needs Issuer.", o => o.Subject, (o, v) => o.Subject = v),
        Certificate.Text(
            nameof(ClientCertificateConditionOptions.Issuer), "The issuer's distinguished name, compared part by part.", o => o.Issuer, (o, v) => o.Issuer = v),
    ],
    """{ "minProperties": 1, "anyOf": [ { "not": { "required": [ "Subject" ] } }, { "required": [ "Issuer" ] } ] }""");

    public static SettingTable<ChannelRouteOptions> Route { get; } = new(
    [
        S.Text(nameof(ChannelRouteOptions.Name), "The route's name in logs and metrics.", o => o.Name, (o, v) => o.Name = v, defaultText: "its position in the list"),
        S.List(nameof(ChannelRouteOptions.Hosts), "Destination hosts: a name, *.suffix, an IP address, a network (10.0.0.0/8), or *.", o => o.Hosts, defaultText: "every host"),
        S.List(
            nameof(ChannelRouteOptions.Ports), "Destination ports: 443 or 7000-7010.", o => o.Ports, pattern: @"^\d{1,5}(-\d{1,5})?$", numbers: true, defaultText: "every port"),
        S.List(nameof(ChannelRouteOptions.Endpoints), "Names of endpoints (MtaTls:Endpoints or Kestrel:Endpoints).", o => o.Endpoints, defaultText: "every endpoint"),
        S.Optional<ClientCertificateConditionOptions>(
            nameof(ChannelRouteOptions.ClientCertificate), "The condition on the client certificate of the session. Each setting that is present must match; within a list one entry is enough.",
            (o, v) => o.ClientCertificate = v, ClientCertificate, "no condition"),
        S.Choice<ChannelRouteAction>(
            nameof(ChannelRouteOptions.Action), "Where a matching channel goes: to the application (Http), to its destination over TCP (Tcp), to an agent that has registered the destination (Agent), or it is refused (Reject).", o => o.Action, (o, v) => o.Action = v),
        S.Text(
            nameof(ChannelRouteOptions.Upstream), "For Tcp: the host:port to which every matching channel is connected.",
            o => o.Upstream, (o, v) => o.Upstream = v, pattern: @"^.+:\d{1,5}$", defaultText: "the destination that the channel names"),
        S.List(
            nameof(ChannelRouteOptions.AllowedNetworks),
            "For Tcp: addresses and networks that are allowed although they are not public (loopback, private, link-local and so on).", o => o.AllowedNetworks),
        S.Choice<ProxyProtocolVersion>(
            nameof(ChannelRouteOptions.ProxyProtocol), "For Tcp: the version of the PROXY protocol header that gives the destination the client's address, before all other data.",
            o => o.ProxyProtocol, (o, v) => o.ProxyProtocol = v),
        S.Boolean(
            nameof(ChannelRouteOptions.AllowAnonymous), "For Tcp and Agent: whether the route is open to clients without a certificate.", o => o.AllowAnonymous, (o, v) => o.AllowAnonymous = v),
    ],
    """
    { "anyOf": [
      { "not": { "anyOf": [ { "required": [ "Upstream" ] }, { "required": [ "AllowedNetworks" ] }, { "required": [ "AllowAnonymous" ] }, { "required": [ "ProxyProtocol" ] } ] },
        "properties": { "Action": { "enum": [ "Http", "Reject" ] } } },
      { "required": [ "Action", "ClientCertificate" ], "properties": { "Action": { "enum": [ "Tcp", "Agent" ] } } },
      { "required": [ "Action", "AllowAnonymous" ], "properties": { "Action": { "enum": [ "Tcp", "Agent" ] }, "AllowAnonymous": { "enum": [ true ] } } } ] }
    """);

    public static SettingTable<MtaTlsTcpOptions> Tcp { get; } = new(
    [
        TcpSettings.Duration(
            nameof(MtaTlsTcpOptions.ConnectTimeout), "The longest time from a channel's open to its TCP connection, name resolution included.",
            o => o.ConnectTimeout, (o, v) => o.ConnectTimeout = v, most: TimeSpan.FromMinutes(5)),
        TcpSettings.Duration(
            nameof(MtaTlsTcpOptions.HalfCloseLinger), "How long a TCP connection stays open after its channel has closed and the server has sent its FIN.",
            o => o.HalfCloseLinger, (o, v) => o.HalfCloseLinger = v, TimeSpan.Zero, TimeSpan.FromHours(1)),
        TcpSettings.Duration(
            nameof(MtaTlsTcpOptions.ShutdownIdleTimeout), "When the server stops, it closes a TCP connection that has carried no data for this time.",
            o => o.ShutdownIdleTimeout, (o, v) => o.ShutdownIdleTimeout = v, TimeSpan.Zero, TimeSpan.FromHours(1)),
        TcpSettings.Integer(
            nameof(MtaTlsTcpOptions.MaxConnections), "TCP connections for channels at a time, open or being opened. Further opens are refused.",
            o => o.MaxConnections, (o, v) => o.MaxConnections = v, 1, int.MaxValue, "connections"),
        TcpSettings.Integer(
            nameof(MtaTlsTcpOptions.MaxConnectionsPerAddress), "TCP connections for the channels of one client address (an IPv4 address, or a /64 of IPv6) at a time. Further opens are refused.",
            o => o.MaxConnectionsPerAddress, (o, v) => o.MaxConnectionsPerAddress = v, 1, int.MaxValue, "connections"),
        TcpSettings.Integer(
            nameof(MtaTlsTcpOptions.MaxLookups), "Name lookups at a time. Read at the start only.",
            o => o.MaxLookups, (o, v) => o.MaxLookups = v, 1, 1_000, "names"),
        TcpSettings.Integer(
            nameof(MtaTlsTcpOptions.MaxLookupsPerAddress), "Name lookups for the channels of one client address at a time. Read at the start only.",
            o => o.MaxLookupsPerAddress, (o, v) => o.MaxLookupsPerAddress = v, 1, 1_000, "names"),
    ]);
}
