namespace MtaTls.ReverseProxy.Redis;

/// <summary>Which Redis the gateways share. What else there is to a cluster of gateways stands in <c>MtaTls:Cluster</c>.</summary>
public sealed class MtaTlsRedisDirectoryOptions
{
    /// <summary>How Redis is reached, as StackExchange.Redis reads it: <c>redis:6379,password=...</c>.</summary>
    /// <value>Default: null, the application's <c>IConnectionMultiplexer</c>.</value>
    public string? ConnectionString { get; set; }

    /// <summary>The name of a connection string of the configuration (<c>ConnectionStrings:redis</c>), in place of <see cref="ConnectionString"/>.</summary>
    /// <value>Default: null.</value>
    public string? ConnectionName { get; set; }

    /// <summary>The key of the application's <c>IConnectionMultiplexer</c>, where it was added with one (<c>AddKeyedRedisClient("redis")</c>).</summary>
    /// <value>Default: null, the one without a key.</value>
    public object? ServiceKey { get; set; }

    /// <summary>What all keys begin with. Gateways that share agents have the same.</summary>
    /// <value>Default: <c>mtatls</c>. 1 to 64 letters, digits, hyphens, underscores, dots and colons.</value>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public string Prefix
    {
        get;
        set => field = value is { Length: > 0 and <= 64 } && value.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or ':')
            ? value
            : throw new ArgumentException("The prefix is 1 to 64 letters, digits, hyphens, underscores, dots and colons.", nameof(value));
    }
    = "mtatls";
}
