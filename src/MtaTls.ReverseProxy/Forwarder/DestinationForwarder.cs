using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Routing;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Forwarder;

/// <summary>Forwards each request to the URL that <c>MtaTls:Destinations</c> has for its channel's destination.</summary>
internal sealed class DestinationForwarder : IDisposable
{
    private const string ClientName = "MtaTls:Destinations";

    private readonly ReverseProxySettings _settings;
    private readonly HostMatching _hostMatching;
    private readonly IHttpForwarder _forwarder;
    private readonly MtaTlsHttpTransformer _transformer;
    private readonly HttpMessageInvoker _client;
    private readonly ILogger<DestinationForwarder> _logger;

    public DestinationForwarder(
        ReverseProxySettings settings,
        HostMatching hostMatching,
        IHttpForwarder forwarder,
        IForwarderHttpClientFactory clients,
        MtaTlsHttpTransformer transformer,
        ILogger<DestinationForwarder> logger)
    {
        _settings = settings;
        _hostMatching = hostMatching;
        _forwarder = forwarder;
        _transformer = transformer;
        _logger = logger;
        _client = clients.CreateClient(new ForwarderHttpClientContext { ClusterId = ClientName, NewConfig = HttpClientConfig.Empty });
    }

    public async Task ForwardAsync(HttpContext context)
    {
        if (ChannelTarget.Of(context) is not { } target)
        {
            ReverseProxyLog.NotOnChannel(_logger, context.Connection.Id);
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
        }
        else if (!_hostMatching.Accepts(target, context.Request))
        {
            await _hostMatching.RejectAsync(context);
        }
        else if (_settings.Current.Destinations.Find(target) is { } destination)
        {
            await _forwarder.SendAsync(context, destination, _client, ForwarderRequestConfig.Empty, _transformer);
        }
        else
        {
            ReverseProxyLog.NotInDestinations(_logger, context.Connection.Id, target.ToString());
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
        }
    }

    public void Dispose() => _client.Dispose();
}
