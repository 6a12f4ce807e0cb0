using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// Checks that a request names the destination of its channel. The routing decision about the channel must also hold for each request in it: otherwise a client
/// could open a channel to an allowed destination and then ask for a host that is not allowed.
/// </summary>
internal sealed class HostMatching(CurrentSettings settings, IEnumerable<IMtaTlsChannelRouter> routers, RoutingMetrics metrics, ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Routing);

    private readonly bool _hasRouters = routers.Any();

    /// <summary>Whether every request is checked, because there are channel routes or routers of the application.</summary>
    public bool IsGeneral => _hasRouters || settings.Current.Routes.Count > 0;

    public bool Accepts(ChannelTarget target, HttpRequest request) => target.Compare(request.Headers.Host) switch
    {
        HostMatch.Destination => true,
        HostMatch.Other => settings.Current.Options.AllowHostMismatch,
        _ => false,
    };

    /// <summary>Answers 421, after which the client may retry on another channel (RFC 9110, section 15.5.20), or 400 if the host is invalid.</summary>
    public Task RejectAsync(HttpContext context)
    {
        if (ChannelTarget.Of(context)?.Compare(context.Request.Headers.Host) == HostMatch.Invalid)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return Task.CompletedTask;
        }

        metrics.RequestMisdirected();
        // The host is not logged: it is a text of the client that was not checked.
        _logger.RequestMisdirected(context.Connection.Id, ChannelTarget.Of(context)?.ToString());
        context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
        return Task.CompletedTask;
    }
}
