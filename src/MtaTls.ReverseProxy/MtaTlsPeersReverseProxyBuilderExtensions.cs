using Microsoft.Extensions.DependencyInjection.Extensions;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Lets several gateways reach each other's agents.</summary>
public static class MtaTlsPeersReverseProxyBuilderExtensions
{
    /// <summary>
    /// Reaches agents of other gateways, and lets others reach this gateway's, over the endpoint of <c>MtaTls:Cluster:Endpoint</c>. A directory that several gateways share calls it after it has registered its
    /// <see cref="IAgentDirectory"/> and its <see cref="INodeDirectory"/>; applications need not.
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
