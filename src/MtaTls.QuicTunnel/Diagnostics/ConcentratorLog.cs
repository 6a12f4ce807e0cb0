using System.Net;
using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel;

/// <summary>Log messages of the concentrator. They show the name of a session, which reveals nothing about its id.</summary>
internal static partial class ConcentratorLog
{
    [LoggerMessage(1, LogLevel.Information, "The QUIC tunnel concentrator listens on {EndPoints} ({Library}).", EventName = "ConcentratorStarted")]
    public static partial void ConcentratorStarted(this ILogger logger, string endPoints, string? library);

    [LoggerMessage(2, LogLevel.Information, "Session {Session} of {Identity} was opened from {RemoteEndPoint}.", EventName = "SessionCreated")]
    public static partial void SessionCreated(this ILogger logger, string session, string identity, IPEndPoint remoteEndPoint);

    [LoggerMessage(3, LogLevel.Information, "Session {Session}: a connection from {RemoteEndPoint} joined.", EventName = "SessionJoined")]
    public static partial void SessionJoined(this ILogger logger, string session, IPEndPoint remoteEndPoint);

    [LoggerMessage(4, LogLevel.Information, "Session {Session}: the connection from {RemoteEndPoint} ended ({Reason}).", EventName = "ConnectionLeft")]
    public static partial void ConnectionLeft(this ILogger logger, string session, IPEndPoint remoteEndPoint, string reason);

    [LoggerMessage(5, LogLevel.Information, "Session {Session} has no connection left and expires in {GracePeriod}.", EventName = "SessionWithoutPath")]
    public static partial void SessionWithoutPath(this ILogger logger, string session, TimeSpan gracePeriod);

    [LoggerMessage(6, LogLevel.Information, "Session {Session} expired.", EventName = "SessionExpired")]
    public static partial void SessionExpired(this ILogger logger, string session);

    [LoggerMessage(7, LogLevel.Information, "Session {Session} was ended by the application.", EventName = "SessionEnded")]
    public static partial void SessionEnded(this ILogger logger, string session);

    [LoggerMessage(8, LogLevel.Information, "Session {Session}: access network {Access} is {Availability}.", EventName = "AccessReported")]
    public static partial void AccessReported(this ILogger logger, string session, AccessNetwork access, string availability);

    [LoggerMessage(9, LogLevel.Information, "Session {Session}: the path over {RemoteEndPoint} is not used, because the client does not answer on it.", EventName = "PathLeft")]
    public static partial void PathLeft(this ILogger logger, string session, IPEndPoint remoteEndPoint);

    [LoggerMessage(37, LogLevel.Warning, "Session {Session}: the path over {RemoteEndPoint} is not used for a while, because it makes the tunnel worse: {Reason}.", EventName = "PathHarmful")]
    public static partial void PathHarmful(this ILogger logger, string session, IPEndPoint remoteEndPoint, string reason);

    [LoggerMessage(10, LogLevel.Information, "Session {Session}: the path over {RemoteEndPoint} works again.", EventName = "PathBack")]
    public static partial void PathBack(this ILogger logger, string session, IPEndPoint remoteEndPoint);

    [LoggerMessage(11, LogLevel.Information, "A Join Session message from {RemoteEndPoint} was refused: {Error}.", EventName = "JoinRefused")]
    public static partial void JoinRefused(this ILogger logger, IPEndPoint remoteEndPoint, QuicTunnelError error);

    [LoggerMessage(12, LogLevel.Information, "A New Session message from {RemoteEndPoint} was refused: {Reason}", EventName = "SessionRefused")]
    public static partial void SessionRefused(this ILogger logger, IPEndPoint remoteEndPoint, string reason);

    [LoggerMessage(13, LogLevel.Information, "The connection from {RemoteEndPoint} was closed, because the client violated the protocol: {Reason}", EventName = "ControlViolation")]
    public static partial void ControlViolation(this ILogger logger, IPEndPoint remoteEndPoint, string reason);

    [LoggerMessage(14, LogLevel.Debug, "A connection from {RemoteEndPoint} ended without a session ({Reason}).", EventName = "ConnectionEnded")]
    public static partial void ConnectionEnded(this ILogger logger, IPEndPoint remoteEndPoint, string reason);

    [LoggerMessage(15, LogLevel.Information, "The QUIC tunnel concentrator stops and closes {Sessions} sessions.", EventName = "ConcentratorStopping")]
    public static partial void ConcentratorStopping(this ILogger logger, int sessions);

    [LoggerMessage(17, LogLevel.Information, "The changed settings are in use: identities, tokens, addresses and the revocation list.", EventName = "SettingsChanged")]
    public static partial void SettingsChanged(this ILogger logger);

    [LoggerMessage(18, LogLevel.Error, "The changed settings are invalid, and the former settings stay in use: {Reason}", EventName = "SettingsNotChanged")]
    public static partial void SettingsNotChanged(this ILogger logger, string reason);

    [LoggerMessage(19, LogLevel.Warning, "Session {Session} was ended, because {Identity} is no longer allowed to use the concentrator.", EventName = "SessionLockedOut")]
    public static partial void SessionLockedOut(this ILogger logger, string session, string identity);

    [LoggerMessage(50, LogLevel.Warning, "The client {Identity} from {RemoteEndPoint} was refused: {Reason}.", EventName = "ClientLockedOut")]
    public static partial void ClientLockedOut(this ILogger logger, string identity, IPEndPoint remoteEndPoint, string reason);

    [LoggerMessage(16, LogLevel.Debug, "Session {Session}: a path now goes to {RemoteEndPoint} and carries datagrams of {MaxDatagramSize} bytes.", EventName = "PathMoved")]
    public static partial void PathMoved(this ILogger logger, string session, IPEndPoint remoteEndPoint, int maxDatagramSize);

    [LoggerMessage(51, LogLevel.Information, "This concentrator is node {Node} of a cluster.", EventName = "ClusterNode")]
    public static partial void ClusterNode(this ILogger logger, string node);

    [LoggerMessage(53, LogLevel.Warning, "The lookup of a session in the directory failed, and the client is asked to try again: {Reason}", EventName = "TunnelLookupFailed")]
    public static partial void LookupFailed(this ILogger logger, string reason);
}
