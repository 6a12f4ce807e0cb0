using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>
/// The agents that a request may go to now. With several gateways the order is: agents of this gateway (with <c>LocalFirst</c>), agents of other gateways, agents of gateways that are draining. Agents of a
/// gateway that can't be reached are left out.
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
            // A change of a gateway can change the agents of every name that it serves.
            _peers.SuspectsChanged += _ => Changed?.Invoke(null);
            _nodes.NodeChanged += _ => Changed?.Invoke(null);
        }
    }

    /// <summary>Called with the name whose members have changed; null: the members of any name may have changed. Handlers must neither block nor throw.</summary>
    public event Action<string?>? Changed;

    /// <summary>Loads the agents of a name from the directory, so that <see cref="Find"/> returns all of them.</summary>
    /// <param name="name">The name.</param>
    /// <param name="isKept">Whether the name is in the configuration: the directory then watches it as long as the gateway runs.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether all are loaded; false: the directory can't be asked now.</returns>
    public ValueTask<bool> LoadAsync(string name, bool isKept = false, CancellationToken cancellationToken = default) => _directory.LoadAsync(name, isKept, cancellationToken);

    /// <summary>Whether any agent has the name, also with a gateway that can't be reached.</summary>
    public bool IsKnown(string name) => _directory.Find(name).Count > 0;

    /// <summary>The agents of a name, without those in <paramref name="tried"/>.</summary>
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
