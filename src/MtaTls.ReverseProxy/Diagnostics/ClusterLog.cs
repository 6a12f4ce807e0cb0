using Microsoft.Extensions.Logging;

namespace MtaTls.ReverseProxy.Diagnostics;

internal static partial class ClusterLog
{
    public const string Category = "MtaTls.Cluster";

    [LoggerMessage(1, LogLevel.Information, "Gateway {Node} is reached at {Advertise}.", EventName = "PeerReached")]
    public static partial void PeerReached(this ILogger logger, string node, Uri advertise);

    [LoggerMessage(2, LogLevel.Warning, "Gateway {Node} is not reached at {Advertise}: {Reason} Its agents get no requests until it answers; it is tried again every {Seconds:0.#} s (MtaTls:Cluster:SuspectTime).", EventName = "PeerSuspected")]
    public static partial void PeerSuspected(this ILogger logger, string node, Uri advertise, string reason, double seconds);

    [LoggerMessage(3, LogLevel.Information, "Gateway {Node} does not have agent {Agent} ({Id}) any more: it is forgotten.", EventName = "StaleRoute")]
    public static partial void StaleRoute(this ILogger logger, string node, string agent, string id);

    [LoggerMessage(4, LogLevel.Warning, "A channel to '{Name}' through gateway {Node} was not opened: {Reason}", EventName = "PeerOpenFailed")]
    public static partial void PeerOpenFailed(this ILogger logger, string name, string node, string reason);

    [LoggerMessage(5, LogLevel.Warning, "Session {SessionId}: a channel was refused, for its certificate is no gateway's (MtaTls:Cluster:PeerCertificates).", EventName = "NotAPeer")]
    public static partial void NotAPeer(this ILogger logger, string sessionId);

    [LoggerMessage(6, LogLevel.Debug, "Session {SessionId}: a gateway asks for {Destination}, which is no registration of this gateway.", EventName = "UnknownAgent")]
    public static partial void UnknownAgent(this ILogger logger, string sessionId, string destination);

    [LoggerMessage(7, LogLevel.Debug, "Session {SessionId}: channel {Source} of another gateway goes to agent {Agent} as '{Name}'.", EventName = "PeerChannel")]
    public static partial void PeerChannel(this ILogger logger, string sessionId, string source, string agent, string name);

    [LoggerMessage(8, LogLevel.Error, "A channel of another gateway failed.", EventName = "PeerChannelFailed")]
    public static partial void PeerChannelFailed(this ILogger logger, Exception exception);

    [LoggerMessage(9, LogLevel.Debug, "Agent {Id} of another gateway leaves: nothing is on its way to it.", EventName = "RemoteAgentLeft")]
    public static partial void RemoteAgentLeft(this ILogger logger, string id);
}
