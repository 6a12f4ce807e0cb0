using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy;

/// <summary>
/// Shapes a request that is forwarded by its channel's destination: the Host is that destination, and X-Forwarded-For, -Proto and -Host say who asked for what. Forwarding
/// headers of the request itself are not passed on. The source that the channel claims precedes the peer's address in X-Forwarded-For and Forwarded where <c>MtaTls:TrustedPeers</c> trusts the peer. The client's certificate goes on as <c>MtaTls:ClientCertificateHeaders</c> says.
/// </summary>
public class MtaTlsHttpTransformer : HttpTransformer
{
    private readonly TrustedPeers _trustedPeers;
    private readonly ClientCertificateForwarding _certificates;

    /// <summary>Creates a transformer.</summary>
    /// <param name="services">The application's services, with those of <c>AddMtaTlsForwarder()</c>.</param>
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
