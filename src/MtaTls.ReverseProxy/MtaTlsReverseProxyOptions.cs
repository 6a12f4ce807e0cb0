using MtaTls.AspNetCore;
using MtaTls.Configuration;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy;

/// <summary>The settings of this package in the section <c>MtaTls</c>. Routes and clusters are in YARP's own configuration.</summary>
public sealed class MtaTlsReverseProxyOptions
{
    /// <summary>
    /// For <c>MapMtaTlsForwarder()</c>: the URL for each channel destination, <c>"app1.internal:80": "http://10.0.0.5:5000"</c>. A destination has the shape of
    /// <see cref="MtaTlsMetadata.Destination"/>. If several match, the most specific one applies.
    /// </summary>
    /// <value>Default: empty.</value>
    public IDictionary<string, string> Destinations { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Peers that are trusted with the source that their channels claim: it is passed on in forwarding headers.</summary>
    /// <value>Default: empty, no peer is trusted.</value>
    public IList<TrustedPeerOptions> TrustedPeers { get; } = [];

    /// <summary>Agents, see <c>AddMtaTlsAgents()</c>.</summary>
    public MtaTlsAgentsOptions Agents { get; } = new();

    /// <summary>The headers that pass the client's certificate to backends. Headers with these names that the client itself sends are always removed.</summary>
    /// <value>Default: no headers are sent.</value>
    public MtaTlsClientCertificateHeadersOptions ClientCertificateHeaders { get; } = new();

    /// <summary>Several gateways that share their agents. It applies only with a shared directory, such as <c>UseRedisDirectory(...)</c> of MtaTls.ReverseProxy.Redis.</summary>
    public MtaTlsClusterOptions Cluster { get; } = new();

    /// <summary>Errors from reading the configuration. Validation reports them together with all others.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
