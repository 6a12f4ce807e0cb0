namespace MtaTls.Quic;

/// <summary>Why a connection ended.</summary>
/// <param name="Kind">What ended it.</param>
/// <param name="IsRemote">Whether the peer ended it.</param>
/// <param name="ErrorCode">The application's code or the QUIC transport error code (0x100 + TLS alert for a failed handshake); 0 where there is none.</param>
/// <param name="Text">The reason phrase (the peer's is at most 256 characters, control characters replaced), or a description of what this end found.</param>
/// <param name="Exception">What a handler threw, if that ended it.</param>
internal readonly record struct QuicCloseReason(QuicCloseKind Kind, bool IsRemote, ulong ErrorCode = 0, string Text = "", Exception? Exception = null)
{
    /// <summary>For logs.</summary>
    public override string ToString() =>
        $"{Kind}{(IsRemote ? " by the peer" : "")}{(ErrorCode != 0 || Kind == QuicCloseKind.Application ? $" 0x{ErrorCode:x}" : "")}{(Text.Length > 0 ? $": {Text}" : "")}";
}

/// <summary>What ended a connection.</summary>
internal enum QuicCloseKind
{
    /// <summary>An application's CONNECTION_CLOSE, the peer's or this end's.</summary>
    Application,

    /// <summary>A transport error, the peer's or one that this end found.</summary>
    Transport,

    /// <summary>A TLS alert: a certificate was refused, no application protocol in common, ...</summary>
    Tls,

    /// <summary>Nothing came for the idle timeout.</summary>
    IdleTimeout,

    /// <summary>The handshake did not finish in time: nobody answered, or the path lost too much.</summary>
    HandshakeTimeout,

    /// <summary>The peer does not know this connection (any more) and said so.</summary>
    StatelessReset,

    /// <summary>The peer speaks no QUIC version that this end speaks.</summary>
    VersionNegotiation,

    /// <summary>The peer takes no connection now (CONNECTION_REFUSED).</summary>
    Refused,

    /// <summary>This end forgot the connection: <see cref="IQuicConnection.Abort"/>, or the listener or the engine was disposed.</summary>
    Aborted,
}
