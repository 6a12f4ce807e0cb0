using MtaTls.Agents;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Turns on passive health checks for clusters with agents: an agent that is lost gets no further request.</summary>
internal sealed class AgentClusterFilter : IProxyConfigFilter
{
    /// <summary>Marks a cluster with agents.</summary>
    public const string ClusterMetadata = "MtaTls:Agents";

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel) => new(route);

    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel)
    {
        if (cluster.Destinations?.Values.Any(static d => d.Metadata?.ContainsKey(MtaTlsMetadata.Agent) == true) != true)
        {
            return new(cluster);
        }

        HealthCheckConfig health = cluster.HealthCheck ?? new HealthCheckConfig();
        PassiveHealthCheckConfig passive = health.Passive ?? new PassiveHealthCheckConfig { Policy = AgentPassivePolicy.PolicyName };
        return new(cluster with
        {
            HealthCheck = health with
            {
                // When all agents are gone, the request waits for one instead of failing.
                AvailableDestinationsPolicy = health.AvailableDestinationsPolicy ?? HealthCheckConstants.AvailableDestinations.HealthyOrPanic,
                Passive = passive with { Enabled = passive.Enabled ?? true },
            },
            Metadata = new Dictionary<string, string>(cluster.Metadata ?? new Dictionary<string, string>(), StringComparer.OrdinalIgnoreCase) { [ClusterMetadata] = "true" },
        });
    }
}
