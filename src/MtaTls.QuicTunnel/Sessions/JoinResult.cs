namespace MtaTls.QuicTunnel.Sessions;

internal enum JoinResult
{
    Joined,
    UnknownSession,
    Conflict,
}
