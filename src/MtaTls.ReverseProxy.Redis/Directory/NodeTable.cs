using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The live nodes, as they were last read.</summary>
internal sealed class NodeTable
{
    private volatile Nodes _nodes = new([], []);
    private int _version;

    /// <summary>Grows with each change.</summary>
    public int Version => Volatile.Read(ref _version);

    public IReadOnlyCollection<MtaTlsNode> All => _nodes.Now.Values;

    public MtaTlsNode? Find(string name) => _nodes.Now.GetValueOrDefault(name);

    /// <summary>Whether a member is valid: its node is alive with the same epoch, or had that epoch before Redis lost its data.</summary>
    public bool IsValid(in DirectoryMember member)
    {
        Nodes nodes = _nodes;
        if (!nodes.Now.TryGetValue(member.Agent.Node, out MtaTlsNode? node))
        {
            return false;
        }

        return node.Epoch == member.Epoch
            || (nodes.Former.TryGetValue(member.Agent.Node, out long former) && member.Epoch >= Math.Min(former, node.Epoch) && member.Epoch <= Math.Max(former, node.Epoch));
    }

    /// <summary>Stores the nodes that were read. Calls must not overlap.</summary>
    /// <param name="seen">The nodes that were read.</param>
    /// <param name="isHolding">
    /// Whether Redis may have lost its data. Nodes that were not read are then kept, and the former members of a node with a new epoch stay valid until the node has announced them again.
    /// </param>
    /// <returns>Each node that has changed, before and now.</returns>
    public List<(string Name, MtaTlsNode? Before, MtaTlsNode? Now)> Update(IReadOnlyDictionary<string, MtaTlsNode> seen, bool isHolding)
    {
        Dictionary<string, MtaTlsNode> before = _nodes.Now, now = new(seen, StringComparer.Ordinal);
        Dictionary<string, long> former = isHolding ? new(_nodes.Former, StringComparer.Ordinal) : [];
        if (isHolding)
        {
            foreach ((string name, MtaTlsNode node) in before)
            {
                if (!now.TryAdd(name, node) && now[name].Epoch != node.Epoch)
                {
                    former.TryAdd(name, node.Epoch);
                }
            }
        }

        List<(string, MtaTlsNode?, MtaTlsNode?)> changes = [];
        foreach (string name in before.Keys.Union(now.Keys))
        {
            if (before.GetValueOrDefault(name) != now.GetValueOrDefault(name))
            {
                changes.Add((name, before.GetValueOrDefault(name), now.GetValueOrDefault(name)));
            }
        }

        if (changes.Count > 0 || former.Count != _nodes.Former.Count)
        {
            _nodes = new Nodes(now, former);
            Interlocked.Increment(ref _version);
        }

        return changes;
    }

    /// <param name="Now">The nodes.</param>
    /// <param name="Former">The epochs that nodes had before Redis lost its data.</param>
    private sealed record Nodes(Dictionary<string, MtaTlsNode> Now, Dictionary<string, long> Former);
}
