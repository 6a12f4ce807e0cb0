using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;
using MtaTls.ReverseProxy.Agents;
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

    public static SettingTable<MtaTlsReverseProxyOptions> Table { get; } = new(
    [
        S.TextMap(
            nameof(MtaTlsReverseProxyOptions.Destinations),
            "For MapMtaTlsForwarder(): the URL for each channel destination, \"app1.internal:80\": \"http://10.0.0.5:5000\". The most specific that matches counts.",
            (o, destination, url) => o.Destinations[destination] = url, "^[Hh][Tt][Tt][Pp][Ss]?://[^?#]+$"),
        S.Sections(
            nameof(MtaTlsReverseProxyOptions.TrustedPeers), "Peers whose channels' claimed source is passed on in forwarding headers. What is set must hold; at least one condition is needed.",
            (o, _, peer) => o.TrustedPeers.Add(peer), TrustedPeer),
        S.Section(nameof(MtaTlsReverseProxyOptions.Agents), "Agents that may register with this gateway: apps that open no port are served through it.", o => o.Agents, AgentSettings.Table),
    ]);
}
