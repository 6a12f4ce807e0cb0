using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Forwarder;
using MtaTls.ReverseProxy.Routing;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>What every route gets, and the check of our metadata when YARP loads its configuration (it reports all errors together).</summary>
internal sealed class MtaTlsTransformProvider(TrustedPeers trustedPeers, ILogger<CorrespondenceTransform> logger) : ITransformProvider
{
    public void ValidateRoute(TransformRouteValidationContext context)
    {
        if (context.Route.Metadata?.TryGetValue(MtaTlsMetadata.Destination, out var text) is true && !DestinationPattern.TryParse(text, out _, out var error))
            context.Errors.Add(new ArgumentException($"Route '{context.Route.RouteId}': metadata {MtaTlsMetadata.Destination}: {error}."));
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
        foreach (var (id, destination) in context.Cluster.Destinations ?? new Dictionary<string, Yarp.ReverseProxy.Configuration.DestinationConfig>())
        {
            if (destination.Metadata?.TryGetValue(MtaTlsMetadata.Destination, out var text) is true && !DestinationPattern.TryParse(text, out _, out var error))
                context.Errors.Add(new ArgumentException($"Cluster '{context.Cluster.ClusterId}', destination '{id}': metadata {MtaTlsMetadata.Destination}: {error}."));
        }

        if (context.Cluster.Metadata?.TryGetValue(MtaTlsMetadata.Gateway, out var gateway) is true && !GatewayMetadata.TryParse(gateway, out _))
            context.Errors.Add(new ArgumentException($"Cluster '{context.Cluster.ClusterId}': metadata {MtaTlsMetadata.Gateway}: '{gateway}' is not 'https://host:port'."));
        if (context.Cluster.Metadata?.ContainsKey(MtaTlsMetadata.TargetHost) is true && context.Cluster.Metadata.ContainsKey(MtaTlsMetadata.Gateway) is false)
            context.Errors.Add(new ArgumentException($"Cluster '{context.Cluster.ClusterId}': metadata {MtaTlsMetadata.TargetHost} is for a cluster with {MtaTlsMetadata.Gateway}."));
    }

    public void Apply(TransformBuilderContext context)
    {
        if (string.Equals(context.Cluster?.LoadBalancingPolicy, MtaTlsMetadata.LoadBalancingPolicy, StringComparison.OrdinalIgnoreCase))
            context.RequestTransforms.Add(new CorrespondenceTransform(logger));

        // YARP adds its default headers after all providers; they have to be there before the claimed source is put among them.
        if (context.UseDefaultForwarders ?? true)
            context.AddXForwarded();
        var xForwardedFor = context.RequestTransforms.OfType<RequestHeaderXForwardedForTransform>().Any();
        var forwarded = context.RequestTransforms.OfType<RequestHeaderForwardedTransform>().Any();
        if (xForwardedFor || forwarded)
            context.RequestTransforms.Add(new ClaimedSourceTransform(trustedPeers, xForwardedFor, forwarded));
    }
}
