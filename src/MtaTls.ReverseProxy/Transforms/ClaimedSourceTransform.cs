using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using MtaTls.AspNetCore;
using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace MtaTls.ReverseProxy.Transforms;

/// <summary>
/// Adds the source that a channel claims to the forwarding headers that the route sends, before the peer's own address. It does so only for peers that the configuration trusts.
/// </summary>
internal sealed class ClaimedSourceTransform(TrustedPeers trustedPeers, bool xForwardedFor, bool forwarded) : RequestTransform
{
    public override ValueTask ApplyAsync(RequestTransformContext context)
    {
        HttpContext http = context.HttpContext;
        if (http.Features.Get<IMtaTlsChannelFeature>() is not { } channel || !trustedPeers.Trusts(http))
        {
            return default;
        }

        if (xForwardedFor)
        {
            InsertBeforeLast(context, ForwardingHeaders.XForwardedFor, ForwardingHeaders.Node(channel.ClaimedSource));
        }

        if (forwarded)
        {
            InsertBeforeLast(context, ForwardingHeaders.Forwarded, "for=" + ForwardingHeaders.QuotedNode(channel.ClaimedSource));
        }

        return default;
    }

    /// <summary>Inserts before the last value, the peer's address, which YARP's transform has just added. If that transform added none, the route does not send the header.</summary>
    private static void InsertBeforeLast(RequestTransformContext context, string header, string value)
    {
        // Looks only at the outgoing request: TakeHeader would fall back to the client's own header.
        if (!context.ProxyRequest.Headers.NonValidated.Contains(header))
        {
            return;
        }

        StringValues values = TakeHeader(context, header);
        List<string?> all = values.ToArray().ToList();
        all.Insert(all.Count - 1, value);
        AddHeader(context, header, new StringValues(all.ToArray()));
    }
}
