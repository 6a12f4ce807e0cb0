using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore.Routing;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>
/// Sends the channel's destination on: as the outgoing request's Host and, where the cluster is reached through a gateway, as the host and port of its URI, to which the
/// gateway is asked to open a channel in turn.
/// </summary>
internal sealed class DestinationTransform(bool throughGateway) : RequestTransform
{
    public override ValueTask ApplyAsync(RequestTransformContext context)
    {
        if (ChannelTarget.Of(context.HttpContext) is not { IsValid: true } target)
        {
            return default;
        }
        // The route may have been found by the Host; where the request goes, the channel says. Both must be one.
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
