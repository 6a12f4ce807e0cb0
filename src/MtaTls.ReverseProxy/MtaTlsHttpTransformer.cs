using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy;

/// <summary>
/// Transforms a request that <c>MapMtaTlsForwarder()</c> forwards. The Host becomes the channel's destination.
/// </summary>
/// <remarks>
/// X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host tell the client's address, the scheme and the original Host. Forwarding headers that the client itself sent are removed. If <c>MtaTls:TrustedPeers</c>
/// trusts the peer, the source that the channel claims is sent too: in X-Forwarded-For before the peer's address, and in Forwarded. <c>MtaTls:ClientCertificateHeaders</c> decides which headers with the client's
/// certificate are sent.
/// </remarks>
public class MtaTlsHttpTransformer : HttpTransformer
{
    private readonly TrustedPeers _trustedPeers;
    private readonly ClientCertificateForwarding _certificates;

    /// <summary>Creates a transformer.</summary>
    /// <param name="services">The application's services, including those of <c>AddMtaTlsForwarder()</c>.</param>
    public MtaTlsHttpTransformer(IServiceProvider services)
    {
        _trustedPeers = services.GetRequiredService<TrustedPeers>();
        _certificates = services.GetRequiredService<ClientCertificateForwarding>();
    }

    /// <inheritdoc/>
    public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        ArgumentNullException.ThrowIfNull(proxyRequest);
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);

        HttpRequestHeaders headers = proxyRequest.Headers;
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues _) in httpContext.Request.Headers)
        {
            if (ForwardingHeaders.IsForwarding(name))
            {
                headers.Remove(name);
            }
        }

        _certificates.Apply(httpContext, proxyRequest);
        headers.Host = ChannelTarget.Of(httpContext) is { IsValid: true } target ? target.ToAuthority() : httpContext.Request.Headers.Host.ToString();
        headers.TryAddWithoutValidation(ForwardingHeaders.XForwardedProto, httpContext.Request.Scheme);
        headers.TryAddWithoutValidation(ForwardingHeaders.XForwardedHost, httpContext.Request.Headers.Host.ToString());

        if (httpContext.Features.Get<IMtaTlsChannelFeature>() is { } channel && _trustedPeers.Trusts(httpContext))
        {
            headers.TryAddWithoutValidation(ForwardingHeaders.XForwardedFor, ForwardingHeaders.Node(channel.ClaimedSource));
            headers.TryAddWithoutValidation(ForwardingHeaders.Forwarded, "for=" + ForwardingHeaders.QuotedNode(channel.ClaimedSource));
        }

        if (httpContext.Connection.RemoteIpAddress is { } peer)
        {
            headers.TryAddWithoutValidation(ForwardingHeaders.XForwardedFor, ChannelHost.Normalize(peer).ToString());
        }
    }
}
