using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>Adds this package's transforms to every route.</summary>
internal sealed class MtaTlsTransformProvider(TrustedPeers trustedPeers, ILogger<DestinationCheckTransform> logger) : ITransformProvider
{
    public void ValidateRoute(TransformRouteValidationContext context)
    {
    }

    public void ValidateCluster(TransformClusterValidationContext context)
    {
    }

    public void Apply(TransformBuilderContext context)
    {
        if (string.Equals(context.Cluster?.LoadBalancingPolicy, MtaTlsMetadata.LoadBalancingPolicy, StringComparison.OrdinalIgnoreCase))
        {
            context.RequestTransforms.Add(new DestinationCheckTransform(logger));
        }

        // YARP adds its default forwarding headers after all providers. The claimed source is inserted among them, so they must be added here first.
        if (context.UseDefaultForwarders ?? true)
        {
            context.AddXForwarded();
        }

        bool xForwardedFor = context.RequestTransforms.OfType<RequestHeaderXForwardedForTransform>().Any();
        bool forwarded = context.RequestTransforms.OfType<RequestHeaderForwardedTransform>().Any();
        if (xForwardedFor || forwarded)
        {
            context.RequestTransforms.Add(new ClaimedSourceTransform(trustedPeers, xForwardedFor, forwarded));
        }
    }
}
