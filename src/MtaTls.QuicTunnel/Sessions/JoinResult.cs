namespace MtaTls.QuicTunnel.Sessions;

/// <summary>The result of joining a connection to a session.</summary>
internal enum JoinResult
{
    Joined,
    UnknownSession,
    Conflict,
}
