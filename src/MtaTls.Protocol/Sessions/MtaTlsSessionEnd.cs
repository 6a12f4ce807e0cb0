namespace MtaTls.Protocol;

/// <summary>How a session ended; see <see cref="MtaTlsSession.End"/>. Exceptions, logs, metrics and activities show the same value.</summary>
public enum MtaTlsSessionEnd
{
    /// <summary>The peer ended it in order, with close_notify.</summary>
    PeerClosed,

    /// <summary>This end ended it in order, or was disposed.</summary>
    Shutdown,

    /// <summary>This end ended it in order, because it had no channels for a while.</summary>
    Idle,

    /// <summary>The peer broke a rule of the packet layer.</summary>
    ProtocolError,

    /// <summary>The peer exceeded a limit of the session; <see cref="MtaTlsSession.EndLimit"/> says which.</summary>
    LimitExceeded,

    /// <summary>The connection below failed, or ended without close_notify.</summary>
    TransportLost,

    /// <summary>This end aborted it.</summary>
    Aborted,
}
