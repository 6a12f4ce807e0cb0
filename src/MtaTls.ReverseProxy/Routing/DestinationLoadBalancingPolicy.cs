using Microsoft.AspNetCore.Http;
using MtaTls.AspNetCore.Routing;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace MtaTls.ReverseProxy.Routing;

/// <summary>Picks the destination that matches the destination of the request's channel. If several match, it picks the one with the fewest requests under way.</summary>
internal sealed class DestinationLoadBalancingPolicy : ILoadBalancingPolicy
{
    public string Name => MtaTlsMetadata.LoadBalancingPolicy;

    public DestinationState? PickDestination(HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations)
    {
        if (ChannelTarget.Of(context) is not { } target)
        {
            return null;
        }

        DestinationState? least = null;
        foreach (DestinationState destination in ClusterDestinations.Find(cluster, target))
        {
            if (availableDestinations.Contains(destination) && (least is null || destination.ConcurrentRequestCount < least.ConcurrentRequestCount))
            {
                least = destination;
            }
        }

        return least;
    }
}
