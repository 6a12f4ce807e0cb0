namespace MtaTls.AspNetCore;

/// <summary>
/// Load balancers in front of the server that send the client's address in a PROXY protocol header (<c>MtaTls:ProxyProtocol</c>), of version 1 or 2. Read when an endpoint is bound.
/// </summary>
public sealed class MtaTlsProxyProtocolOptions
{
    /// <summary>The highest value of <see cref="MaxHeaderLength"/>: the longest header that the length field of version 2 can express.</summary>
    internal const int LongestHeader = 16 + ushort.MaxValue;

    /// <summary>The length of the longest header of version 1, and the least value of <see cref="MaxHeaderLength"/>.</summary>
    internal const int LongestTextHeader = 107;

    internal static readonly TimeSpan MaxHeaderTimeout = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The addresses and networks of the load balancers (<c>10.0.0.0/8</c>, <c>192.0.2.1</c>), and <c>unix</c> for the peers of Unix sockets. Every connection from them must begin with a header. Other
    /// connections must not, and keep their own address. Default: empty, the PROXY protocol is not spoken.
    /// </summary>
    public IList<string> Networks { get; } = [];

    /// <summary>The names of the HTTPS endpoints that load balancers connect to (of <c>MtaTls:Endpoints</c> or <c>Kestrel:Endpoints</c>). Default: empty, every HTTPS endpoint.</summary>
    public IList<string> Endpoints { get; } = [];

    /// <summary>The longest header, its TLVs included; 107 to 65,551 bytes, default 2,048. A connection with a longer one is closed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxHeaderLength { get; set => field = Ranges.Check(value, LongestTextHeader, LongestHeader); } = 2048;

    /// <summary>How long the header may take to arrive; more than 0, at most 5 minutes, default 5 seconds. <see cref="MtaTlsLimits.HandshakeTimeout"/> begins after it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan HeaderTimeout { get; set => field = Ranges.Positive(value, MaxHeaderTimeout); } = TimeSpan.FromSeconds(5);
}
