using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The keys in Redis. Keys of nodes share a hash tag, so that one command can read them in a Redis Cluster too. Keys of names are spread over its nodes.</summary>
internal sealed class RedisKeys(string prefix)
{
    /// <summary>A counter: the last epoch that a node has taken.</summary>
    public RedisKey Epoch { get; } = $"{prefix}:epoch";

    /// <summary>A set: the names of nodes.</summary>
    public RedisKey Nodes { get; } = $"{prefix}:{{nodes}}";

    /// <summary>The channel of <see cref="ChangeMessage"/>.</summary>
    public RedisChannel Changes { get; } = RedisChannel.Literal($"{prefix}:changes");

    /// <summary>A text (<see cref="NodeText"/>) that expires with the node's lease.</summary>
    public RedisKey Node(string node) => $"{prefix}:{{nodes}}:{node}";

    /// <summary>A set: the members of a name (<see cref="DirectoryMember"/>).</summary>
    public RedisKey Agents(string name) => $"{prefix}:agents:{name}";
}
