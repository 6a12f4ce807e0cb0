using MtaTls.ReverseProxy;
using MtaTls.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Yarp.ReverseProxy.Transforms;

/// <summary>The transform <c>MtaTlsDestination</c> in code.</summary>
public static class MtaTlsTransformExtensions
{
    /// <summary>
    /// Adds the transform that names the channel's destination in the outgoing request: its Host header, and its URI where the cluster is reached through a gateway
    /// (<see cref="MtaTlsMetadata.Gateway"/>). Requests that came on no channel stay as they are.
    /// </summary>
    /// <param name="context">The transforms of a route.</param>
    /// <returns><paramref name="context"/>.</returns>
    public static TransformBuilderContext AddMtaTlsDestination(this TransformBuilderContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        // YARP's default for the Host (the destination's own) comes first, where the route does not say otherwise; it would take our Host for the original one and drop it.
        if (!context.RequestTransforms.OfType<RequestHeaderOriginalHostTransform>().Any())
        {
            context.AddOriginalHost(false);
        }

        context.RequestTransforms.Add(new DestinationTransform(context.Cluster?.Metadata?.ContainsKey(MtaTlsMetadata.Gateway) is true));
        return context;
    }

    /// <summary>Clones the route and adds the transform <c>MtaTlsDestination</c> to it, see <see cref="AddMtaTlsDestination"/>.</summary>
    /// <param name="route">The route.</param>
    /// <returns>The new route.</returns>
    public static RouteConfig WithTransformMtaTlsDestination(this RouteConfig route)
    {
        ArgumentNullException.ThrowIfNull(route);
        return route.WithTransform(transform => transform[DestinationTransformFactory.Key] = bool.TrueString);
    }
}
