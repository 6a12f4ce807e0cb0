using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>
/// The agents that a request may go to now. With several gateways: those of this one first, then those of others that can be reached, then those of others that are about to stop; none of a gateway that can't
/// be reached.
/// </summary>
internal sealed class AgentMembers
{
    private readonly IAgentDirectory _directory;
    private readonly INodeDirectory? _nodes;
    private readonly Peers? _peers;
    private readonly ClusterPlan? _plan;

    public AgentMembers(IAgentDirectory directory, IEnumerable<INodeDirectory> nodes, IEnumerable<Peers> peers, IEnumerable<ClusterPlan> plans)
    {
        _directory = directory;
        _nodes = nodes.FirstOrDefault();
        _peers = peers.FirstOrDefault();
        _plan = plans.FirstOrDefault();
        directory.Changed += name => Changed?.Invoke(name);
        if (_peers is not null && _nodes is not null)
        {
            // What is known of a gateway concerns every name that it serves.
            _peers.SuspectsChanged += _ => Changed?.Invoke(null);
            _nodes.NodeChanged += _ => Changed?.Invoke(null);
        }
    }

    /// <summary>Called with the name whose members have changed; null: those of any name may have. Handlers must neither block nor throw.</summary>
    public event Action<string?>? Changed;

    /// <summary>Makes what <see cref="Find"/> says of a name complete.</summary>
    /// <param name="name">The name.</param>
    /// <param name="isKept">Whether the name is one of the configuration, whose changes are of interest as long as the gateway runs.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it is; false: the directory can't be asked.</returns>
    public ValueTask<bool> LoadAsync(string name, bool isKept = false, CancellationToken cancellationToken = default) => _directory.LoadAsync(name, isKept, cancellationToken);

    /// <summary>The agents, none of those that were tried.</summary>
    public IReadOnlyList<AgentMember> Find(string name, IReadOnlyCollection<string>? tried = null)
    {
        IReadOnlyList<AgentMember> all = _directory.Find(name);
        if (all.Count == 0 || (_peers is null && tried is not { Count: > 0 }))
        {
            return all;
        }

        List<AgentMember>? best = null;
        int bestRank = int.MaxValue;
        foreach (AgentMember member in all)
        {
            int rank = Rank(member);
            if (rank > bestRank || rank == int.MaxValue || tried?.Contains(member.Id) == true)
            {
                continue;
            }

            if (rank < bestRank)
            {
                best = [];
                bestRank = rank;
            }

            best!.Add(member);
        }

        return best ?? (IReadOnlyList<AgentMember>)[];
    }

    private int Rank(AgentMember member)
    {
        if (_peers is null || member.Node == _peers.Self)
        {
            return 0;
        }

        if (_peers.IsSuspect(member.Node))
        {
            return int.MaxValue;
        }

        return _nodes!.FindNode(member.Node) switch
        {
            { IsDraining: false } => _plan!.Options.LocalFirst ? 1 : 0,
            _ => 2,
        };
    }
}
