using Microsoft.Extensions.DependencyInjection.Extensions;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Connects several gateways, so that each reaches the agents of the others.</summary>
public static class MtaTlsPeersReverseProxyBuilderExtensions
{
    /// <summary>
    /// Lets this gateway and other gateways reach each other's agents, over the endpoint <c>MtaTls:Cluster:Endpoint</c>. It needs an <see cref="IAgentDirectory"/> and an <see cref="INodeDirectory"/> that the gateways
    /// share. Packages with such a directory call this method (<c>UseRedisDirectory(...)</c> for example); applications need not.
    /// </summary>
    /// <param name="builder">YARP, as <c>AddReverseProxy()</c> returns it.</param>
    /// <returns><paramref name="builder"/>.</returns>
    public static IReverseProxyBuilder AddMtaTlsPeers(this IReverseProxyBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddMtaTlsAgents();
        IServiceCollection services = builder.Services;
        if (services.Any(static s => s.ServiceType == typeof(Peers)))
        {
            return builder;
        }

        services.AddSingleton<IPeersInUse, PeersInUse>();
        services.AddSingleton<ClusterPlan>();
        services.AddSingleton<ClusterMetrics>();
        services.AddSingleton<Peers>();
        services.AddSingleton<IPeerEndpoint, PeerEndpoint>();
        services.Replace(ServiceDescriptor.Singleton<IAgentConnector, PeerConnector>());
        return builder;
    }
}
