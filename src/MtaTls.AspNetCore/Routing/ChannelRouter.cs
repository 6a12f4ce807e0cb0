using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Decides by the routes that are in force. Without any, every channel goes to the application.</summary>
internal sealed class ChannelRouter(CurrentSettings settings, TcpForwarder forwarder, RoutingMetrics metrics, IEnumerable<IAgentChannels> agents, ILoggerFactory loggers) : IMtaTlsChannelRouter
{
    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Routing);

    public MtaTlsChannelAction Decide(MtaTlsServerSession session, MtaTlsChannelRequest request)
    {
        CurrentSettings.State current = settings.Current;
        if (current.Routes.Count == 0)
        {
            return MtaTlsChannelAction.Http;
        }

        if (!ChannelHost.TryParse(request.Destination.Host, out ChannelHost host))
        {
            _logger.ChannelDestinationUnclear(session.SessionId, request.SenderChannelId, request.Source, request.Destination);
            metrics.Routed(null, ChannelRouteAction.Reject);
            return MtaTlsChannelAction.Reject;
        }

        ChannelRoute? route = current.Routes.Find(host, request.Destination.Port, session.EndpointName, session.ClientCertificate);
        ChannelRouteAction action = route?.Action ?? ChannelRouteAction.Http;
        metrics.Routed(route?.Name, action);
        switch (action)
        {
            case ChannelRouteAction.Tcp:
                return new TcpAction(forwarder, route!, host, current.Options.Tcp);
            case ChannelRouteAction.Agent when agents.FirstOrDefault() is { } channels:
                return new AgentAction(channels, route!);
            case ChannelRouteAction.Agent:
                _logger.ChannelNotConnected(session.SessionId, request.SenderChannelId, request.Source, request.Destination, route!.Name, "its action Agent needs AddMtaTlsAgents()");
                return MtaTlsChannelAction.Reject;
            case ChannelRouteAction.Reject:
                _logger.ChannelRejected(session.SessionId, request.SenderChannelId, request.Source, request.Destination, route!.Name);
                return MtaTlsChannelAction.Reject;
            default:
                _logger.ChannelToApplication(session.SessionId, request.SenderChannelId, request.Source, request.Destination, route?.Name ?? "none");
                return MtaTlsChannelAction.Http;
        }
    }

    private sealed class AgentAction(IAgentChannels channels, ChannelRoute route) : MtaTlsChannelAction
    {
        public override void Execute(MtaTlsServerSession session, MtaTlsChannelRequest request) => channels.Start(session, request, route.Name);
    }

    private sealed class TcpAction(TcpForwarder forwarder, ChannelRoute route, ChannelHost host, MtaTlsTcpOptions options) : MtaTlsChannelAction
    {
        public override void Execute(MtaTlsServerSession session, MtaTlsChannelRequest request) => forwarder.Start(session, request, route, host, options);
    }
}
