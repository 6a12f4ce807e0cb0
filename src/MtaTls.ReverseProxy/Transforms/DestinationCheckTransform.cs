using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Diagnostics;
using MtaTls.ReverseProxy.Routing;
using Yarp.ReverseProxy.Model;
using Yarp.ReverseProxy.Transforms;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>
/// The last check before a request of a cluster with the policy MtaTlsDestination is sent. YARP skips the load-balancing policy if only one destination is available (the others are down, or the session has
/// an affinity). That destination may not be the channel's.
/// </summary>
internal sealed class DestinationCheckTransform(ILogger logger) : RequestTransform
{
    public override ValueTask ApplyAsync(RequestTransformContext context)
    {
        IReverseProxyFeature proxy = context.HttpContext.GetReverseProxyFeature();
        ClusterState? cluster = proxy.Route.Cluster;
        if (cluster is null || proxy.ProxiedDestination is not { } destination || !ClusterDestinations.UsesPolicy(cluster))
        {
            return default;
        }

        var target = ChannelTarget.Of(context.HttpContext);
        if (target is not null && ClusterDestinations.Find(cluster, target).Contains(destination))
        {
            return default;
        }

        ReverseProxyLog.DestinationUnavailable(logger, context.HttpContext.Connection.Id, destination.DestinationId, cluster.ClusterId, target?.ToString() ?? "(none)");
        // YARP sends nothing once a transform has set the response.
        context.HttpContext.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return default;
    }
}
