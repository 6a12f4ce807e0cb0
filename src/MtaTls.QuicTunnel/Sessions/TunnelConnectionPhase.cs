namespace MtaTls.QuicTunnel.Sessions;

/// <summary>The phases of a connection, in order.</summary>
internal enum TunnelConnectionPhase
{
    /// <summary>The handshake runs.</summary>
    Connecting,

    /// <summary>The handshake is complete, but the connection has not joined a session yet.</summary>
    Negotiating,

    /// <summary>The connection is a path of a session.</summary>
    Joined,

    /// <summary>This end has closed the connection. Further data is ignored.</summary>
    Closing,

    /// <summary>The connection has ended.</summary>
    Ended,
}
