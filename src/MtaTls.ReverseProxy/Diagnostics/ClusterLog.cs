using Microsoft.Extensions.Logging;

namespace MtaTls.ReverseProxy.Diagnostics;

internal static partial class ClusterLog
{
    public const string Category = "MtaTls.Cluster";

    [LoggerMessage(1, LogLevel.Information, "This gateway has a session with gateway {Node} at {Advertise}.", EventName = "PeerReached")]
    public static partial void PeerReached(this ILogger logger, string node, Uri advertise);

    [LoggerMessage(2, LogLevel.Warning, "Gateway {Node} can't be reached at {Advertise}: {Reason} Its agents get no requests until it answers. The next attempt is in at most {Seconds:0.#} s (MtaTls:Cluster:SuspectTime).", EventName = "PeerSuspected")]
    public static partial void PeerSuspected(this ILogger logger, string node, Uri advertise, string reason, double seconds);

    [LoggerMessage(3, LogLevel.Information, "Gateway {Node} no longer has agent {Agent} ({Id}). The agent is removed from the directory.", EventName = "StaleRoute")]
    public static partial void StaleRoute(this ILogger logger, string node, string agent, string id);

    [LoggerMessage(4, LogLevel.Warning, "A channel to '{Name}' through gateway {Node} was not opened: {Reason}", EventName = "PeerOpenFailed")]
    public static partial void PeerOpenFailed(this ILogger logger, string name, string node, string reason);

    [LoggerMessage(5, LogLevel.Warning, "Session {SessionId}: a channel was refused because the client certificate does not meet MtaTls:Cluster:PeerCertificates.", EventName = "NotAPeer")]
    public static partial void NotAPeer(this ILogger logger, string sessionId);

    [LoggerMessage(6, LogLevel.Debug, "Session {SessionId}: another gateway asks for {Destination}, which is not an agent of this gateway. The channel is refused.", EventName = "UnknownAgent")]
    public static partial void UnknownAgent(this ILogger logger, string sessionId, string destination);

    [LoggerMessage(7, LogLevel.Debug, "Session {SessionId}: another gateway's channel from {Source} is connected to agent {Agent} for '{Name}'.", EventName = "PeerChannel")]
    public static partial void PeerChannel(this ILogger logger, string sessionId, string source, string agent, string name);

    [LoggerMessage(8, LogLevel.Error, "A channel between another gateway and an agent of this gateway failed.", EventName = "PeerChannelFailed")]
    public static partial void PeerChannelFailed(this ILogger logger, Exception exception);

    [LoggerMessage(9, LogLevel.Debug, "Agent {Id} of another gateway is leaving. No request to it is under way.", EventName = "RemoteAgentLeft")]
    public static partial void RemoteAgentLeft(this ILogger logger, string id);
}
