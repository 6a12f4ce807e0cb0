using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The nodes that live, as they were seen last.</summary>
internal sealed class NodeTable
{
    private volatile Dictionary<string, MtaTlsNode> _nodes = [];
    private int _version;

    /// <summary>Grows with each change.</summary>
    public int Version => Volatile.Read(ref _version);

    public IReadOnlyCollection<MtaTlsNode> All => _nodes.Values;

    public MtaTlsNode? Find(string name) => _nodes.GetValueOrDefault(name);

    /// <summary>Whether a member counts.</summary>
    public bool IsValid(in DirectoryMember member) => Find(member.Agent.Node) is { } node && node.Epoch == member.Epoch;

    /// <summary>Takes what was seen. Called by one at a time.</summary>
    /// <param name="seen">The nodes.</param>
    /// <param name="keepMissing">Whether nodes that were not seen stay: Redis has lost its data, and they will come back.</param>
    /// <returns>What was there before and is there now, for each node that differs.</returns>
    public List<(string Name, MtaTlsNode? Before, MtaTlsNode? Now)> Update(IReadOnlyDictionary<string, MtaTlsNode> seen, bool keepMissing)
    {
        Dictionary<string, MtaTlsNode> before = _nodes, now = new(seen, StringComparer.Ordinal);
        if (keepMissing)
        {
            foreach ((string name, MtaTlsNode node) in before)
            {
                now.TryAdd(name, node);
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

        if (changes.Count > 0)
        {
            _nodes = now;
            Interlocked.Increment(ref _version);
        }

        return changes;
    }
}
