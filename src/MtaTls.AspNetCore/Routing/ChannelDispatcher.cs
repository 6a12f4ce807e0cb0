using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// Answers every open of a client: asks the application's routers and then the present routes where the channel goes, and passes it on. Each refusal is logged once.
/// Without routers and routes every channel goes to the application.
/// </summary>
internal sealed class ChannelDispatcher(IEnumerable<IMtaTlsChannelRouter> routers, CurrentSettings settings, TcpForwarder forwarder, RoutingMetrics metrics, IEnumerable<IAgentChannels> agents, IEnumerable<IPeerEndpoint> peers, ILoggerFactory loggers)
{
    private readonly IMtaTlsChannelRouter[] _routers = [.. routers];
    private readonly IAgentChannels? _agents = agents.FirstOrDefault();
    private readonly IPeerEndpoint? _peers = peers.FirstOrDefault();
    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Routing);

    /// <summary>The error text of every refusal. It gives no reason, because the reason would show clients which destinations exist.</summary>
    public const string Refusal = "Not available.";

    /// <summary>The endpoint that other gateways use; null if there is none.</summary>
    public IPeerEndpoint? Peers => _peers;

    /// <summary>Called on the session's read loop, so it does not wait. The request is answered now or later, for example after a TCP connection is open.</summary>
    public void Dispatch(MtaTlsServerSession session, MtaTlsChannelRequest request)
    {
        try
        {
            if (_peers is not null && session.EndpointName is { } endpoint && endpoint.Equals(_peers.Name, StringComparison.OrdinalIgnoreCase))
            {
                // Routers, routes and the application are skipped: another gateway may reach agents only.
                _peers.Start(session, request);
                return;
            }

            CurrentSettings.State current = settings.Current;
            if (_routers.Length == 0 && current.Routes.Count == 0)
            {
                session.Channels.AcceptForApplication(request);
                return;
            }

            RoutedChannel? decided = AskRouters(session, request) ?? AskRoutes(session, request, current.Routes);
            metrics.Routed(decided?.Name, decided?.Action ?? ChannelRouteAction.Reject);
            switch (decided)
            {
                case null:
                    _logger.ChannelDestinationUnclear(session.SessionId, request.SenderChannelId, request.Source, request.Destination);
                    request.Refuse(Refusal);
                    break;
                case { Action: ChannelRouteAction.Tcp, Tcp: { } route, Host: var host }:
                    forwarder.Start(session, request, route, host, current.Options.Tcp);
                    break;
                case { Action: ChannelRouteAction.Agent, Name: { } name } when _agents is not null:
                    _agents.Start(session, request, name);
                    break;
                case { Action: ChannelRouteAction.Agent, Name: var name }:
                    _logger.ChannelNotConnected(session.SessionId, request.SenderChannelId, request.Source, request.Destination, name ?? "none", "its action Agent needs AddMtaTlsAgents()");
                    request.Refuse(Refusal);
                    break;
                case { Action: ChannelRouteAction.Reject, Name: var name }:
                    _logger.ChannelRejected(session.SessionId, request.SenderChannelId, request.Source, request.Destination, name ?? "none");
                    request.Refuse(Refusal);
                    break;
                case { Name: var name }:
                    _logger.ChannelToApplication(session.SessionId, request.SenderChannelId, request.Source, request.Destination, name ?? "none");
                    session.Channels.AcceptForApplication(request);
                    break;
            }
        }
        catch (Exception e)
        {
            // The session refuses a request that is not answered yet.
            _logger.RouterFailed(session.SessionId, request.Destination, e);
            throw;
        }
    }

    private RoutedChannel? AskRouters(MtaTlsServerSession session, MtaTlsChannelRequest request)
    {
        if (_routers.Length == 0)
        {
            return null;
        }

        MtaTlsChannelOpen open = new(session, request.Source, request.Destination);
        foreach (IMtaTlsChannelRouter router in _routers)
        {
            MtaTlsChannelDecision decision = router.Route(open);
            if (decision.Action is { } action)
            {
                return new RoutedChannel(action, decision.Route);
            }
        }

        return null;
    }

    /// <summary>Returns null if the destination is no valid host, so that no route can match it.</summary>
    private static RoutedChannel? AskRoutes(MtaTlsServerSession session, MtaTlsChannelRequest request, ChannelRouteTable routes)
    {
        if (routes.Count == 0)
        {
            return new RoutedChannel(ChannelRouteAction.Http, null);
        }

        if (!ChannelHost.TryParse(request.Destination.Host, out ChannelHost host))
        {
            return null;
        }

        return routes.Find(host, request.Destination.Port, session.EndpointName, session.ClientCertificate) is { } route
            ? new RoutedChannel(route.Action, route.Name, route, host)
            : new RoutedChannel(ChannelRouteAction.Http, null);
    }
}
