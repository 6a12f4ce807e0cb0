namespace MtaTls.QuicTunnel.Diagnostics;

/// <summary>Why a packet was dropped. Metrics use the names in snake case.</summary>
internal enum DropReason
{
    /// <summary>The datagram arrived before its connection had negotiated a session.</summary>
    NotNegotiated,

    /// <summary>The datagram is too short for its header, or it has no valid IP packet or address message.</summary>
    Malformed,

    /// <summary>The Protocol Type is neither IPv4 nor IPv6, or does not match the packet.</summary>
    UnsupportedProtocol,

    /// <summary>A packet from a client has a source address that its session does not own (RFC 2827).</summary>
    SpoofedSource,

    /// <summary>A packet from one client to another, while AllowClientToClient is false.</summary>
    ClientToClient,

    /// <summary>No session owns the destination address.</summary>
    NoRoute,

    /// <summary>The session has no connected path now.</summary>
    NoPath,

    /// <summary>The session's queue dropped the packet (CoDel, or the queue was full), or there was no memory for waiting packets.</summary>
    Congested,

    /// <summary>The packet is too large for all paths, or no path carries its protocol. The sender gets an ICMP error.</summary>
    TooBig,

    /// <summary>A packet with the same tag and the same bytes arrived before.</summary>
    Duplicate,

    /// <summary>The packet has no hop left. The sender gets an ICMP error.</summary>
    HopLimit,

    /// <summary>The packet has a link-scoped address, such as multicast or link-local, and is not forwarded.</summary>
    LinkScope,

    /// <summary>The packet interface did not accept the packet.</summary>
    Interface,
}
