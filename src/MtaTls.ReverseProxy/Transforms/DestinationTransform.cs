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
            return default;
        context.ProxyRequest.Headers.Host = target.ToAuthority();
        if (throughGateway)
        {
            var scheme = new Uri(context.DestinationPrefix).Scheme;
            context.ProxyRequest.RequestUri = RequestUtilities.MakeDestinationAddress($"{scheme}://{target}", context.Path, context.Query.QueryString);
        }

        return default;
    }
}
