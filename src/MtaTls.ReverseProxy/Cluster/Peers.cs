using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MtaTls.Agents;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Cluster;

/// <summary>The links to other gateways of the cluster. The first request for an agent of another gateway creates the link, which then keeps a session.</summary>
internal sealed class Peers : IAsyncDisposable
{
    /// <summary>How much longer this gateway waits than the other one, which itself waits for its agent and must time out first.</summary>
    private static readonly TimeSpan s_further = TimeSpan.FromSeconds(1);

    private readonly INodeDirectory _nodes;
    private readonly IAgentDirectory _directory;
    private readonly ClusterPlan _plan;
    private readonly ReverseProxySettings _settings;
    private readonly ClusterMetrics _metrics;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, PeerLink> _links = new(StringComparer.Ordinal);
    private bool _isDisposed;   // guarded by _lock

    public Peers(INodeDirectory nodes, IAgentDirectory directory, ClusterPlan plan, ReverseProxySettings settings, ClusterMetrics metrics)
    {
        _nodes = nodes;
        _directory = directory;
        _plan = plan;
        _settings = settings;
        _metrics = metrics;
        _logger = plan.Loggers.CreateLogger(ClusterLog.Category);
        Agents = new RemoteAgents(plan.Time);
        nodes.NodeChanged += OnNodeChanged;
    }

    /// <summary>Called with the name of a gateway that has become suspect, or is no longer suspect.</summary>
    public event Action<string>? SuspectsChanged;

    /// <summary>Called for each agent of another gateway that leaves.</summary>
    public event Action<AgentMember>? AgentLeaving;

    /// <summary>The requests under way to agents of other gateways.</summary>
    public RemoteAgents Agents { get; }

    /// <summary>This gateway's name.</summary>
    public string Self => _plan.Node;

    /// <summary>Whether a gateway can't be reached now.</summary>
    public bool IsSuspect(string node) => _links.TryGetValue(node, out PeerLink? link) && link.IsSuspect;

    /// <summary>Opens a channel to an agent of another gateway.</summary>
    /// <exception cref="AgentUnavailableException">No channel was opened.</exception>
    public async ValueTask<MtaTlsAgentChannel> OpenAsync(AgentMember member, ChannelAddress source, CancellationToken cancellationToken)
    {
        if (!AgentProtocol.TryParseName(member.Name, out AgentName name) || LinkTo(member.Node) is not { } link)
        {
            _metrics.Opened("unknown_node");
            throw new AgentUnavailableException($"Gateway {member.Node}, which has agent {member.Agent} ({member.Id}), is not known.");
        }

        try
        {
            MtaTlsAgentChannel channel = await link.OpenAsync(member, PeerAddress.Of(member.Id, name), source, cancellationToken);
            _metrics.Opened(null);
            return channel;
        }
        catch (AgentUnavailableException e)
        {
            string? reason = e.Data["reason"] as string;
            if (reason is PeerAddress.Unknown)
            {
                _metrics.Stale();
                _logger.StaleRoute(member.Node, member.Agent, member.Id);
                _directory.Forget(member);
            }
            else
            {
                _logger.PeerOpenFailed(member.Name, member.Node, e.Message);
            }

            _metrics.Opened(reason switch
            {
                PeerAddress.Unknown or PeerAddress.Draining => "stale",
                PeerAddress.Limit => "limit",
                PeerAddress.Unavailable => "unavailable",
                null => "unreached",
                _ => "refused",
            });
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _isDisposed = true;
        }

        _nodes.NodeChanged -= OnNodeChanged;
        await Task.WhenAll(_links.Values.Select(static l => l.DisposeAsync().AsTask()));
    }

    private PeerLink? LinkTo(string node)
    {
        if (_links.TryGetValue(node, out PeerLink? link))
        {
            return link;
        }

        if (_nodes.FindNode(node) is not { } found || node == Self)
        {
            return null;
        }

        lock (_lock)
        {
            return _isDisposed ? null : _links.GetOrAdd(node, _ => new PeerLink(
                found, _plan, () => _plan.ClientOptions(found, _settings.Current.Agents.Options.OpenTimeout + s_further, (request, _) => OnRequestedAsync(node, request)), _metrics, () => SuspectsChanged?.Invoke(node)));
        }
    }

    private void OnNodeChanged(string node)
    {
        if (!_links.TryGetValue(node, out PeerLink? link) || _nodes.FindNode(node) is { } now && now.Advertise == link.Node.Advertise)
        {
            return;
        }

        lock (_lock)
        {
            if (!_isDisposed && _links.TryRemove(new KeyValuePair<string, PeerLink>(node, link)))
            {
                _ = link.RetireAsync();
            }
        }
    }

    /// <summary>
    /// Handles a channel that another gateway opens on this gateway's session to it. The only valid destination announces that an agent leaves; this gateway refuses the channel when it has no request to that agent
    /// under way. The refusal is the answer.
    /// </summary>
    private async ValueTask OnRequestedAsync(string node, MtaTlsChannelRequest request)
    {
        if (!PeerAddress.TryParseLeaving(request.Destination, out string id))
        {
            request.Refuse("Not available.");
            return;
        }

        Task sent = Agents.LeaveAsync(node, id, out IReadOnlyList<AgentMember> members);
        foreach (AgentMember member in members)
        {
            _directory.Forget(member);
            AgentLeaving?.Invoke(member);
        }

        await sent.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _logger.RemoteAgentLeft(id);
        request.Refuse(PeerAddress.Left);
    }
}
