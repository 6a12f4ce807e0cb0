using System.Net;
using Microsoft.Extensions.Logging;
using MtaTls.QuicTunnel.Control;

namespace MtaTls.QuicTunnel.Client;

/// <summary>Log messages of the client.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(20, LogLevel.Information, "Session {Session} is ready.", EventName = "SessionReady")]
    public static partial void SessionReady(this ILogger logger, string session);

    [LoggerMessage(21, LogLevel.Warning, "The concentrator ended or no longer knows session {Session}. The client opens a new session.", EventName = "SessionLost")]
    public static partial void SessionLost(this ILogger logger, string session);

    [LoggerMessage(22, LogLevel.Information, "Link {Link} is connected from {LocalEndPoint} to {RemoteEndPoint}, session {Session}.", EventName = "LinkUp")]
    public static partial void LinkUp(this ILogger logger, string link, IPEndPoint localEndPoint, IPEndPoint remoteEndPoint, string session);

    [LoggerMessage(23, LogLevel.Information, "The connection of link {Link} ended ({Reason}).", EventName = "LinkDown")]
    public static partial void LinkDown(this ILogger logger, string link, string reason);

    [LoggerMessage(24, LogLevel.Warning, "Link {Link} cannot connect and tries again later: {Reason}", EventName = "ConnectFailed")]
    public static partial void ConnectFailed(this ILogger logger, string link, string reason);

    [LoggerMessage(25, LogLevel.Debug, "The host has no address or interface {Link} now.", EventName = "AddressNotThere")]
    public static partial void AddressNotThere(this ILogger logger, string link);

    [LoggerMessage(26, LogLevel.Information, "The access network of link {Link} is not available.", EventName = "AccessLost")]
    public static partial void AccessLost(this ILogger logger, string link);

    [LoggerMessage(27, LogLevel.Information, "The access network of link {Link} is available again.", EventName = "AccessBack")]
    public static partial void AccessBack(this ILogger logger, string link);

    [LoggerMessage(28, LogLevel.Information, "The connection of link {Link} migrates from {From} to {To}.", EventName = "Migrating")]
    public static partial void Migrating(this ILogger logger, string link, IPAddress from, IPAddress to);

    [LoggerMessage(29, LogLevel.Information, "The path from {LocalEndPoint} is not used, because the concentrator does not answer on it.", EventName = "ClientPathLeft")]
    public static partial void PathLeft(this ILogger logger, IPEndPoint localEndPoint);

    [LoggerMessage(36, LogLevel.Warning, "The path from {LocalEndPoint} is not used for a while, because it makes the tunnel worse: {Reason}.", EventName = "ClientPathHarmful")]
    public static partial void PathHarmful(this ILogger logger, IPEndPoint localEndPoint, string reason);

    [LoggerMessage(30, LogLevel.Information, "The path from {LocalEndPoint} works again.", EventName = "ClientPathBack")]
    public static partial void PathBack(this ILogger logger, IPEndPoint localEndPoint);

    [LoggerMessage(31, LogLevel.Warning, "The concentrator refused the connection from {LocalEndPoint} to its session: {Error}.", EventName = "ClientJoinRefused")]
    public static partial void JoinRefused(this ILogger logger, IPEndPoint localEndPoint, QuicTunnelError error);

    [LoggerMessage(32, LogLevel.Error, "The connection to the concentrator {RemoteEndPoint} was closed, because the concentrator violated the protocol: {Reason}", EventName = "ConcentratorViolation")]
    public static partial void ConcentratorViolation(this ILogger logger, IPEndPoint remoteEndPoint, string reason);

    [LoggerMessage(33, LogLevel.Information, "Reported over link {Over} that the access network of link {Link} ({Access}) is {Signal}.", EventName = "AccessReportSent")]
    public static partial void AccessReportSent(this ILogger logger, string link, AccessNetwork access, AccessSignal signal, string over);

    [LoggerMessage(38, LogLevel.Warning, "An Access Report was not sent: {Reason}", EventName = "AccessReportNotSent")]
    public static partial void AccessReportNotSent(this ILogger logger, string reason);

    [LoggerMessage(46, LogLevel.Error, "The concentrator drops packets from {Addresses}. Change Interface:Addresses of the client, or Addresses of the concentrator.", EventName = "AddressClash")]
    public static partial void AddressClash(this ILogger logger, string addresses);

    [LoggerMessage(47, LogLevel.Information, "The client's addresses in the tunnel are {Addresses}.", EventName = "AddressesAgreed")]
    public static partial void AddressesAgreed(this ILogger logger, string addresses);

    [LoggerMessage(48, LogLevel.Error, "The concentrator does not answer the request for addresses (RequestAddresses). It may be another implementation. Set Interface:Addresses.", EventName = "NoAddresses")]
    public static partial void NoAddresses(this ILogger logger);

    [LoggerMessage(49, LogLevel.Error, "The addresses that the concentrator assigned cannot be set on the device: {Reason}", EventName = "AddressesNotSet")]
    public static partial void AddressesNotSet(this ILogger logger, string reason);

    [LoggerMessage(34, LogLevel.Error, "Link {Link} failed because of an unexpected exception and tries again later.", EventName = "LinkFailed")]
    public static partial void LinkFailed(this ILogger logger, Exception exception, string link);

    [LoggerMessage(35, LogLevel.Debug, "A path now goes from {LocalEndPoint} to {RemoteEndPoint} and carries datagrams of {MaxDatagramSize} bytes.", EventName = "ClientPathMoved")]
    public static partial void PathMoved(this ILogger logger, IPEndPoint localEndPoint, IPEndPoint remoteEndPoint, int maxDatagramSize);

    [LoggerMessage(52, LogLevel.Warning, "The concentrator of session {Session} does not answer on any path. The client looks for another one at {Host}:{Port}.", EventName = "NodeSilent")]
    public static partial void NodeSilent(this ILogger logger, string session, string host, int port);
}
