using MtaTls.ReverseProxy;
using MtaTls.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Yarp.ReverseProxy.Transforms;

/// <summary>Adds the transform <c>MtaTlsDestination</c> in code.</summary>
public static class MtaTlsTransformExtensions
{
    /// <summary>
    /// Adds the transform that writes the channel's destination to the outgoing request: to its Host header, and to its URI if the cluster is reached through a gateway
    /// (<see cref="MtaTlsMetadata.Gateway"/>). It does not change requests that did not come on a channel. A request that names a different host than its channel is answered 421.
    /// </summary>
    /// <param name="context">The transforms of a route.</param>
    /// <returns><paramref name="context"/>.</returns>
    public static TransformBuilderContext AddMtaTlsDestination(this TransformBuilderContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        // Without this, YARP would add its default transform for the Host, which would remove the Host that DestinationTransform sets.
        if (!context.RequestTransforms.OfType<RequestHeaderOriginalHostTransform>().Any())
        {
            context.AddOriginalHost(false);
        }

        context.RequestTransforms.Add(new DestinationTransform(context.Cluster?.Metadata?.ContainsKey(MtaTlsMetadata.Gateway) is true));
        return context;
    }

    /// <summary>Clones the route and adds the transform <c>MtaTlsDestination</c> to the clone, see <see cref="AddMtaTlsDestination"/>.</summary>
    /// <param name="route">The route.</param>
    /// <returns>The new route.</returns>
    public static RouteConfig WithTransformMtaTlsDestination(this RouteConfig route)
    {
        ArgumentNullException.ThrowIfNull(route);
        return route.WithTransform(transform => transform[DestinationTransformFactory.Key] = bool.TrueString);
    }
}
