namespace MtaTls.QuicTunnel;

/// <summary>How a session's packets are spread over its paths. Each end chooses for what it sends.</summary>
public enum TunnelScheduler
{
    /// <summary>
    /// The path with the least round-trip time whose congestion window has room; with none of them free, the one that will have delivered first. Fills
    /// a second path only when the first is full: the lowest delay, and the capacity of all. The default.
    /// </summary>
    MinRtt,

    /// <summary>Every path in turn, as often as its capacity (congestion window by round-trip time) allows. For paths that are much alike.</summary>
    RoundRobin,

    /// <summary>Every packet over every path; the receiver keeps the first. For little traffic that must not be lost or late.</summary>
    Redundant,

    /// <summary>The path that joined first, as long as it works; the next one when it does not. For a second access network that costs money.</summary>
    ActiveBackup,
}
