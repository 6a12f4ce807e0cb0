namespace MtaTls.QuicTunnel;

/// <summary>How a session's packets are distributed over its paths. Each end chooses the scheduler for the packets that it sends.</summary>
public enum TunnelScheduler
{
    /// <summary>
    /// Sends each packet over the path that delivers it first. A slower path takes packets that would arrive later over the faster paths. This gives the lowest delay and the capacity of
    /// all paths. The default.
    /// </summary>
    EarliestDelivery,

    /// <summary>Uses similar paths in turn, each in proportion to its rate. Much slower paths are used as with <see cref="EarliestDelivery"/>.</summary>
    RoundRobin,

    /// <summary>Sends every packet over every path. The receiver keeps the first copy. For a small amount of traffic that must be neither lost nor late.</summary>
    Redundant,

    /// <summary>Uses the preferred path as long as it works, and otherwise the next one. For a second access network that costs money.</summary>
    ActiveBackup,
}
