using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.Configuration;
using MtaTls.Tls;
using Defaults = MtaTls.Configuration.Settings<MtaTls.AspNetCore.MtaTlsEndpointDefaults>;
using Endpoint = MtaTls.Configuration.Settings<MtaTls.AspNetCore.MtaTlsEndpointOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.AspNetCore.MtaTlsOptions>;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>The settings of the section <c>MtaTls</c>.</summary>
internal static class MtaTlsSettings
{
    public const string SectionName = "MtaTls";

    private const string Mode = "Whether clients may offer the TLS extension data_multiplexing (Allowed), must offer it (Required), or get ordinary HTTPS in any case (Disabled).";
    private const string Dispatch = "When the application gets a channel: with its first data (FirstData), or as soon as it is open (Open), for protocols in which the server speaks first.";

    private static readonly string[] s_sslProtocols = [nameof(SslProtocols.None), nameof(SslProtocols.Tls12), nameof(SslProtocols.Tls13)];

    private static readonly SettingTable<OpenSslOptions> s_openSsl = new(
    [
        Settings<OpenSslOptions>.File(
            nameof(OpenSslOptions.Path), "The folder with the two libraries of OpenSSL 3, or the file of libssl. It applies to the whole process and is read before the first use of TLS.",
            o => o.Path, (o, v) => o.Path = v, "where the system finds it"),
    ]);

    private static readonly SettingTable<MtaTlsShutdownOptions> s_shutdown = new(
    [
        Settings<MtaTlsShutdownOptions>.Duration(
            nameof(MtaTlsShutdownOptions.Delay),
            "How long the server still serves everything after the host begins to stop. Meanwhile the health check is unhealthy, and clients are told that the server will stop. "
            + "It is a part of HostOptions.ShutdownTimeout (30 seconds). Behind a load balancer, set it longer than the balancer takes to notice a failed health check.",
            o => o.Delay, (o, v) => o.Delay = v, TimeSpan.Zero, MtaTlsShutdownOptions.MaxDelay),
    ]);

    private static readonly SettingTable<MtaTlsProxyProtocolOptions> s_proxyProtocol = new(
    [
        Settings<MtaTlsProxyProtocolOptions>.List(
            nameof(MtaTlsProxyProtocolOptions.Networks),
            "Addresses and networks of load balancers; unix for the peers of Unix sockets. Every connection from them must begin with a header. Other connections must not.",
            o => o.Networks, defaultText: "empty: the PROXY protocol is not spoken"),
        Settings<MtaTlsProxyProtocolOptions>.List(
            nameof(MtaTlsProxyProtocolOptions.Endpoints), "Names of the HTTPS endpoints that load balancers connect to (MtaTls:Endpoints or Kestrel:Endpoints).",
            o => o.Endpoints, defaultText: "every HTTPS endpoint"),
        Settings<MtaTlsProxyProtocolOptions>.Integer(
            nameof(MtaTlsProxyProtocolOptions.MaxHeaderLength), "The longest header, its TLVs included. A connection with a longer one is closed.",
            o => o.MaxHeaderLength, (o, v) => o.MaxHeaderLength = v, MtaTlsProxyProtocolOptions.LongestTextHeader, MtaTlsProxyProtocolOptions.LongestHeader, "bytes"),
        Settings<MtaTlsProxyProtocolOptions>.Duration(
            nameof(MtaTlsProxyProtocolOptions.HeaderTimeout), "How long the header may take to arrive. HandshakeTimeout begins after it.",
            o => o.HeaderTimeout, (o, v) => o.HeaderTimeout = v, most: MtaTlsProxyProtocolOptions.MaxHeaderTimeout),
    ]);

    private static readonly SettingTable<MtaTlsAcmeChallengesOptions> s_acmeChallenges = new(
    [
        Settings<MtaTlsAcmeChallengesOptions>.File(
            nameof(MtaTlsAcmeChallengesOptions.Path), "The folder that is the webroot of the ACME client. The client writes .well-known/acme-challenge/TOKEN below it.",
            o => o.Path, (o, v) => o.Path = v, "none"),
    ]);

    /// <summary>Keys of the section that other packages read.</summary>
    public static string[] OfOthers { get; } = ["Agents", "ClientCertificateHeaders", "Cluster", "Destinations", "TrustedPeers"];

    public static SettingTable<MtaTlsEndpointDefaults> EndpointDefaults { get; } = new(
    [
        Defaults.Choice<DataMultiplexingMode>(nameof(MtaTlsEndpointDefaults.Mode), Mode, o => o.Mode, (o, v) => o.Mode = v),
        Defaults.Choice<MtaTlsDispatch>(nameof(MtaTlsEndpointDefaults.Dispatch), Dispatch, o => o.Dispatch, (o, v) => o.Dispatch = v),
    ]);

    public static SettingTable<MtaTlsEndpointOptions> EndpointTable { get; } = new(
    [
        Endpoint.Text(
            nameof(MtaTlsEndpointOptions.Url), "Where to listen, as in Kestrel:Endpoints: https://*:8443, for example.",
            o => o.Url, (o, v) => o.Url = v, pattern: "^[Hh][Tt][Tt][Pp][Ss]://", required: true),
        Endpoint.Choice<DataMultiplexingMode>(nameof(MtaTlsEndpointOptions.Mode), Mode, o => o.Mode, (o, v) => o.Mode = v, "EndpointDefaults:Mode"),
        Endpoint.Choice<HttpProtocols>(
            nameof(MtaTlsEndpointOptions.Protocols), "The HTTP versions that ALPN offers.", o => o.Protocols, (o, v) => o.Protocols = v, "Kestrel:EndpointDefaults:Protocols"),
        Endpoint.Choice<ClientCertificateMode>(
            nameof(MtaTlsEndpointOptions.ClientCertificateMode), "Whether clients are asked for a certificate. An endpoint with DelayCertificate does not speak MTA-TLS.",
            o => o.ClientCertificateMode, (o, v) => o.ClientCertificateMode = v, "Kestrel:EndpointDefaults:ClientCertificateMode"),
        Endpoint.File(
            nameof(MtaTlsEndpointOptions.ClientCertificateAuthorityPath),
            "A PEM file with the authorities that must have issued client certificates, in place of the machine's authorities. It is read again when it has changed. Relative to the content root.",
            o => o.ClientCertificateAuthorityPath, (o, v) => o.ClientCertificateAuthorityPath = v, "the machine's authorities"),
        Endpoint.Flags<SslProtocols>(
            nameof(MtaTlsEndpointOptions.SslProtocols), "The TLS versions.",
            o => o.SslProtocols, (o, v) => o.SslProtocols = (o.SslProtocols ?? SslProtocols.None) | v, s_sslProtocols, "Kestrel:EndpointDefaults:SslProtocols"),
        Endpoint.Choice<MtaTlsDispatch>(nameof(MtaTlsEndpointOptions.Dispatch), Dispatch, o => o.Dispatch, (o, v) => o.Dispatch = v, "EndpointDefaults:Dispatch"),
        Endpoint.Section(
            nameof(MtaTlsEndpointOptions.Certificate),
            "The server's certificate, with the schema of Kestrel:Certificates: a file (Path) or a certificate store (Subject or Thumbprint). "
            + "Without it the server uses Kestrel:Certificates:Default, else the development certificate, else, in the Development environment, a generated one.",
            o => o.Certificate, CertificateSettings.Table),
    ]);

    /// <summary>The whole section.</summary>
    public static SettingTable<MtaTlsOptions> Table { get; } = new(
    [
        S.Integer(
            nameof(MtaTlsOptions.ExtensionType), "The code point of the TLS extension data_multiplexing. Clients need the same value. Hexadecimal digits after 0x are accepted.",
            o => o.ExtensionType, (o, v) => o.ExtensionType = v, ushort.MinValue, ushort.MaxValue, hexadecimal: true),
        S.File(
            nameof(MtaTlsOptions.KeyLogFile),
            "A file to which the keys of every session are appended (SSLKEYLOGFILE format), for debugging. Anyone who can read it can decrypt the traffic.",
            o => o.KeyLogFile, (o, v) => o.KeyLogFile = v, "none"),
        S.Section(nameof(MtaTlsOptions.OpenSsl), "The location of OpenSSL 3.", o => o.OpenSsl, s_openSsl),
        S.Section(nameof(MtaTlsOptions.EndpointDefaults), "Defaults of the HTTPS endpoints.", o => o.EndpointDefaults, EndpointDefaults),
        S.Map(
            nameof(MtaTlsOptions.Endpoints),
            "Endpoints to listen on, by name. Like Kestrel:Endpoints they override URLs. Without any, the application's own HTTPS endpoints speak MTA-TLS.",
            (o, name, endpoint) => o.Endpoints[name] = endpoint, EndpointTable),
        S.Section(nameof(MtaTlsOptions.Limits), "Limits of the resources that clients can use.", o => o.Limits, LimitSettings.Table),
        S.Section(nameof(MtaTlsOptions.KeepAlive), "How the server finds clients that no longer answer. Sessions of agents are pinged in any case.", o => o.KeepAlive, KeepAliveSettings.Server),
        S.Section(
            nameof(MtaTlsOptions.ProxyProtocol), "Load balancers in front of the server that send the client's address with the PROXY protocol, version 1 or 2. Read when an endpoint is bound.",
            o => o.ProxyProtocol, s_proxyProtocol),
        S.Section(
            nameof(MtaTlsOptions.AcmeChallenges), "Answers to ACME's http-01 challenges, from files that an ACME client (lego, certbot) writes.", o => o.AcmeChallenges, s_acmeChallenges),
        S.Section(nameof(MtaTlsOptions.Shutdown), "How the server stops.", o => o.Shutdown, s_shutdown),
        S.Sections(
            nameof(MtaTlsOptions.Channels),
            "Channel routes: where a channel goes, by its destination. The first route that matches decides. A channel that no route matches goes to the application.",
            static (o, key, route) =>
            {
                route.ConfigurationKey = key;
                o.Channels.Add(route);
            },
            RoutingSettings.Route),
        S.Section(nameof(MtaTlsOptions.Tcp), "How channels of Tcp routes are forwarded.", o => o.Tcp, RoutingSettings.Tcp),
        S.Sections(
            nameof(MtaTlsOptions.IdentityLimits), "Limits for clients with a certificate, by their identity. The first rule that matches a client decides.",
            static (o, key, rule) =>
            {
                rule.ConfigurationKey = key;
                o.IdentityLimits.Add(rule);
            },
            LimitSettings.Identity),
        S.Boolean(
            nameof(MtaTlsOptions.AllowHostMismatch),
            "Whether a request may name another host than the destination of its channel, although channels are routed by destination. Otherwise it is answered with 421.",
            o => o.AllowHostMismatch, (o, v) => o.AllowHostMismatch = v),
    ]);
}
