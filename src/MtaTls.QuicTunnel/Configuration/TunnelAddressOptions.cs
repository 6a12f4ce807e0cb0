namespace MtaTls.QuicTunnel;

/// <summary>Which addresses clients may use in the tunnel. The draft leaves their assignment to other means: here it is configuration.</summary>
public sealed class TunnelAddressOptions
{
    /// <summary>
    /// Identity (a certificate's subject such as <c>CN=laptop-1</c>, or a token's name) to its addresses. Packets to them go to the identity's newest session. Default empty.
    /// </summary>
    public IDictionary<string, IList<string>> Identities { get; } = new Dictionary<string, IList<string>>(StringComparer.Ordinal);

    /// <summary>
    /// Networks out of which a session without listed addresses takes the first free ones that it sends from: <c>10.99.0.64/26</c>. Network and broadcast addresses, the
    /// host's own and those listed in <see cref="Identities"/> are not in it, whatever it says. Default empty.
    /// </summary>
    public IList<string> Pool { get; } = [];

    /// <summary>Pool addresses that one session can take, 1 to 64. Default 4: an IPv4 and an IPv6 address, and room for a change.</summary>
    public int MaxPerSession { get; set; } = 4;

    /// <summary>How long a pool address rests after its session has ended before another client can have it, so that it gets nothing meant for the former one. Default 1 minute, 0 to 1 day.</summary>
    public TimeSpan RestPeriod { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether clients may send to each other. Default false.</summary>
    public bool AllowClientToClient { get; set; }
}
