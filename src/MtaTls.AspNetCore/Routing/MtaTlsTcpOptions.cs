namespace MtaTls.AspNetCore;

/// <summary>How channels are forwarded over TCP (<c>MtaTls:Tcp</c>), for every route whose action is <see cref="ChannelRouteAction.Tcp"/>.</summary>
public sealed class MtaTlsTcpOptions
{
    /// <summary>The longest time from a channel's open to its TCP connection, name resolution included. Then the open is refused.</summary>
    /// <value>Default: 10 seconds. Range: more than 0, at most 5 minutes.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Ranges.Positive(value, TimeSpan.FromMinutes(5)); } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a TCP connection stays open after its channel has closed and the server has sent its FIN, so that the destination can read all data and close. Data that the destination sends in this
    /// time is discarded, because a closed channel carries none.
    /// </summary>
    /// <value>Default: 30 seconds. Range: 0 to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan HalfCloseLinger { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// When the server stops, it closes a TCP connection that has carried no data for this time, and its channel. Connections in use continue until the host's shutdown timeout. Without this limit,
    /// connections that are kept open for later use would delay every shutdown.
    /// </summary>
    /// <value>Default: 5 seconds. Range: 0 (all are closed at once) to 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan ShutdownIdleTimeout { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// TCP connections for channels of all sessions at a time, open or being opened. Further opens are refused. Each connection takes a file descriptor and a local port.
    /// </summary>
    /// <value>Default: 10,000. Range: 1 or more.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxConnections { get; set => field = Ranges.Check(value, 1, int.MaxValue); } = 10_000;

    /// <summary>
    /// TCP connections for the channels of one client address (an IPv4 address, or a /64 of IPv6) at a time, so that the rest of <see cref="MaxConnections"/> is left for
    /// other addresses. Further opens are refused.
    /// </summary>
    /// <value>Default: 5,000. Range: 1 or more.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxConnectionsPerAddress { get; set => field = Ranges.Check(value, 1, int.MaxValue); } = 5_000;

    /// <summary>
    /// Name lookups for all sessions at a time. Further lookups wait, within <see cref="ConnectTimeout"/>. Each lookup takes a thread. Read at the start only.
    /// </summary>
    /// <value>Default: 16. Range: 1 to 1,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxLookups { get; set => field = Ranges.Check(value, 1, 1_000); } = 16;

    /// <summary>
    /// Name lookups for the channels of one client address at a time, so that the slow lookups of one client do not delay those of others. Read at the start only.
    /// </summary>
    /// <value>Default: 4. Range: 1 to 1,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxLookupsPerAddress { get; set => field = Ranges.Check(value, 1, 1_000); } = 4;
}
