namespace MtaTls.ReverseProxy.Redis;

/// <summary>The Redis that the gateways share. All other settings of a cluster of gateways are in <c>MtaTls:Cluster</c>.</summary>
public sealed class MtaTlsRedisDirectoryOptions
{
    /// <summary>The connection string, in the format of StackExchange.Redis: <c>redis:6379,password=...</c>.</summary>
    /// <value>Default: null, the application's <c>IConnectionMultiplexer</c>.</value>
    public string? ConnectionString { get; set; }

    /// <summary>The name of a connection string in the configuration: <c>redis</c> for <c>ConnectionStrings:redis</c>. It is used if <see cref="ConnectionString"/> is null.</summary>
    /// <value>Default: null.</value>
    public string? ConnectionName { get; set; }

    /// <summary>The service key of the application's <c>IConnectionMultiplexer</c>, if it was registered with one (<c>AddKeyedRedisClient("redis")</c>).</summary>
    /// <value>Default: null, the <c>IConnectionMultiplexer</c> without a key.</value>
    public object? ServiceKey { get; set; }

    /// <summary>The prefix of all keys. Gateways that share agents must have the same prefix.</summary>
    /// <value>1 to 64 letters, digits, hyphens, underscores, dots or colons. Default: <c>mtatls</c>.</value>
    /// <exception cref="ArgumentException">The value is not such a text.</exception>
    public string Prefix
    {
        get;
        set => field = value is { Length: > 0 and <= 64 } && value.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or ':')
            ? value
            : throw new ArgumentException("The prefix must be 1 to 64 letters, digits, hyphens, underscores, dots or colons.", nameof(value));
    }
    = "mtatls";
}
