using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using Headers = MtaTls.Configuration.Settings<MtaTls.ReverseProxy.MtaTlsClientCertificateHeadersOptions>;
using Peer = MtaTls.Configuration.Settings<MtaTls.ReverseProxy.TrustedPeerOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.ReverseProxy.MtaTlsReverseProxyOptions>;

namespace MtaTls.ReverseProxy.Configuration;

/// <summary>The settings of this package in the section <c>MtaTls</c>.</summary>
internal static class ReverseProxySections
{
    public static SettingTable<TrustedPeerOptions> TrustedPeer { get; } = new(
    [
        Peer.List(nameof(TrustedPeerOptions.Networks), "IP addresses and networks, such as 10.0.0.0/8. The peer's address must be in one of them.", o => o.Networks, defaultText: "any address"),
        Peer.Optional<AspNetCore.ClientCertificateConditionOptions>(
            nameof(TrustedPeerOptions.ClientCertificate), "The condition that the client certificate of the session must meet. Each kind that is set must hold; within a list one entry is enough.",
            (o, v) => o.ClientCertificate = v, RoutingSettings.ClientCertificate, "no condition"),
    ],
    """{ "minProperties": 1 }""");

    private static readonly SettingTable<MtaTlsClientCertificateHeadersOptions> s_clientCertificateHeaders = new(
    [
        Headers.Boolean(
            nameof(MtaTlsClientCertificateHeadersOptions.ClientCert), "Whether the header Client-Cert (RFC 9440) with the client's certificate is sent.", o => o.ClientCert, (o, v) => o.ClientCert = v),
        Headers.Boolean(
            nameof(MtaTlsClientCertificateHeadersOptions.ClientCertChain), "Whether the header Client-Cert-Chain (RFC 9440) is sent, with the issuers' certificates that the client has sent.",
            o => o.ClientCertChain, (o, v) => o.ClientCertChain = v),
        Headers.Flags<ForwardedClientCertificateParts>(
            nameof(MtaTlsClientCertificateHeadersOptions.XForwardedClientCert), "The parts of the header X-Forwarded-Client-Cert (Envoy's format). The header is sent only if it has parts.",
            o => o.XForwardedClientCert, (o, v) => o.XForwardedClientCert |= v, ["Hash", "Cert", "Chain", "Subject", "Uri", "Dns"], "none"),
        Headers.Integer(
            nameof(MtaTlsClientCertificateHeadersOptions.MaxHeaderLength), "The longest value of one of these headers. If a header would be longer, the request is answered 431.",
            o => o.MaxHeaderLength, (o, v) => o.MaxHeaderLength = v, MtaTlsClientCertificateHeadersOptions.LeastHeaderLength, MtaTlsClientCertificateHeadersOptions.MostHeaderLength, "bytes"),
    ]);

    public static SettingTable<MtaTlsReverseProxyOptions> Table { get; } = new(
    [
        S.TextMap(
            nameof(MtaTlsReverseProxyOptions.Destinations),
            "For MapMtaTlsForwarder(): the URL for each channel destination, \"app1.internal:80\": \"http://10.0.0.5:5000\". The most specific destination that matches applies.",
            (o, destination, url) => o.Destinations[destination] = url, "^[Hh][Tt][Tt][Pp][Ss]?://[^?#]+$"),
        S.Sections(
            nameof(MtaTlsReverseProxyOptions.TrustedPeers), "Peers that are trusted with the source that their channels claim: it is passed on in forwarding headers. Each entry needs at least one condition, and all its conditions must hold.",
            (o, _, peer) => o.TrustedPeers.Add(peer), TrustedPeer),
        S.Section(
            nameof(MtaTlsReverseProxyOptions.ClientCertificateHeaders),
            "Headers that pass the client's certificate to backends. Headers with these names that the client itself sends are always removed.",
            o => o.ClientCertificateHeaders, s_clientCertificateHeaders),
        S.Section(nameof(MtaTlsReverseProxyOptions.Agents), "Agents, apps that open no port and are served through this gateway.", o => o.Agents, AgentSettings.Table),
        S.Section(nameof(MtaTlsReverseProxyOptions.Cluster), "Several gateways that share their agents. Read when the gateway starts; applies only with a shared directory.", o => o.Cluster, ClusterSettings.Table),
    ]);
}
