namespace MtaTls.ReverseProxy.Cluster;

/// <summary>
/// Finds the gateways (nodes) of the cluster. A directory that several gateways share implements this interface as well as <see cref="Agents.IAgentDirectory"/>, and calls <c>AddMtaTlsPeers()</c>. A
/// gateway opens no channels to agents of a node that this directory does not know.
/// </summary>
public interface INodeDirectory
{
    /// <summary>Called with a node's name when the node has joined, changed or left. Handlers must neither block nor throw.</summary>
    event Action<string>? NodeChanged;

    /// <summary>Finds a live node. Called for each request: it must not block.</summary>
    /// <param name="name">The node's name.</param>
    /// <returns>The node; null: no live node has the name.</returns>
    MtaTlsNode? FindNode(string name);

    /// <summary>All live nodes, this one included.</summary>
    /// <returns>The nodes, in no particular order.</returns>
    IReadOnlyList<MtaTlsNode> ListNodes();

    /// <summary>Tells all nodes that this one is about to stop, so that they send new requests to other nodes. It does not throw.</summary>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>Completes when the nodes are told, or can't be told.</returns>
    ValueTask AnnounceDrainAsync(CancellationToken cancellationToken = default);
}
