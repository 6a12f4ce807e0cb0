namespace MtaTls.ReverseProxy.Cluster;

/// <summary>
/// Knows the gateways of the cluster. A directory of agents that several gateways share implements it beside <see cref="Agents.IAgentDirectory"/>, and calls <c>AddMtaTlsPeers()</c>. Members of a node that
/// it does not know do not count.
/// </summary>
public interface INodeDirectory
{
    /// <summary>Called with a node's name when it has come, changed or gone. Handlers must neither block nor throw.</summary>
    event Action<string>? NodeChanged;

    /// <summary>A node that lives; null: there is none of that name. It must not wait.</summary>
    /// <param name="name">The node's name.</param>
    MtaTlsNode? FindNode(string name);

    /// <summary>All nodes that live, this one included.</summary>
    IReadOnlyList<MtaTlsNode> ListNodes();

    /// <summary>Tells all nodes that this one is about to stop: new requests go to others.</summary>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>Ends when it is said, or can't be. It does not throw.</returns>
    ValueTask AnnounceDrainAsync(CancellationToken cancellationToken = default);
}
