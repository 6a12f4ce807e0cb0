namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>What a scheduler wants to know of a path.</summary>
/// <param name="Rtt">The smoothed round-trip time in ticks of 100 ns, at least 1.</param>
/// <param name="CongestionWindow">In octets, at least 1.</param>
/// <param name="Outstanding">Octets in flight and octets that wait to be sent.</param>
internal readonly record struct PathLoad(long Rtt, long CongestionWindow, long Outstanding)
{
    public bool HasRoom => Outstanding < CongestionWindow;

    /// <summary>Octets a second that the path has shown to take.</summary>
    public double Capacity => (double)CongestionWindow * TimeSpan.TicksPerSecond / Rtt;

    /// <summary>When a packet given to the path now would be acknowledged: a round trip for each congestion window before it, and its own.</summary>
    public long DeliveryTime => (long)(Rtt * (1 + ((double)Outstanding / CongestionWindow)));
}
