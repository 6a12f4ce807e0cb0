using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;

namespace MtaTls.Client.Diagnostics;

/// <summary>The client's logs, in the category <c>MtaTls.Client</c>. A refusal's text is the peer's and is never logged.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "Connected to {Host}:{Port} with {Protocol}, data_multiplexing negotiated: {Negotiated}, in {ElapsedMilliseconds:0.0} ms.", EventName = "Connected")]
    public static partial void Connected(this ILogger logger, string host, int port, SslProtocols protocol, bool negotiated, double elapsedMilliseconds);

    [LoggerMessage(2, LogLevel.Warning, "Connecting to {Host}:{Port} failed.", EventName = "ConnectFailed")]
    public static partial void ConnectFailed(this ILogger logger, Exception exception, string host, int port);

    [LoggerMessage(3, LogLevel.Debug, "The session with {Host}:{Port} has ended ({End}).", EventName = "SessionEnded")]
    public static partial void SessionEnded(this ILogger logger, string host, int port, string end);

    [LoggerMessage(4, LogLevel.Warning, "The session with {Host}:{Port} failed ({End}).", EventName = "SessionFailed")]
    public static partial void SessionFailed(this ILogger logger, Exception exception, string host, int port, string end);

    [LoggerMessage(5, LogLevel.Information, "{Host}:{Port} does not speak MTA-TLS: each channel to it becomes a TLS connection of its own.", EventName = "FellBack")]
    public static partial void FellBack(this ILogger logger, string host, int port);

    [LoggerMessage(6, LogLevel.Debug, "Channel {Channel} to {Destination} opened.", EventName = "ChannelOpened")]
    public static partial void ChannelOpened(this ILogger logger, string channel, string destination);

    [LoggerMessage(7, LogLevel.Debug, "A channel to {Destination} was refused.", EventName = "ChannelRefused")]
    public static partial void ChannelRefused(this ILogger logger, string destination);

    [LoggerMessage(8, LogLevel.Debug, "A session with {Host}:{Port} is full at {Channels} channels.", EventName = "SessionFull")]
    public static partial void SessionFull(this ILogger logger, string host, int port, int channels);

    [LoggerMessage(9, LogLevel.Debug, "A session with {Host}:{Port} was idle and is closed.", EventName = "SessionIdle")]
    public static partial void SessionIdle(this ILogger logger, string host, int port);

    [LoggerMessage(10, LogLevel.Error, "The handler of a channel that the server opened failed.", EventName = "ChannelHandlerFailed")]
    public static partial void ChannelHandlerFailed(this ILogger logger, Exception exception);

    [LoggerMessage(11, LogLevel.Information, "{Host}:{Port} has exceeded {Limit}: {Answer}. Said once in a session.", EventName = "LimitExceeded")]
    public static partial void LimitExceeded(this ILogger logger, string host, int port, MtaTlsSessionLimit limit, string answer);

    [LoggerMessage(12, LogLevel.Debug, "{Method} to {Host} was lost with its connection and is sent again ({Retry} of at most {MaxRetries}).", EventName = "RequestRetried")]
    public static partial void RequestRetried(this ILogger logger, string method, string? host, int retry, int maxRetries, Exception exception);

    [LoggerMessage(13, LogLevel.Information, "{Host}:{Port} stops in {Seconds} s: new channels go to another session.", EventName = "GoAwayReceived")]
    public static partial void GoAwayReceived(this ILogger logger, string host, int port, double seconds);

    [LoggerMessage(14, LogLevel.Debug, "A session with {Host}:{Port} has reached its age ({SessionLifetime}): new channels go to another session.", EventName = "SessionAged")]
    public static partial void SessionAged(this ILogger logger, string host, int port, TimeSpan sessionLifetime);

    [LoggerMessage(15, LogLevel.Warning, "{Host}:{Port} does not answer on a session: new channels go to another session until it does.", EventName = "SessionSuspected")]
    public static partial void SessionSuspected(this ILogger logger, string host, int port);

    [LoggerMessage(16, LogLevel.Debug, "{Change}: the sessions with {Host}:{Port} are probed and the back-off ends.", EventName = "HostChanged")]
    public static partial void HostChanged(this ILogger logger, string host, int port, HostChange change);

    [LoggerMessage(17, LogLevel.Warning, "The endpoint {Host}:{Port} accepted a connection, but its TLS handshake failed: another endpoint is tried.", EventName = "EndpointFailed")]
    public static partial void EndpointFailed(this ILogger logger, Exception exception, string host, int port);

    [LoggerMessage(18, LogLevel.Debug, "The session with {Host}:{Port} was lost without an open channel.", EventName = "SessionLost")]
    public static partial void SessionLost(this ILogger logger, Exception exception, string host, int port);
}
