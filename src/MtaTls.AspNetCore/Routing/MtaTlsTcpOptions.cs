namespace MtaTls.AspNetCore;

/// <summary>How channels are forwarded over TCP (<c>MtaTls:Tcp</c>), for every route whose action is <see cref="ChannelRouteAction.Tcp"/>.</summary>
public sealed class MtaTlsTcpOptions
{
    private TimeSpan _connectTimeout = TimeSpan.FromSeconds(10);
    private TimeSpan _halfCloseLinger = TimeSpan.FromSeconds(30);
    private TimeSpan _shutdownIdleTimeout = TimeSpan.FromSeconds(5);
    private int _maxConnections = 10_000;
    private int _maxConnectionsPerAddress = 5_000;
    private int _maxLookups = 16;
    private int _maxLookupsPerAddress = 4;

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
    /// When the server stops, a connection through which nothing has gone for so long is closed in order, with its channel; one that is in use goes on until the host's shutdown timeout.
    /// Without it a connection that is held open for later use would hold every shutdown. <value>Default: 5 seconds. Range: zero (all are closed at once) to 1 hour.</value>
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan ShutdownIdleTimeout
    {
        get => _shutdownIdleTimeout;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromHours(1));
            _shutdownIdleTimeout = value;
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

    /// <summary>
    /// The same for the channels of one client address, which is an IPv4 address or a /64 of IPv6: the rest of <see cref="MaxConnections"/> stays for
    /// others. <value>Default: 5,000. Range: 1 and more.</value>
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxConnectionsPerAddress
    {
        get => _maxConnectionsPerAddress;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _maxConnectionsPerAddress = value;
        }
    }

    /// <summary>
    /// The most names that are looked up at one time, of all sessions; further ones wait within <see cref="ConnectTimeout"/>. A lookup holds a thread. Read at the start
    /// only. <value>Default: 16. Range: 1 to 1,000.</value>
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxLookups
    {
        get => _maxLookups;
        set => _maxLookups = Lookups(value);
    }

    /// <summary>
    /// The same for the channels of one client address, so that names that resolve slowly do not keep those of others waiting. Read at the start
    /// only. <value>Default: 4. Range: 1 to 1,000.</value>
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxLookupsPerAddress
    {
        get => _maxLookupsPerAddress;
        set => _maxLookupsPerAddress = Lookups(value);
    }

    private static int Lookups(int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 1000);
        return value;
    }
}
