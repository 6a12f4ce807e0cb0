namespace MtaTls.QuicTunnel.Sessions;

/// <summary>The phases of a connection's life, in their order.</summary>
internal enum TunnelConnectionPhase
{
    /// <summary>The handshake runs.</summary>
    Connecting,

    /// <summary>The handshake is done; which session the connection belongs to is not agreed yet.</summary>
    Negotiating,

    /// <summary>The connection is a path of a session.</summary>
    Joined,

    /// <summary>This end has closed it; what still comes is ignored.</summary>
    Closing,

    /// <summary>It is over.</summary>
    Ended,
}
