using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore.Routing;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>
/// Passes the channel's destination on: as the outgoing request's Host and, if the cluster is reached through a gateway, as the host and port of its URI. The gateway then opens a channel to that
/// destination.
/// </summary>
internal sealed class DestinationTransform(bool throughGateway) : RequestTransform
{
    public override ValueTask ApplyAsync(RequestTransformContext context)
    {
        if (ChannelTarget.Of(context.HttpContext) is not { IsValid: true } target)
        {
            return default;
        }
        // The Host may have selected the route, but the channel determines the destination. Both must be the same.
        HostMatching hostMatching = context.HttpContext.RequestServices.GetRequiredService<HostMatching>();
        if (!hostMatching.Accepts(target, context.HttpContext.Request))
        {
            return new(hostMatching.RejectAsync(context.HttpContext));   // YARP sends nothing once a transform has set the response
        }

        context.ProxyRequest.Headers.Host = target.ToAuthority();
        if (throughGateway)
        {
            string scheme = new Uri(context.DestinationPrefix).Scheme;
            context.ProxyRequest.RequestUri = RequestUtilities.MakeDestinationAddress($"{scheme}://{target}", context.Path, context.Query.QueryString);
        }

        return default;
    }
}
