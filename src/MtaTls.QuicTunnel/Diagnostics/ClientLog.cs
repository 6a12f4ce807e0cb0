using System.Net;
using Microsoft.Extensions.Logging;
using MtaTls.QuicTunnel.Control;

namespace MtaTls.QuicTunnel.Client;

/// <summary>What the client logs.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(20, LogLevel.Information, "Session {Session} is ready.", EventName = "SessionReady")]
    public static partial void SessionReady(this ILogger logger, string session);

    [LoggerMessage(21, LogLevel.Warning, "Session {Session} is over; a new one follows.", EventName = "SessionLost")]
    public static partial void SessionLost(this ILogger logger, string session);

    [LoggerMessage(22, LogLevel.Information, "{Link}: connected from {LocalEndPoint} to {RemoteEndPoint}, session {Session}.", EventName = "LinkUp")]
    public static partial void LinkUp(this ILogger logger, string link, IPEndPoint localEndPoint, IPEndPoint remoteEndPoint, string session);

    [LoggerMessage(23, LogLevel.Information, "{Link}: the connection ended ({Reason}).", EventName = "LinkDown")]
    public static partial void LinkDown(this ILogger logger, string link, string reason);

    [LoggerMessage(24, LogLevel.Warning, "{Link}: cannot connect: {Reason}", EventName = "ConnectFailed")]
    public static partial void ConnectFailed(this ILogger logger, string link, string reason);

    [LoggerMessage(25, LogLevel.Debug, "{Link}: the host does not have it now.", EventName = "AddressNotThere")]
    public static partial void AddressNotThere(this ILogger logger, string link);

    [LoggerMessage(26, LogLevel.Information, "{Link}: the access network is gone.", EventName = "AccessLost")]
    public static partial void AccessLost(this ILogger logger, string link);

    [LoggerMessage(27, LogLevel.Information, "{Link}: the access network is back.", EventName = "AccessBack")]
    public static partial void AccessBack(this ILogger logger, string link);

    [LoggerMessage(28, LogLevel.Information, "{Link}: moves from {From} to {To}.", EventName = "Migrating")]
    public static partial void Migrating(this ILogger logger, string link, IPAddress from, IPAddress to);

    [LoggerMessage(29, LogLevel.Information, "Left the path from {LocalEndPoint}: the concentrator does not answer on it.", EventName = "ClientPathLeft")]
    public static partial void PathLeft(this ILogger logger, IPEndPoint localEndPoint);

    [LoggerMessage(36, LogLevel.Warning, "The path from {LocalEndPoint} is not used for a while, because it does more harm than good: {Reason}.", EventName = "ClientPathHarmful")]
    public static partial void PathHarmful(this ILogger logger, IPEndPoint localEndPoint, string reason);

    [LoggerMessage(30, LogLevel.Information, "The path from {LocalEndPoint} works again.", EventName = "ClientPathBack")]
    public static partial void PathBack(this ILogger logger, IPEndPoint localEndPoint);

    [LoggerMessage(31, LogLevel.Warning, "The concentrator refused a join from {LocalEndPoint}: {Error}.", EventName = "ClientJoinRefused")]
    public static partial void JoinRefused(this ILogger logger, IPEndPoint localEndPoint, QuicTunnelError error);

    [LoggerMessage(32, LogLevel.Error, "The concentrator {RemoteEndPoint} broke the protocol: {Reason}", EventName = "ConcentratorViolation")]
    public static partial void ConcentratorViolation(this ILogger logger, IPEndPoint remoteEndPoint, string reason);

    [LoggerMessage(33, LogLevel.Information, "Reported {Link} (access network {Access}) {Signal}, over {Over}.", EventName = "AccessReportSent")]
    public static partial void AccessReportSent(this ILogger logger, string link, AccessNetwork access, AccessSignal signal, string over);

    [LoggerMessage(38, LogLevel.Warning, "A report on an access network was not sent: {Reason}", EventName = "AccessReportNotSent")]
    public static partial void AccessReportNotSent(this ILogger logger, string reason);

    [LoggerMessage(46, LogLevel.Error, "The concentrator drops packets from {Addresses}. Change Interface:Addresses here, or Addresses of the concentrator.", EventName = "AddressClash")]
    public static partial void AddressClash(this ILogger logger, string addresses);

    [LoggerMessage(47, LogLevel.Information, "The client's addresses in the tunnel are {Addresses}.", EventName = "AddressesAgreed")]
    public static partial void AddressesAgreed(this ILogger logger, string addresses);

    [LoggerMessage(48, LogLevel.Error, "The concentrator gives no addresses (RequestAddresses): it may be another implementation. Set Interface:Addresses.", EventName = "NoAddresses")]
    public static partial void NoAddresses(this ILogger logger);

    [LoggerMessage(49, LogLevel.Error, "The addresses that the concentrator gave cannot be set: {Reason}", EventName = "AddressesNotSet")]
    public static partial void AddressesNotSet(this ILogger logger, string reason);

    [LoggerMessage(34, LogLevel.Error, "{Link}: failed; it is tried again.", EventName = "LinkFailed")]
    public static partial void LinkFailed(this ILogger logger, Exception exception, string link);

    [LoggerMessage(35, LogLevel.Debug, "A path is now from {LocalEndPoint} to {RemoteEndPoint} and takes {MaxDatagramSize} octets.", EventName = "ClientPathMoved")]
    public static partial void PathMoved(this ILogger logger, IPEndPoint localEndPoint, IPEndPoint remoteEndPoint, int maxDatagramSize);
}
