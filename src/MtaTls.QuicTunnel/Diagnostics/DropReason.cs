namespace MtaTls.QuicTunnel.Diagnostics;

/// <summary>Why a packet was dropped. Metrics name them in snake case.</summary>
internal enum DropReason
{
    /// <summary>A datagram before the connection had negotiated its session.</summary>
    NotNegotiated,

    /// <summary>A datagram too short for its head, or no whole IP packet.</summary>
    Malformed,

    /// <summary>A Protocol Type other than IPv4's and IPv6's, or one that the packet contradicts.</summary>
    UnsupportedProtocol,

    /// <summary>From a client, with a source address that its session does not own (RFC 2827).</summary>
    SpoofedSource,

    /// <summary>From one client to another, where that is off.</summary>
    ClientToClient,

    /// <summary>To an address that no session owns.</summary>
    NoRoute,

    /// <summary>No path can take it now.</summary>
    NoPath,

    /// <summary>Every path's queue is full.</summary>
    Congested,

    /// <summary>Larger than what the path takes; the sender was told.</summary>
    TooBig,

    /// <summary>Its tag and octets were there before.</summary>
    Duplicate,

    /// <summary>Its hop limit was used up; the sender was told.</summary>
    HopLimit,

    /// <summary>Multicast, link-local and the like stay on their link.</summary>
    LinkScope,

    /// <summary>The packet interface did not take it.</summary>
    Interface,
}
