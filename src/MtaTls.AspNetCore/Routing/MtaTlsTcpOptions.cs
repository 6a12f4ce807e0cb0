namespace MtaTls.AspNetCore;

/// <summary>How channels are forwarded over TCP (<c>MtaTls:Tcp</c>), for every route whose action is <see cref="ChannelRouteAction.Tcp"/>.</summary>
public sealed class MtaTlsTcpOptions
{
    private TimeSpan _connectTimeout = TimeSpan.FromSeconds(10);
    private TimeSpan _halfCloseLinger = TimeSpan.FromSeconds(30);
    private int _maxConnections = 10_000;

    /// <summary>
    /// The longest time from a channel's open to its TCP connection, name resolution included; then the open is refused. <value>Default: 10 seconds. Range: above zero, at most 5
    /// minutes.</value>
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan ConnectTimeout
    {
        get => _connectTimeout;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromMinutes(5));
            _connectTimeout = value;
        }
    }

    /// <summary>
    /// How long a TCP connection stays open after its channel has closed and we have sent our FIN: the other end reads what was sent and closes; what it still
    /// sends is discarded, for a closed channel carries nothing. <value>Default: 30 seconds. Range: zero to 1 hour.</value>
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan HalfCloseLinger
    {
        get => _halfCloseLinger;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromHours(1));
            _halfCloseLinger = value;
        }
    }

    /// <summary>
    /// The most TCP connections that exist or are being made for channels at one time, of all sessions; above it opens are refused. Each takes a file descriptor and a local
    /// port. <value>Default: 10,000. Range: 1 and more.</value>
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxConnections
    {
        get => _maxConnections;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _maxConnections = value;
        }
    }
}
