using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.Agents;
using MtaTls.ReverseProxy.Cluster;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Makes a destination unhealthy as soon as its agent leaves, is lost, or fails to open a channel. The resolver removes the destinations of agents that are gone a little later.</summary>
internal sealed class AgentHealth
{
    /// <summary>After this time an agent that failed to open a channel, but is still registered, gets requests again.</summary>
    private static readonly TimeSpan s_reactivation = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_gone = TimeSpan.FromMinutes(10);

    private readonly IAgentDirectory _directory;
    private readonly IServiceProvider _services;
    private readonly ConcurrentDictionary<AgentName, bool> _inUse = [];

    public AgentHealth(AgentRegistry registry, IAgentDirectory directory, IEnumerable<Peers> peers, IServiceProvider services)
    {
        _directory = directory;
        _services = services;
        registry.Leaving += OnLeaving;
        if (peers.FirstOrDefault() is { } others)
        {
            others.AgentLeaving += Failed;
            others.SuspectsChanged += node =>
            {
                if (others.IsSuspect(node))
                {
                    OnSuspect(node);
                }
            };
        }
    }

    /// <summary>Remembers that a cluster has the name. For all other names YARP's destinations need no search.</summary>
    public void Use(AgentName name) => _inUse.TryAdd(name, true);

    /// <summary>Called when no channel to the agent could be opened.</summary>
    public void Failed(AgentMember member)
    {
        if (AgentProtocol.TryParseName(member.Name, out AgentName name))
        {
            SetUnhealthy(member.Id, [name], s_reactivation);
        }
    }

    private void OnSuspect(string node)
    {
        foreach (AgentName name in _inUse.Keys)
        {
            foreach (AgentMember member in _directory.Find(name.ToString()))
            {
                if (member.Node == node)
                {
                    SetUnhealthy(member.Id, [name], s_reactivation);
                }
            }
        }
    }

    private void OnLeaving(AgentRegistration registration) => SetUnhealthy(registration.Id, registration.Names, s_gone);

    private void SetUnhealthy(string id, IReadOnlyList<AgentName> names, TimeSpan reactivation)
    {
        HashSet<string> hosts = [.. names.Where(_inUse.ContainsKey).Select(n => AgentAuthority.Of(id, n))];
        if (hosts.Count == 0 || _services.GetService<IProxyStateLookup>() is not { } state || _services.GetService<IDestinationHealthUpdater>() is not { } updater)
        {
            return;
        }

        foreach (ClusterState cluster in state.GetClusters())
        {
            if (cluster.Model.Config.Metadata?.ContainsKey(AgentClusterFilter.ClusterMetadata) != true)
            {
                continue;
            }

            foreach (DestinationState destination in cluster.Destinations.Values)
            {
                if (Uri.TryCreate(destination.Model.Config.Address, UriKind.Absolute, out Uri? address) && hosts.Contains(address.Host))
                {
                    updater.SetPassive(cluster, destination, DestinationHealth.Unhealthy, reactivation);
                }
            }
        }
    }
}
