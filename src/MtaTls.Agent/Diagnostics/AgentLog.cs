using System.Net;
using Microsoft.Extensions.Logging;
using MtaTls.Protocol;

namespace MtaTls.Agent.Diagnostics;

internal static partial class AgentLog
{
    public const string Category = "MtaTls.Agent";

    [LoggerMessage(1, LogLevel.Information, "Agent {Agent} serves {Names} through {Gateways}.", EventName = "Starting")]
    public static partial void Starting(this ILogger logger, string agent, string names, string gateways);

    [LoggerMessage(2, LogLevel.Information, "Registered with {Gateway} (node '{Node}', session {Session}): {Names}.", EventName = "Registered")]
    public static partial void Registered(this ILogger logger, Uri gateway, string node, string session, string names);

    [LoggerMessage(3, LogLevel.Warning, "{Gateway} has refused the name '{Name}': {Reason}.", EventName = "NameRefused")]
    public static partial void NameRefused(this ILogger logger, Uri gateway, string name, string reason);

    [LoggerMessage(4, LogLevel.Error, "{Gateway} has not registered the agent: {Reason}. The next attempt is in {Seconds:0.0} s. Further refusals are not logged until a registration succeeds.", EventName = "RegistrationRefused")]
    public static partial void RegistrationRefused(this ILogger logger, Uri gateway, string reason, double seconds);

    [LoggerMessage(5, LogLevel.Warning, "Connecting to gateway {Gateway} failed: {Reason} The next attempt is in {Seconds:0.0} s.", EventName = "ConnectFailed")]
    public static partial void ConnectFailed(this ILogger logger, Uri gateway, string reason, double seconds);

    [LoggerMessage(6, LogLevel.Warning, "The registration with {Gateway} has ended: {Reason} The next attempt is in {Seconds:0.0} s.", EventName = "RegistrationLost")]
    public static partial void RegistrationLost(this ILogger logger, Uri gateway, string reason, double seconds);

    [LoggerMessage(7, LogLevel.Information, "{Gateway} stops in {Seconds:0} s. The agent registers with another gateway.", EventName = "GatewayDrains")]
    public static partial void GatewayDrains(this ILogger logger, Uri gateway, double seconds);

    [LoggerMessage(8, LogLevel.Information, "Agent {Agent} is draining and takes no new connections. It has told its gateways.", EventName = "Draining")]
    public static partial void Draining(this ILogger logger, string agent);

    [LoggerMessage(9, LogLevel.Debug, "{Gateway} could not be told that the agent stops: {Reason}", EventName = "DrainNotAnnounced")]
    public static partial void DrainNotAnnounced(this ILogger logger, Uri gateway, string reason);

    [LoggerMessage(10, LogLevel.Warning, "{Gateway} opened a channel from {Source} to {Destination}. The agent refused it, because it has not registered this name and port.", EventName = "NotRegistered")]
    public static partial void NotRegistered(this ILogger logger, Uri gateway, ChannelAddress source, ChannelAddress destination);

    [LoggerMessage(11, LogLevel.Debug, "A channel from {Gateway} could not be accepted: {Reason}", EventName = "ChannelNotAccepted")]
    public static partial void ChannelNotAccepted(this ILogger logger, Uri gateway, string reason);

    [LoggerMessage(12, LogLevel.Debug, "Connection {ConnectionId} ended before its first byte: {Reason}", EventName = "ConnectionEnded")]
    public static partial void ConnectionEnded(this ILogger logger, string connectionId, string reason);

    [LoggerMessage(13, LogLevel.Warning, "The upstream {Upstream} of '{Name}' could not be reached: {Reason}.", EventName = "UpstreamNotReached")]
    public static partial void UpstreamNotReached(this ILogger logger, string name, string upstream, string reason);

    [LoggerMessage(14, LogLevel.Warning, "A channel to '{Name}' was refused: the limit of {Limit} forwarded connections is reached (MtaTlsAgent:MaxForwardConnections).", EventName = "ForwardLimitReached")]
    public static partial void ForwardLimitReached(this ILogger logger, string name, int limit);

    [LoggerMessage(15, LogLevel.Debug, "A connection to '{Name}' ended: {Reason}", EventName = "ForwardEnded")]
    public static partial void ForwardEnded(this ILogger logger, string name, string reason);

    [LoggerMessage(16, LogLevel.Information, "Endpoint {EndPoint} is not bound: MtaTlsAgent:ServeLocally is false, so the app opens no port.", EventName = "EndpointNotBound")]
    public static partial void EndpointNotBound(this ILogger logger, EndPoint endPoint);

    [LoggerMessage(17, LogLevel.Information, "A session moves from {Former} (node '{FormerNode}') to {Gateway} (node '{Node}'), with which this agent had no session.", EventName = "GatewayReturned")]
    public static partial void GatewayReturned(this ILogger logger, Uri gateway, string node, Uri former, string formerNode);

    [LoggerMessage(18, LogLevel.Debug, "A session could not move to {Gateway} and stays with its gateway: {Reason}", EventName = "GatewayStillAway")]
    public static partial void GatewayStillAway(this ILogger logger, Uri gateway, string reason);
}
