using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.ReverseProxy.Forwarder;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps an endpoint that forwards requests by the destination of their channel.</summary>
public static class MtaTlsEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Forwards requests to the URL that <c>MtaTls:Destinations</c> has for the destination of their channel. A request without a channel, or whose destination has no entry, is answered 502. A request that names a
    /// different host than its channel is answered 421. Needs <c>AddMtaTlsForwarder()</c> or <c>AddMtaTlsRouting()</c>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The route pattern of the paths to forward. Default: all paths without another endpoint.</param>
    /// <returns>A builder for conventions such as <c>RequireAuthorization(...)</c>.</returns>
    /// <exception cref="InvalidOperationException">Neither <c>AddMtaTlsForwarder()</c> nor <c>AddMtaTlsRouting()</c> was called.</exception>
    public static IEndpointConventionBuilder MapMtaTlsForwarder(this IEndpointRouteBuilder endpoints, string pattern = "/{**path}")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        DestinationForwarder forwarder = endpoints.ServiceProvider.GetService<DestinationForwarder>()
            ?? throw new InvalidOperationException("MapMtaTlsForwarder() needs services that are not registered. Call builder.Services.AddMtaTlsForwarder(), or AddReverseProxy().AddMtaTlsRouting().");
        return endpoints.Map(pattern, forwarder.ForwardAsync).WithDisplayName("MTA-TLS forwarder");
    }
}
