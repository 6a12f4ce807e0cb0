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
        Peer.List(nameof(TrustedPeerOptions.Networks), "Addresses and networks that the peer's address is in, any of.", o => o.Networks, defaultText: "any address"),
        Peer.Optional<AspNetCore.ClientCertificateConditionOptions>(
            nameof(TrustedPeerOptions.ClientCertificate), "What the client certificate of the session must be. Each kind that is set must hold; within a list one entry is enough.",
            (o, v) => o.ClientCertificate = v, RoutingSettings.ClientCertificate, "no condition"),
    ],
    """{ "minProperties": 1 }""");

    private static readonly SettingTable<MtaTlsClientCertificateHeadersOptions> s_clientCertificateHeaders = new(
    [
        Headers.Boolean(
            nameof(MtaTlsClientCertificateHeadersOptions.ClientCert), "Whether Client-Cert (RFC 9440) is sent: the client's certificate.", o => o.ClientCert, (o, v) => o.ClientCert = v),
        Headers.Boolean(
            nameof(MtaTlsClientCertificateHeadersOptions.ClientCertChain), "Whether Client-Cert-Chain (RFC 9440) is sent: the certificates above it that the client has sent.",
            o => o.ClientCertChain, (o, v) => o.ClientCertChain = v),
        Headers.Flags<ForwardedClientCertificateParts>(
            nameof(MtaTlsClientCertificateHeadersOptions.XForwardedClientCert), "The parts of X-Forwarded-Client-Cert (Envoy's format). Without any it is not sent.",
            o => o.XForwardedClientCert, (o, v) => o.XForwardedClientCert |= v, ["Hash", "Cert", "Chain", "Subject", "Uri", "Dns"], "none"),
        Headers.Integer(
            nameof(MtaTlsClientCertificateHeadersOptions.MaxHeaderLength), "The longest value of one of these headers. A request that would need a longer one is answered 431.",
            o => o.MaxHeaderLength, (o, v) => o.MaxHeaderLength = v, MtaTlsClientCertificateHeadersOptions.LeastHeaderLength, MtaTlsClientCertificateHeadersOptions.MostHeaderLength, "bytes"),
    ]);

    public static SettingTable<MtaTlsReverseProxyOptions> Table { get; } = new(
    [
        S.TextMap(
            nameof(MtaTlsReverseProxyOptions.Destinations),
            "For MapMtaTlsForwarder(): the URL for each channel destination, \"app1.internal:80\": \"http://10.0.0.5:5000\". The most specific that matches counts.",
            (o, destination, url) => o.Destinations[destination] = url, "^[Hh][Tt][Tt][Pp][Ss]?://[^?#]+$"),
        S.Sections(
            nameof(MtaTlsReverseProxyOptions.TrustedPeers), "Peers whose channels' claimed source is passed on in forwarding headers. What is set must hold; at least one condition is needed.",
            (o, _, peer) => o.TrustedPeers.Add(peer), TrustedPeer),
        S.Section(
            nameof(MtaTlsReverseProxyOptions.ClientCertificateHeaders),
            "Headers that tell backends the certificate of the client. Headers of these names that a request has are removed in any case.",
            o => o.ClientCertificateHeaders, s_clientCertificateHeaders),
        S.Section(nameof(MtaTlsReverseProxyOptions.Agents), "Agents that may register with this gateway: apps that open no port are served through it.", o => o.Agents, AgentSettings.Table),
        S.Section(nameof(MtaTlsReverseProxyOptions.Cluster), "This gateway as one of several that share their agents. Read when the gateway starts.", o => o.Cluster, ClusterSettings.Table),
    ]);
}
