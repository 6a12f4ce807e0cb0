using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// The rule that a request names the destination of its channel: what decided where the channel may go must also hold for each request in it, or a client
/// asks for a channel that it may have and then for a host that it may not.
/// </summary>
internal sealed class HostMatching(CurrentSettings settings, IEnumerable<IMtaTlsChannelRouter> routers, RoutingMetrics metrics, ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Routing);

    private readonly bool _hasRouters = routers.Any();

    /// <summary>Whether the rule is for every request: there are channel routes, or routers of the application.</summary>
    public bool IsGeneral => _hasRouters || settings.Current.Routes.Count > 0;

    public bool Accepts(ChannelTarget target, HttpRequest request) => target.Compare(request.Headers.Host) switch
    {
        HostMatch.Destination => true,
        HostMatch.Other => settings.Current.Options.AllowHostMismatch,
        _ => false,
    };

    /// <summary>421 (RFC 9110, section 15.5.20): the client may ask again on another channel. 400 where the Host is none.</summary>
    public Task RejectAsync(HttpContext context)
    {
        if (ChannelTarget.Of(context)?.Compare(context.Request.Headers.Host) == HostMatch.Invalid)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return Task.CompletedTask;
        }

        metrics.RequestMisdirected();
        // The Host is the client's text and stays out of the log.
        _logger.RequestMisdirected(context.Connection.Id, ChannelTarget.Of(context)?.ToString());
        context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
        return Task.CompletedTask;
    }
}
