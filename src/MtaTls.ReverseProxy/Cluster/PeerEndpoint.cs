using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.Agents;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>Serves other gateways: connects their channels to agents of this gateway, never to agents of a third gateway. So there are no loops.</summary>
internal sealed class PeerEndpoint : IPeerEndpoint
{
    /// <summary>How long a leaving agent waits for other gateways, so that one that does not answer can't block it.</summary>
    private static readonly TimeSpan s_longestLeave = TimeSpan.FromSeconds(3);

    private readonly ClusterPlan _plan;
    private readonly AgentRegistry _registry;
    private readonly ClusterMetrics _metrics;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();

    // Guarded by _lock: for each registration, the sessions of other gateways with channels to it, and how many channels.
    private readonly Dictionary<string, Dictionary<MtaTlsServerSession, int>> _users = new(StringComparer.Ordinal);

    public PeerEndpoint(ClusterPlan plan, AgentRegistry registry, ClusterMetrics metrics)
    {
        _plan = plan;
        _registry = registry;
        _metrics = metrics;
        _logger = plan.Loggers.CreateLogger(ClusterLog.Category);
        registry.TellPeers = LeaveAsync;
    }

    public string Name => _plan.Options.Endpoint;

    public bool IsPeer(X509Certificate2 certificate, X509Chain? chain, bool isTrusted) => _plan.Trust.IsPeer(certificate, chain, isTrusted, PeerTrust.ClientAuthentication);

    public void Start(MtaTlsServerSession session, MtaTlsChannelRequest request)
    {
        // The handshake has already checked the same condition. This check does not depend on the handshake.
        if (!_plan.Trust.Matches(session.ClientCertificate))
        {
            _logger.NotAPeer(session.SessionId);
            request.Refuse(ChannelDispatcher.Refusal);
        }
        else if (!PeerAddress.TryFind(_registry, request.Destination, out AgentRegistration? registration, out AgentName name))
        {
            _logger.UnknownAgent(session.SessionId, request.Destination.ToString());
            request.Refuse(PeerAddress.Unknown);
        }
        else if (registration.IsDraining)
        {
            request.Refuse(PeerAddress.Draining);
        }
        else
        {
            _ = Task.Run(() => ConnectAsync(session, request, registration, name));
        }
    }

    private async Task ConnectAsync(MtaTlsServerSession session, MtaTlsChannelRequest request, AgentRegistration registration, AgentName name)
    {
        Use(registration.Id, session, 1);
        try
        {
            MtaTlsAgentChannel agent;
            try
            {
                agent = await _registry.OpenAsync(registration.Member(name), request.Source, session.Connection.ConnectionClosed);
            }
            catch (AgentUnavailableException e)
            {
                request.Refuse(e.Data.Contains("limit") ? PeerAddress.Limit : registration.IsDraining ? PeerAddress.Draining : PeerAddress.Unavailable);
                return;
            }

            if (session.Channels.AcceptForForwarding(request) is not { } peer)
            {
                agent.Abort();
                return;
            }

            _metrics.Spliced(1);
            MtaTlsAgentChannel client = new(peer.Channel);
            try
            {
                _logger.PeerChannel(session.SessionId, request.Source.ToString(), registration.Agent, name.ToString());
                await new ChannelSplice(client, agent).RunAsync();
            }
            catch
            {
                // Otherwise both ends would wait for each other.
                client.Abort();
                agent.Abort();
                throw;
            }
            finally
            {
                _metrics.Spliced(-1);
                session.Channels.ForwardingEnded(peer);
            }
        }
        catch (Exception e)
        {
            if (e is not OperationCanceledException)
            {
                _logger.PeerChannelFailed(e);
            }

            try
            {
                request.Refuse(PeerAddress.Unavailable);
            }
            catch (InvalidOperationException)
            {
                // The open is answered already.
            }
        }
        finally
        {
            Use(registration.Id, session, -1);
        }
    }

    /// <summary>Tells every gateway with a channel to the agent that the agent leaves. Each answers when it has no request to the agent under way.</summary>
    private async Task LeaveAsync(AgentRegistration registration)
    {
        MtaTlsServerSession[] sessions;
        lock (_lock)
        {
            sessions = _users.TryGetValue(registration.Id, out Dictionary<MtaTlsServerSession, int>? users) ? [.. users.Keys] : [];
        }

        if (sessions.Length == 0)
        {
            return;
        }

        using CancellationTokenSource timeout = new(s_longestLeave, _plan.Time);
        ChannelAddress destination = PeerAddress.Leaving(registration.Id);
        await Task.WhenAll(sessions.Select(s => TellAsync(s, destination, timeout.Token)));
    }

    private static async Task TellAsync(MtaTlsServerSession session, ChannelAddress destination, CancellationToken cancellationToken)
    {
        try
        {
            MtaTlsChannel channel = await session.Session.OpenChannelAsync(destination, destination, cancellationToken);
            channel.Abort();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // A refusal is the expected answer. If the session is lost, its requests are lost too.
        }
    }

    private void Use(string registration, MtaTlsServerSession session, int change)
    {
        lock (_lock)
        {
            if (!_users.TryGetValue(registration, out Dictionary<MtaTlsServerSession, int>? users))
            {
                _users.Add(registration, users = []);
            }

            int count = users.GetValueOrDefault(session) + change;
            if (count > 0)
            {
                users[session] = count;
            }
            else if (users.Remove(session) && users.Count == 0)
            {
                _users.Remove(registration);
            }
        }
    }
}
