namespace MtaTls.QuicTunnel.Redis;

/// <summary>The Redis that the concentrators share. All other settings of the cluster are in <c>QuicTunnel:Cluster</c>.</summary>
public sealed class QuicTunnelRedisOptions
{
    /// <summary>The connection string, in the format of StackExchange.Redis: <c>redis:6379,password=...</c>.</summary>
    /// <value>Default: null, the application's <c>IConnectionMultiplexer</c>.</value>
    public string? ConnectionString { get; set; }

    /// <summary>The prefix of all keys. Concentrators behind one balancer must have the same prefix.</summary>
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
