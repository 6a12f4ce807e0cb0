using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.ReverseProxy.Forwarder;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps forwarding by channel destinations.</summary>
public static class MtaTlsEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Forwards requests to the URL that <c>MtaTls:Destinations</c> has for the destination of their channel. No such entry, or no channel: 502. A request that names another host than its channel:
    /// 421. Needs <c>AddMtaTlsForwarder()</c> or <c>AddMtaTlsRouting()</c>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The paths that are forwarded. Default: all that no other endpoint has.</param>
    /// <returns>Conventions of the endpoint.</returns>
    /// <exception cref="InvalidOperationException">The services are missing.</exception>
    public static IEndpointConventionBuilder MapMtaTlsForwarder(this IEndpointRouteBuilder endpoints, string pattern = "/{**path}")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        DestinationForwarder forwarder = endpoints.ServiceProvider.GetService<DestinationForwarder>()
            ?? throw new InvalidOperationException("MapMtaTlsForwarder() needs its services: call builder.Services.AddMtaTlsForwarder(), or AddReverseProxy().AddMtaTlsRouting().");
        return endpoints.Map(pattern, forwarder.ForwardAsync).WithDisplayName("MTA-TLS forwarder");
    }
}
