namespace MtaTls.QuicTunnel;

/// <summary>
/// Application error codes. The draft defines the first three (section 8.3); they are sent in RESET_STREAM on the control stream.
/// The others are codes of this implementation and close a QUIC connection.
/// </summary>
public enum QuicTunnelError
{
    /// <summary>UNKNOWN_ERROR. When it closes a connection, it means a normal end.</summary>
    Unknown = 0x0,

    /// <summary>UNKNOWN_SESSION_ID: the session id was never issued, has expired, or belongs to another identity.</summary>
    UnknownSessionId = 0x1,

    /// <summary>CONFLICTING_STATE: the connection cannot join the session, for example because the session has its maximum number of connections.</summary>
    ConflictingState = 0x2,

    /// <summary>The peer sent a message that is malformed, out of order, or not allowed for its role.</summary>
    ProtocolViolation = 0x10,

    /// <summary>The client is not authenticated, or may not use the concentrator.</summary>
    Unauthorized = 0x11,

    /// <summary>A limit of the concentrator was reached.</summary>
    LimitExceeded = 0x12,

    /// <summary>The application ended the session.</summary>
    SessionEnded = 0x13,

    /// <summary>The client did not negotiate a session in time.</summary>
    NegotiationTimeout = 0x14,
}
