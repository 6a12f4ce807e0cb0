namespace MtaTls.QuicTunnel;

/// <summary>
/// The application error codes of this implementation. The first three are the draft's own (section 8.3) and travel in RESET_STREAM
/// on the control stream; the others close a QUIC connection.
/// </summary>
public enum QuicTunnelError
{
    /// <summary>UNKNOWN_ERROR; on a connection's close: an orderly end.</summary>
    Unknown = 0x0,

    /// <summary>UNKNOWN_SESSION_ID: the session id was never issued, has expired, or belongs to another identity.</summary>
    UnknownSessionId = 0x1,

    /// <summary>CONFLICTING_STATE: the connection cannot become part of that session, which has as many as it may have.</summary>
    ConflictingState = 0x2,

    /// <summary>The peer sent what its role, the order of messages or their format forbids.</summary>
    ProtocolViolation = 0x10,

    /// <summary>The client did not show who it is, or may not open a session.</summary>
    Unauthorized = 0x11,

    /// <summary>A limit of the concentrator was reached.</summary>
    LimitExceeded = 0x12,

    /// <summary>The application ended the session.</summary>
    SessionEnded = 0x13,

    /// <summary>The client did not negotiate a session in time.</summary>
    NegotiationTimeout = 0x14,
}
