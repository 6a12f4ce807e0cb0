using Microsoft.Extensions.Logging;

namespace MtaTls.ReverseProxy.Diagnostics;

internal static partial class ReverseProxyLog
{
    [LoggerMessage(1, LogLevel.Warning, "Connection {ConnectionId}: answered 502 because no destination of cluster '{ClusterId}' has the address or the metadata 'MtaTls:Destination' of the channel's destination {Destination}.", EventName = "NoDestination")]
    public static partial void NoDestination(ILogger logger, string connectionId, string clusterId, string destination);

    [LoggerMessage(2, LogLevel.Warning, "Connection {ConnectionId}: answered 502 because cluster '{ClusterId}' uses the load-balancing policy MtaTlsDestination, and the request did not come on a channel.", EventName = "NoChannel")]
    public static partial void NoChannel(ILogger logger, string connectionId, string clusterId);

    [LoggerMessage(3, LogLevel.Warning, "Connection {ConnectionId}: answered 503 because the only available destination of cluster '{ClusterId}', '{DestinationId}', is not for the channel's destination {Destination}.", EventName = "DestinationUnavailable")]
    public static partial void DestinationUnavailable(ILogger logger, string connectionId, string destinationId, string clusterId, string destination);

    [LoggerMessage(4, LogLevel.Warning, "Connection {ConnectionId}: answered 502 because MtaTls:Destinations has no entry for the channel's destination {Destination}.", EventName = "NotInDestinations")]
    public static partial void NotInDestinations(ILogger logger, string connectionId, string destination);

    [LoggerMessage(5, LogLevel.Warning, "Connection {ConnectionId}: answered 502 because MapMtaTlsForwarder() serves only channels, and the request did not come on a channel.", EventName = "NotOnChannel")]
    public static partial void NotOnChannel(ILogger logger, string connectionId);

    [LoggerMessage(6, LogLevel.Warning, "Connection {ConnectionId}: answered 431 because the header {Header} for client certificate {Thumbprint} would be longer than MtaTls:ClientCertificateHeaders:MaxHeaderLength ({Limit} bytes).", EventName = "ClientCertificateTooLong")]
    public static partial void ClientCertificateTooLong(ILogger logger, string connectionId, string header, string thumbprint, int limit);
}
