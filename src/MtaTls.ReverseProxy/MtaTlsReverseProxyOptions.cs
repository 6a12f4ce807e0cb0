using MtaTls.AspNetCore;
using MtaTls.Configuration;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy;

/// <summary>What forwarding takes from the section <c>MtaTls</c>, beside YARP's own configuration.</summary>
public sealed class MtaTlsReverseProxyOptions
{
    /// <summary>
    /// For <c>MapMtaTlsForwarder()</c>: the URL for each channel destination, <c>"app1.internal:80": "http://10.0.0.5:5000"</c>. A destination has the shape of
    /// <see cref="MtaTlsMetadata.Destination"/>; of several that match, the most specific counts. Default: empty.
    /// </summary>
    public IDictionary<string, string> Destinations { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Peers whose claimed sources are passed on in forwarding headers. Default: empty, no peer is trusted.</summary>
    public IList<TrustedPeerOptions> TrustedPeers { get; } = [];

    /// <summary>Agents that may register with this gateway, see <c>AddMtaTlsAgents()</c>.</summary>
    public MtaTlsAgentsOptions Agents { get; } = new();

    /// <summary>The headers that tell backends the client's certificate. Default: none; such headers of requests are removed in any case.</summary>
    public MtaTlsClientCertificateHeadersOptions ClientCertificateHeaders { get; } = new();

    /// <summary>This gateway as one of several that share their agents. It counts where a directory is shared, with <c>UseRedisDirectory(...)</c> of MtaTls.ReverseProxy.Redis for example.</summary>
    public MtaTlsClusterOptions Cluster { get; } = new();

    /// <summary>What could not be read from the configuration; reported with everything else that is wrong.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
