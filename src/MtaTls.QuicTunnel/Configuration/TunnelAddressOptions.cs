namespace MtaTls.QuicTunnel;

/// <summary>The addresses that clients may use in the tunnel. The draft does not assign addresses, so they are configured here.</summary>
public sealed class TunnelAddressOptions
{
    /// <summary>
    /// Identities (a certificate's subject such as <c>CN=laptop-1</c>, or a token's name) with their addresses. Packets to these addresses go to the identity's newest session with a connection.
    /// </summary>
    /// <value>Default: empty.</value>
    public IDictionary<string, IList<string>> Identities { get; } = new Dictionary<string, IList<string>>(StringComparer.Ordinal);

    /// <summary>
    /// Networks such as <c>10.99.0.64/26</c>. A session without listed addresses gets the first free addresses of them that it sends from. Network and broadcast addresses, the
    /// host's own addresses and those in <see cref="Identities"/> are never assigned from the pool.
    /// </summary>
    /// <value>Default: empty.</value>
    public IList<string> Pool { get; } = [];

    /// <summary>The most pool addresses of one session.</summary>
    /// <value>Default: 4 addresses (one IPv4 and one IPv6 address, and room for a change). Range: 1 to 64.</value>
    public int MaxPerSession { get; set; } = 4;

    /// <summary>How long a pool address is not assigned to another identity after its session has ended, so that the next client gets no packets for the former one.</summary>
    /// <value>Default: 1 minute. Range: 0 to 1 day.</value>
    public TimeSpan RestPeriod { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether clients may send packets to each other.</summary>
    /// <value>Default: false.</value>
    public bool AllowClientToClient { get; set; }
}
