namespace MtaTls.Protocol;

/// <summary>How a session ended; see <see cref="MtaTlsSessionException.End"/>. Exceptions, logs, metrics and activities use the same values.</summary>
public enum MtaTlsSessionEnd
{
    /// <summary>The peer ended the session in order, with close_notify.</summary>
    PeerClosed,

    /// <summary>This end ended the session in order, or disposed it.</summary>
    Shutdown,

    /// <summary>This end ended the session in order, because it had no channels for its idle time.</summary>
    Idle,

    /// <summary>The peer broke a rule of the packet layer.</summary>
    ProtocolError,

    /// <summary>The peer exceeded a limit of the session; <see cref="MtaTlsSessionException.Limit"/> tells which.</summary>
    LimitExceeded,

    /// <summary>The TLS connection below the session failed, or ended without close_notify.</summary>
    TransportLost,

    /// <summary>This end aborted the session.</summary>
    Aborted,
}
