namespace MtaTls.QuicTunnel.Sessions;

/// <summary>The result of sending a packet into a session.</summary>
internal enum SendResult
{
    /// <summary>The packet was queued or sent. The queue may still drop it later.</summary>
    Sent,

    /// <summary>No path is connected and available, or the packet does not fit while path MTU discovery still runs.</summary>
    NoPath,

    /// <summary>There is no memory for waiting packets or, with the redundant scheduler, the queues of all paths are full.</summary>
    Congested,

    /// <summary>No path carries a packet of this size.</summary>
    TooBig,

    /// <summary>No path carries IPv6, which needs packets of 1,280 bytes.</summary>
    NotCarried,
}
