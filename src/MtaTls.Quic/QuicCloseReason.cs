namespace MtaTls.Quic;

/// <summary>Why a connection ended.</summary>
/// <param name="Kind">The kind of the end.</param>
/// <param name="IsRemote">Whether the peer ended it.</param>
/// <param name="ErrorCode">The application's error code, or the QUIC transport error code (0x100 + TLS alert for a failed handshake); 0 if there is none.</param>
/// <param name="Text">The reason phrase, or the error that this end found. A peer's phrase is cut to 256 bytes, and its control characters are replaced.</param>
/// <param name="Exception">The exception that ended the connection, for example from a handler; null if there was none.</param>
internal readonly record struct QuicCloseReason(QuicCloseKind Kind, bool IsRemote, ulong ErrorCode = 0, string Text = "", Exception? Exception = null)
{
    /// <summary>The reason in one line, for logs.</summary>
    public override string ToString() =>
        $"{Kind}{(IsRemote ? " by the peer" : "")}{(ErrorCode != 0 || Kind == QuicCloseKind.Application ? $" 0x{ErrorCode:x}" : "")}{(Text.Length > 0 ? $": {Text}" : "")}";
}

/// <summary>How a connection ended.</summary>
internal enum QuicCloseKind
{
    /// <summary>The application of either end closed the connection (CONNECTION_CLOSE).</summary>
    Application,

    /// <summary>Either end found a transport error.</summary>
    Transport,

    /// <summary>The TLS handshake failed with an alert, for example because a certificate was refused or there was no common application protocol.</summary>
    Tls,

    /// <summary>No packet arrived for the idle timeout.</summary>
    IdleTimeout,

    /// <summary>The handshake did not finish in time: the peer did not answer, or the path lost too many packets.</summary>
    HandshakeTimeout,

    /// <summary>The peer does not know this connection, for example after a restart, and sent a stateless reset.</summary>
    StatelessReset,

    /// <summary>The peer does not support QUIC version 1.</summary>
    VersionNegotiation,

    /// <summary>The peer accepts no new connections now (CONNECTION_REFUSED).</summary>
    Refused,

    /// <summary>This end ended the connection without telling the peer: <see cref="IQuicConnection.Abort"/>, or the listener or the engine was disposed.</summary>
    Aborted,
}
