namespace MtaTls.QuicTunnel;

/// <summary>How a session's packets are spread over its paths. Each end chooses for what it sends.</summary>
public enum TunnelScheduler
{
    /// <summary>
    /// Each packet over the path that delivers it first. A slower path takes what would arrive later over the quicker ones: the lowest delay, and the capacity of all. The default.
    /// </summary>
    EarliestDelivery,

    /// <summary>Paths that are much alike in turn, as much as their rates allow; much slower ones as with <see cref="EarliestDelivery"/>.</summary>
    RoundRobin,

    /// <summary>Every packet over every path; the receiver keeps the first. For little traffic that must not be lost or late.</summary>
    Redundant,

    /// <summary>The preferred path, as long as it works; the next one when it does not. For a second access network that costs money.</summary>
    ActiveBackup,
}
