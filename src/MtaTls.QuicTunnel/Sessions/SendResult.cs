namespace MtaTls.QuicTunnel.Sessions;

internal enum SendResult
{
    Sent,

    /// <summary>No path works, or none carries this protocol.</summary>
    NoPath,

    /// <summary>Every path's queue is full.</summary>
    Congested,

    /// <summary>No path takes a packet of this size.</summary>
    TooBig,

    /// <summary>Every path is too narrow for IPv6, which needs 1,280 bytes.</summary>
    NotCarried,
}
