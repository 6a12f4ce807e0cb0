using Microsoft.Extensions.Logging;

namespace MtaTls.ReverseProxy.Diagnostics;

internal static partial class ReverseProxyLog
{
    [LoggerMessage(1, LogLevel.Warning, "Connection {ConnectionId}: answered 502, for no destination of cluster '{ClusterId}' corresponds to the channel's destination {Destination} (neither an address nor metadata 'MtaTls:Destination').", EventName = "NoDestination")]
    public static partial void NoDestination(ILogger logger, string connectionId, string clusterId, string destination);

    [LoggerMessage(2, LogLevel.Warning, "Connection {ConnectionId}: answered 502, for cluster '{ClusterId}' is balanced by MtaTlsDestination and the request came on no channel.", EventName = "NoChannel")]
    public static partial void NoChannel(ILogger logger, string connectionId, string clusterId);

    [LoggerMessage(3, LogLevel.Warning, "Connection {ConnectionId}: answered 503, for destination '{DestinationId}' of cluster '{ClusterId}' is the only one available and does not correspond to the channel's destination {Destination}.", EventName = "DestinationUnavailable")]
    public static partial void DestinationUnavailable(ILogger logger, string connectionId, string destinationId, string clusterId, string destination);

    [LoggerMessage(4, LogLevel.Warning, "Connection {ConnectionId}: answered 502, for MtaTls:Destinations has no entry for the channel's destination {Destination}.", EventName = "NotInDestinations")]
    public static partial void NotInDestinations(ILogger logger, string connectionId, string destination);

    [LoggerMessage(5, LogLevel.Warning, "Connection {ConnectionId}: answered 502, for MtaTls:Destinations is asked for a request that came on no channel.", EventName = "NotOnChannel")]
    public static partial void NotOnChannel(ILogger logger, string connectionId);

    [LoggerMessage(6, LogLevel.Warning, "Connection {ConnectionId}: answered 431, for the header {Header} of the client's certificate {Thumbprint} would be longer than MtaTls:ClientCertificateHeaders:MaxHeaderLength ({Limit}).", EventName = "ClientCertificateTooLong")]
    public static partial void ClientCertificateTooLong(ILogger logger, string connectionId, string header, string thumbprint, int limit);
}
