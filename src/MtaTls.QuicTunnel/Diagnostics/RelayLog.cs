using System.Net;
using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel;

/// <summary>Log messages of relaying between concentrators.</summary>
internal static partial class RelayLog
{
    [LoggerMessage(60, LogLevel.Information, "Other concentrators reach this one on {EndPoints} (advertised address: {Address}).", EventName = "RelayStarted")]
    public static partial void RelayStarted(this ILogger logger, string endPoints, string address);

    [LoggerMessage(61, LogLevel.Information, "Session {Session} of concentrator {Node}: the connection from {RemoteEndPoint} is relayed.", EventName = "RelayBegan")]
    public static partial void RelayBegan(this ILogger logger, string session, string node, IPEndPoint remoteEndPoint);

    [LoggerMessage(62, LogLevel.Information, "Session {Session} of concentrator {Node}: a connection is no longer relayed ({Reason}).", EventName = "RelayEnded")]
    public static partial void RelayEnded(this ILogger logger, string session, string node, string reason);

    [LoggerMessage(63, LogLevel.Warning, "A client's connection could not be relayed to concentrator {Node}, and the client is asked to try again: {Reason}", EventName = "RelayFailed")]
    public static partial void RelayFailed(this ILogger logger, string node, string reason);

    [LoggerMessage(64, LogLevel.Information, "Session {Session}: a connection that concentrator {Node} relays from {RemoteEndPoint} joined. It carries packets while no direct path works.", EventName = "RelayedJoined")]
    public static partial void RelayedJoined(this ILogger logger, string session, string node, IPEndPoint remoteEndPoint);

    [LoggerMessage(65, LogLevel.Warning, "A connection that concentrator {Node} relays was refused: there are too many (QuicTunnel:Cluster:Relay:MaxRelays, MaxRelaysPerNode).", EventName = "RelayRefused")]
    public static partial void RelayRefused(this ILogger logger, string node);

    [LoggerMessage(66, LogLevel.Warning, "A connection from {RemoteEndPoint} to the end point for concentrators was refused: its certificate {Subject} is not that of a concentrator {Node} of this cluster (QuicTunnel:Cluster:Relay:AuthorityPath, Nodes).", EventName = "NotAConcentrator")]
    public static partial void NotANode(this ILogger logger, IPEndPoint remoteEndPoint, string node, string subject);
}
