using Microsoft.AspNetCore.Server.Kestrel.Core;
using MtaTls.Client;
using MtaTls.Configuration;
using D = MtaTls.Configuration.Settings<MtaTls.Client.MtaTlsReconnectOptions>;
using F = MtaTls.Configuration.Settings<MtaTls.Agent.MtaTlsAgentForwardOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.Agent.MtaTlsAgentOptions>;

namespace MtaTls.Agent.Configuration;

/// <summary>The settings of the section <c>MtaTlsAgent</c>.</summary>
internal static class AgentSettings
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    public static SettingTable<MtaTlsAgentForwardOptions> Forward { get; } = new(
    [
        F.Text(nameof(MtaTlsAgentForwardOptions.Name), "The name under which the service is registered, with a port: ssh.plant7.internal:22.", o => o.Name, (o, v) => o.Name = v, required: true),
        F.Text(nameof(MtaTlsAgentForwardOptions.Upstream), "The host and port to which the agent connects for each channel: 127.0.0.1:22.", o => o.Upstream, (o, v) => o.Upstream = v, required: true),
    ]);

    public static SettingTable<MtaTlsReconnectOptions> Reconnect { get; } = new(
    [
        D.Duration(nameof(MtaTlsReconnectOptions.InitialDelay), "The pause after the first failed attempt. It doubles with each further one.", o => o.InitialDelay, (o, v) => o.InitialDelay = v, TimeSpan.Zero, s_hour),
        D.Duration(nameof(MtaTlsReconnectOptions.MaxDelay), "The longest pause between two attempts.", o => o.MaxDelay, (o, v) => o.MaxDelay = v, TimeSpan.Zero, s_hour),
        D.Number(
            nameof(MtaTlsReconnectOptions.Jitter), "The random part of each pause, so that not all agents of a gateway that restarts come back at once. 0: no randomness.",
            o => o.Jitter, (o, v) => o.Jitter = v, 0, 1),
    ]);

    /// <summary>The whole section.</summary>
    public static SettingTable<MtaTlsAgentOptions> Table { get; } = new(
    [
        S.List(
            nameof(MtaTlsAgentOptions.Gateways), "The gateways, https://gw.example:8443, the preferred first. Sessions are spread over them.", o => o.Gateways, "^[Hh][Tt][Tt][Pp][Ss]://", required: true),
        S.Integer(
            nameof(MtaTlsAgentOptions.Sessions), "Sessions that the agent keeps open. With two, one may be lost and no request has to wait.",
            o => o.Sessions, (o, v) => o.Sessions = v, 1, 16, "sessions"),
        S.Text(
            nameof(MtaTlsAgentOptions.Agent), "The agent's name in the gateway's logs, metrics and lists.",
            o => o.Agent, (o, v) => o.Agent = v, "^[A-Za-z0-9._-]{1,64}$", defaultText: "the machine's name"),
        S.Integer(nameof(MtaTlsAgentOptions.Weight), "The agent's share of new requests, relative to other agents of the same name.", o => o.Weight, (o, v) => o.Weight = v, 1, 16),
        S.List(nameof(MtaTlsAgentOptions.Names), "The names under which the app is served: plant7.internal, which is port 80, or plant7.internal:8080.", o => o.Names),
        S.Choice<HttpProtocols>(
            nameof(MtaTlsAgentOptions.Protocols), "The versions of HTTP that the app serves on connections from a gateway: Http1, Http2 or Http1AndHttp2.", o => o.Protocols, (o, v) => o.Protocols = v,
            choices: [HttpProtocols.Http1, HttpProtocols.Http2, HttpProtocols.Http1AndHttp2]),
        S.Section(
            nameof(MtaTlsAgentOptions.ClientCertificate), "The agent's certificate, with the schema of Kestrel:Certificates. By this certificate a gateway decides which names the agent may take.",
            o => o.ClientCertificate, CertificateSettings.Table),
        S.File(
            nameof(MtaTlsAgentOptions.AuthorityPath), "A PEM file with the authorities that must have issued a gateway's certificate. Relative to the content root.",
            o => o.AuthorityPath, (o, v) => o.AuthorityPath = v, "the machine's authorities"),
        S.Text(
            nameof(MtaTlsAgentOptions.TargetHost), "The name that a gateway's certificate must be for, and that is sent as server_name (SNI).",
            o => o.TargetHost, (o, v) => o.TargetHost = v, defaultText: "the gateway's host"),
        S.Integer(
            nameof(MtaTlsAgentOptions.ExtensionType), "The code point of the TLS extension data_multiplexing. The gateway must use the same one. Hexadecimal digits after 0x are accepted.",
            o => o.ExtensionType, (o, v) => o.ExtensionType = v, ushort.MinValue, ushort.MaxValue, hexadecimal: true),
        S.Sections(nameof(MtaTlsAgentOptions.Forward), "TCP services beside the app that the gateway may reach.", static (o, _, forward) => o.Forward.Add(forward), Forward),
        S.Boolean(
            nameof(MtaTlsAgentOptions.ServeLocally), "Whether the app also listens on its own URLs and endpoints. False: it opens no port.", o => o.ServeLocally, (o, v) => o.ServeLocally = v),
        S.Boolean(
            nameof(MtaTlsAgentOptions.UseForwardedHeaders), "Whether requests from a gateway get the client address, scheme and host of the gateway's X-Forwarded headers.",
            o => o.UseForwardedHeaders, (o, v) => o.UseForwardedHeaders = v),
        S.Duration(
            nameof(MtaTlsAgentOptions.DrainTimeout), "How long a stop of the app, or of a gateway, waits for connections in use before it ends them.",
            o => o.DrainTimeout, (o, v) => o.DrainTimeout = v, TimeSpan.Zero, TimeSpan.FromDays(1)),
        S.Duration(
            nameof(MtaTlsAgentOptions.ConnectTimeout), "How long connecting to a gateway and registering may take.", o => o.ConnectTimeout, (o, v) => o.ConnectTimeout = v, most: s_hour),
        S.Duration(
            nameof(MtaTlsAgentOptions.ForwardConnectTimeout), "How long connecting to the upstream of a Forward entry may take.",
            o => o.ForwardConnectTimeout, (o, v) => o.ForwardConnectTimeout = v, most: s_hour),
        S.Integer(
            nameof(MtaTlsAgentOptions.MaxForwardConnections), "The most connections to upstreams of Forward at a time. Further opens are refused.",
            o => o.MaxForwardConnections, (o, v) => o.MaxForwardConnections = v, 1, 1_000_000, "connections"),
        S.Section(nameof(MtaTlsAgentOptions.Reconnect), "Pauses between attempts when a gateway can't be reached or has refused the registration.", o => o.Reconnect, Reconnect),
        S.Section(nameof(MtaTlsAgentOptions.Limits), "The limits of each session.", o => o.Limits, SessionLimits.Table),
    ]);
}
