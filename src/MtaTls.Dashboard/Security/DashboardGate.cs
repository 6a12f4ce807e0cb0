using System.Net;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;

namespace MtaTls.Dashboard.Security;

/// <summary>
/// Lets a request to the page, or anything below it, through: where the endpoint has an authorization policy, which the authorization middleware has then applied, or to a browser of this machine in Development. To
/// all others nothing is there. Sets the headers that every answer has.
/// </summary>
internal sealed class DashboardGate(IHostEnvironment environment)
{
    // Everything comes from the page's own folder; pictures of the style sheet are part of it (data:).
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public RequestDelegate Guard(RequestDelegate handler) => context =>
    {
        if (!IsOpen(context) || IsFromAnotherSite(context))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
        return handler(context);
    };

    private bool IsOpen(HttpContext context)
    {
        EndpointMetadataCollection? metadata = context.GetEndpoint()?.Metadata;
        bool hasPolicy = metadata?.GetMetadata<IAuthorizeData>() is not null && metadata.GetMetadata<IAllowAnonymous>() is null;
        return hasPolicy || (environment.IsDevelopment() && IsLocal(context));
    }

    /// <summary>A page of another origin reads, whatever the application's CORS policy allows it. A link that leads to the page is none of that.</summary>
    private static bool IsFromAnotherSite(HttpContext context)
        => context.Request.Headers["Sec-Fetch-Site"] is ["cross-site" or "same-site"] && context.Request.Headers["Sec-Fetch-Mode"] is not ["navigate"];

    /// <summary>
    /// From this machine, not through a proxy on it, and for a name of it: a page of the Web that had its own name point to 127.0.0.1 (DNS rebinding) would else read what this one shows.
    /// </summary>
    private static bool IsLocal(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        return context.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
            && StringValues.IsNullOrEmpty(headers["X-Forwarded-For"]) && StringValues.IsNullOrEmpty(headers["Forwarded"]) && StringValues.IsNullOrEmpty(headers.Via)
            && IsLocalName(context.Request.Host.Host);
    }

    private static bool IsLocalName(string host)
        => string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));
}
