using System.Net;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;

namespace MtaTls.Dashboard.Security;

/// <summary>
/// Passes requests to the page and everything below it if the endpoint has an authorization policy, which the authorization middleware has then applied, or from a browser on this machine in Development. All other
/// requests are answered 404. It also sets the security headers of every response.
/// </summary>
internal sealed class DashboardGate(IHostEnvironment environment)
{
    // The page loads everything from its own origin. The style sheet contains its pictures (data:).
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

    /// <summary>Whether a page of another origin makes the request. It is refused, whatever the application's CORS policy allows. Following a link to the page is allowed.</summary>
    private static bool IsFromAnotherSite(HttpContext context)
        => context.Request.Headers["Sec-Fetch-Site"] is ["cross-site" or "same-site"] && context.Request.Headers["Sec-Fetch-Mode"] is not ["navigate"];

    /// <summary>
    /// Whether the request comes from this machine, not through a proxy, and for a local host name. Without the check of the name, a website could point its own name to 127.0.0.1 (DNS rebinding) and read the page.
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
