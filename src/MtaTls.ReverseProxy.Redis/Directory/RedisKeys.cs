using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The keys. Those of nodes have one hash tag, so that they are read together in a Redis Cluster too; those of names are spread.</summary>
internal sealed class RedisKeys(string prefix)
{
    /// <summary>A counter: the last epoch.</summary>
    public RedisKey Epoch { get; } = $"{prefix}:epoch";

    /// <summary>A set: the names of nodes.</summary>
    public RedisKey Nodes { get; } = $"{prefix}:{{nodes}}";

    /// <summary>Messages about what has changed.</summary>
    public RedisChannel Changes { get; } = RedisChannel.Literal($"{prefix}:changes");

    /// <summary>A text that ends with the node's lease.</summary>
    public RedisKey Node(string node) => $"{prefix}:{{nodes}}:{node}";

    /// <summary>A set: the members of a name.</summary>
    public RedisKey Agents(string name) => $"{prefix}:agents:{name}";
}
