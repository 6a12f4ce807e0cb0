using System.Net;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>The log messages of channel routing. A <see cref="ChannelAddress"/> has no character that could forge a line.</summary>
internal static partial class RoutingLog
{
    [LoggerMessage(60, LogLevel.Debug, "Session {SessionId}: channel {Sender:x4} from claimed source {Source} to {Destination} goes to the application (route '{Route}').", EventName = "ChannelToApplication")]
    public static partial void ChannelToApplication(this ILogger logger, string sessionId, ushort sender, ChannelAddress source, ChannelAddress destination, string route);

    [LoggerMessage(61, LogLevel.Information, "Session {SessionId}: channel {Sender:x4} from claimed source {Source} to {Destination} is refused (route '{Route}').", EventName = "ChannelRejected")]
    public static partial void ChannelRejected(this ILogger logger, string sessionId, ushort sender, ChannelAddress source, ChannelAddress destination, string route);

    [LoggerMessage(62, LogLevel.Information, "Session {SessionId}: channel {Sender:x4} from claimed source {Source} to {Destination} is refused: the destination is not a valid host name or IP address.", EventName = "ChannelDestinationUnclear")]
    public static partial void ChannelDestinationUnclear(this ILogger logger, string sessionId, ushort sender, ChannelAddress source, ChannelAddress destination);

    [LoggerMessage(63, LogLevel.Information, "Session {SessionId}: channel {ChannelId} from claimed source {Source} to {Destination} is connected to {EndPoint} (route '{Route}').", EventName = "ChannelConnected")]
    public static partial void ChannelConnected(this ILogger logger, string sessionId, ChannelId channelId, ChannelAddress source, ChannelAddress destination, EndPoint? endPoint, string route);

    [LoggerMessage(64, LogLevel.Information, "Session {SessionId}: channel {Sender:x4} from claimed source {Source} to {Destination} is refused because the server could not connect to the destination (route '{Route}'): {Reason}.", EventName = "ChannelNotConnected")]
    public static partial void ChannelNotConnected(this ILogger logger, string sessionId, ushort sender, ChannelAddress source, ChannelAddress destination, string route, string reason);

    [LoggerMessage(65, LogLevel.Warning, "Session {SessionId}: {Destination} resolves to {Address} ({Class}), which route '{Route}' does not allow. To allow it, add the address or its network to AllowedNetworks of the route.", EventName = "AddressNotAllowed")]
    public static partial void AddressNotAllowed(this ILogger logger, string sessionId, ChannelAddress destination, IPAddress address, AddressClass @class, string route);

    [LoggerMessage(66, LogLevel.Warning, "Session {SessionId}: {Destination} resolves to {Address}, where this server itself listens, and route '{Route}' does not name that address and port. To allow it, set Upstream of the route to that address and port.", EventName = "OwnListenerNotAllowed")]
    public static partial void OwnListenerNotAllowed(this ILogger logger, string sessionId, ChannelAddress destination, IPAddress address, string route);

    [LoggerMessage(67, LogLevel.Debug, "Session {SessionId}: channel {ChannelId} has ended ({End}): {Sent} bytes to the destination, {Received} bytes from it. {Error}", EventName = "TunnelEnded")]
    public static partial void TunnelEnded(this ILogger logger, string sessionId, ChannelId channelId, TcpTunnelEnd end, long sent, long received, string error);

    [LoggerMessage(68, LogLevel.Error, "Session {SessionId}: forwarding a channel to {Destination} failed.", EventName = "ForwardingFailed")]
    public static partial void ForwardingFailed(this ILogger logger, string sessionId, ChannelAddress destination, Exception exception);

    [LoggerMessage(72, LogLevel.Warning, "Route '{Route}' is for the endpoint '{Endpoint}', but no endpoint that speaks MTA-TLS has that name ({Known}). The route never applies there.", EventName = "EndpointOfRouteUnknown")]
    public static partial void EndpointOfRouteUnknown(this ILogger logger, string route, string endpoint, string known);

    [LoggerMessage(73, LogLevel.Warning, "Route '{Route}' has a ClientCertificate condition, but none of its endpoints asks for certificates ({Endpoints}). The route never applies. Set their ClientCertificateMode to AllowCertificate or RequireCertificate.", EventName = "NoCertificatesForRoute")]
    public static partial void NoCertificatesForRoute(this ILogger logger, string route, string endpoints);

    [LoggerMessage(74, LogLevel.Warning, "Route '{Route}' and all routes after it never apply, because route '{General}' before them matches every channel.", EventName = "RouteNeverReached")]
    public static partial void RouteNeverReached(this ILogger logger, string route, string general);

    [LoggerMessage(75, LogLevel.Error, "Session {SessionId}: a channel to {Destination} is refused because its router failed.", EventName = "RouterFailed")]
    public static partial void RouterFailed(this ILogger logger, string sessionId, ChannelAddress destination, Exception exception);

    [LoggerMessage(69, LogLevel.Information, "Connection {ConnectionId}: answered 421 because the request names another host than the destination of its channel, {Destination}.", EventName = "RequestMisdirected")]
    public static partial void RequestMisdirected(this ILogger logger, string connectionId, string? destination);
}
