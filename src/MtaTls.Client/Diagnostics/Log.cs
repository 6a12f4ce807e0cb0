using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;

namespace MtaTls.Client.Diagnostics;

/// <summary>The log messages of the client, in the category <c>MtaTls.Client</c>. The error text of a refusal comes from the server and is never logged.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "Connected to {Host}:{Port} with {Protocol}, data_multiplexing negotiated: {Negotiated}, in {ElapsedMilliseconds:0.0} ms.", EventName = "Connected")]
    public static partial void Connected(this ILogger logger, string host, int port, SslProtocols protocol, bool negotiated, double elapsedMilliseconds);

    [LoggerMessage(2, LogLevel.Warning, "Connecting to {Host}:{Port} failed.", EventName = "ConnectFailed")]
    public static partial void ConnectFailed(this ILogger logger, Exception exception, string host, int port);

    [LoggerMessage(3, LogLevel.Debug, "The session with {Host}:{Port} has ended ({End}).", EventName = "SessionEnded")]
    public static partial void SessionEnded(this ILogger logger, string host, int port, string end);

    [LoggerMessage(4, LogLevel.Warning, "The session with {Host}:{Port} failed ({End}) with all its channels. The next channel connects again.", EventName = "SessionFailed")]
    public static partial void SessionFailed(this ILogger logger, Exception exception, string host, int port, string end);

    [LoggerMessage(5, LogLevel.Information, "{Host}:{Port} does not speak MTA-TLS. Each channel to it is a separate TLS connection.", EventName = "FellBack")]
    public static partial void FellBack(this ILogger logger, string host, int port);

    [LoggerMessage(6, LogLevel.Debug, "Channel {Channel} to {Destination} opened.", EventName = "ChannelOpened")]
    public static partial void ChannelOpened(this ILogger logger, string channel, string destination);

    [LoggerMessage(7, LogLevel.Debug, "A channel to {Destination} was refused.", EventName = "ChannelRefused")]
    public static partial void ChannelRefused(this ILogger logger, string destination);

    [LoggerMessage(8, LogLevel.Debug, "A session with {Host}:{Port} is full with {Channels} channels.", EventName = "SessionFull")]
    public static partial void SessionFull(this ILogger logger, string host, int port, int channels);

    [LoggerMessage(9, LogLevel.Debug, "A session with {Host}:{Port} had no channels and is closed.", EventName = "SessionIdle")]
    public static partial void SessionIdle(this ILogger logger, string host, int port);

    [LoggerMessage(10, LogLevel.Error, "The handler of a channel that the server opened failed.", EventName = "ChannelHandlerFailed")]
    public static partial void ChannelHandlerFailed(this ILogger logger, Exception exception);

    [LoggerMessage(11, LogLevel.Information, "{Host}:{Port} has exceeded {Limit}: {Answer}. Logged once per session.", EventName = "LimitExceeded")]
    public static partial void LimitExceeded(this ILogger logger, string host, int port, MtaTlsSessionLimit limit, string answer);

    [LoggerMessage(12, LogLevel.Debug, "The connection of a {Method} request to {Host} was lost. The request is sent again ({Retry} of at most {MaxRetries} retries).", EventName = "RequestRetried")]
    public static partial void RequestRetried(this ILogger logger, string method, string? host, int retry, int maxRetries, Exception exception);

    [LoggerMessage(13, LogLevel.Information, "{Host}:{Port} sent a go-away and stops in {Seconds} s. New channels go to another session.", EventName = "GoAwayReceived")]
    public static partial void GoAwayReceived(this ILogger logger, string host, int port, double seconds);

    [LoggerMessage(14, LogLevel.Debug, "A session with {Host}:{Port} has reached its SessionLifetime ({SessionLifetime}). New channels go to another session.", EventName = "SessionAged")]
    public static partial void SessionAged(this ILogger logger, string host, int port, TimeSpan sessionLifetime);

    [LoggerMessage(15, LogLevel.Warning, "{Host}:{Port} has not answered a ping on a session for a second. New channels go to another session until it answers.", EventName = "SessionSuspected")]
    public static partial void SessionSuspected(this ILogger logger, string host, int port);

    [LoggerMessage(16, LogLevel.Debug, "{Change}: the client pings its sessions with {Host}:{Port} and ends the back-off.", EventName = "HostChanged")]
    public static partial void HostChanged(this ILogger logger, string host, int port, HostChange change);

    [LoggerMessage(17, LogLevel.Warning, "The endpoint {Host}:{Port} accepted a connection, but the TLS handshake failed. The client tries another endpoint.", EventName = "EndpointFailed")]
    public static partial void EndpointFailed(this ILogger logger, Exception exception, string host, int port);

    [LoggerMessage(18, LogLevel.Debug, "The session with {Host}:{Port} was lost without an open channel.", EventName = "SessionLost")]
    public static partial void SessionLost(this ILogger logger, Exception exception, string host, int port);
}
