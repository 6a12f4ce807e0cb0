using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Connections;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>The log messages of this library. Host names, addresses and texts from a peer are checked or encoded before they are logged, so that a peer cannot forge a line.</summary>
internal static partial class Log
{
    /// <summary>The advice for an application without an HTTPS endpoint.</summary>
    public const string HttpsAdvice = "Listen on https: run the launch profile 'https' (dotnet run --launch-profile https), set ASPNETCORE_URLS=https://localhost:5001, or add an endpoint to Kestrel:Endpoints or MtaTls:Endpoints.";

    // Endpoints: 1 to 19.
    [LoggerMessage(1, LogLevel.Information, "{Endpoint} speaks MTA-TLS (name: {Name}, mode: {Mode}).", EventName = "EndpointBound")]
    public static partial void EndpointBound(this ILogger logger, string endpoint, string name, DataMultiplexingMode mode);

    [LoggerMessage(2, LogLevel.Warning, "{Endpoint} does not speak MTA-TLS and stays as it is: {Obstacle}", EventName = "EndpointLeftToKestrel")]
    public static partial void EndpointLeftToKestrel(this ILogger logger, string? endpoint, string obstacle);

    [LoggerMessage(3, LogLevel.Warning, "The TLS settings of endpoints cannot be read from this version of Kestrel, so all endpoints remain ordinary HTTPS endpoints. Call listenOptions.UseMtaTls(o => o.Https = ...) with the settings that UseHttps has.", EventName = "KestrelUnknown")]
    public static partial void KestrelUnknown(this ILogger logger);

    [LoggerMessage(4, LogLevel.Warning, "{Key} has no certificate and there is no default certificate. A self-signed certificate with thumbprint {Thumbprint} was generated, which no client trusts. Run 'dotnet dev-certs https' or set {Key}:Certificate.", EventName = "CertificateGenerated")]
    public static partial void CertificateGenerated(this ILogger logger, string key, string thumbprint);

    [LoggerMessage(7, LogLevel.Warning, "The keys of all MTA-TLS sessions are written to {File}. Anyone who can read this file can decrypt the traffic. Do not use it in production.", EventName = "KeysAreLogged")]
    public static partial void KeysAreLogged(this ILogger logger, string file);

    [LoggerMessage(8, LogLevel.Warning, "{EndPoint} cannot accept connections ({Error}). It tries again at least once a second. With TooManyOpenSockets, raise the limit of open files (ulimit -n, LimitNOFILE). Logged at most once a minute.", EventName = "AcceptFailed")]
    public static partial void AcceptFailed(this ILogger logger, EndPoint endPoint, SocketError error);

    [LoggerMessage(9, LogLevel.Warning, "No endpoint uses HTTPS, so none speaks MTA-TLS ({Addresses}). {Advice}", EventName = "NoHttps")]
    public static partial void NoHttps(this ILogger logger, string addresses, string advice);

    [LoggerMessage(10, LogLevel.Warning, "The key log file {File} cannot be written ({Reason}), so no keys are logged. Correct MtaTls:KeyLogFile or the file's permissions.", EventName = "KeysNotLogged")]
    public static partial void KeysNotLogged(this ILogger logger, string file, string reason);

    [LoggerMessage(11, LogLevel.Warning, "MtaTls:ProxyProtocol:Endpoints names '{Endpoint}', but no HTTPS endpoint has that name ({Known}). The setting never applies there.", EventName = "EndpointOfProxyProtocolUnknown")]
    public static partial void EndpointOfProxyProtocolUnknown(this ILogger logger, string endpoint, string known);

    [LoggerMessage(12, LogLevel.Debug, "Connection {ConnectionId} was closed because its PROXY protocol header from {Proxy} is {Fault}.", EventName = "ProxyHeaderRefused")]
    public static partial void ProxyHeaderRefused(this ILogger logger, string connectionId, EndPoint? proxy, string fault);

    [LoggerMessage(13, LogLevel.Warning, "A connection from {Proxy}, which MtaTls:ProxyProtocol:Networks contains, was closed because its PROXY protocol header is {Fault}. Configure the load balancer to send a header (HAProxy: send-proxy-v2), or remove its address from Networks. Logged at most once a minute.", EventName = "ProxyHeadersRefused")]
    public static partial void ProxyHeadersRefused(this ILogger logger, EndPoint? proxy, string fault);

    [LoggerMessage(14, LogLevel.Debug, "Connection {ConnectionId}: the load balancer {Proxy} gives {Client} as the client's address (PROXY protocol {Version}, local: {IsLocal}).", EventName = "ProxyHeaderRead")]
    public static partial void ProxyHeaderRead(this ILogger logger, string connectionId, EndPoint? proxy, EndPoint? client, int version, bool isLocal);

    [LoggerMessage(15, LogLevel.Information, "Connection {ConnectionId}: an ACME challenge was answered from MtaTls:AcmeChallenges:Path.", EventName = "AcmeChallengeAnswered")]
    public static partial void AcmeChallengeAnswered(this ILogger logger, string connectionId);

    [LoggerMessage(16, LogLevel.Warning, "The ACME challenge {File} cannot be answered: {Reason}.", EventName = "AcmeChallengeUnreadable")]
    public static partial void AcmeChallengeUnreadable(this ILogger logger, string file, string reason);

    [LoggerMessage(17, LogLevel.Warning, "MtaTls:IdentityLimits never apply because no endpoint asks for client certificates. Set the ClientCertificateMode of an endpoint to AllowCertificate or RequireCertificate.", EventName = "NoCertificatesForIdentityLimits")]
    public static partial void NoCertificatesForIdentityLimits(this ILogger logger);

    // Sessions: 20 to 39.
    [LoggerMessage(20, LogLevel.Debug, "Connection {SessionId}: the TLS handshake took longer than HandshakeTimeout.", EventName = "HandshakeTimedOut")]
    public static partial void HandshakeTimedOut(this ILogger logger, string sessionId);

    [LoggerMessage(21, LogLevel.Debug, "Connection {SessionId}: the TLS handshake failed. {Reason}", EventName = "HandshakeFailed")]
    public static partial void HandshakeFailed(this ILogger logger, string sessionId, string reason);

    [LoggerMessage(22, LogLevel.Error, "Connection {SessionId}: the TLS settings of this endpoint do not allow a handshake.", EventName = "HandshakeImpossible")]
    public static partial void HandshakeImpossible(this ILogger logger, string sessionId, Exception exception);

    [LoggerMessage(23, LogLevel.Debug, "Session {SessionId} started on endpoint {Endpoint}: TLS {Version}, {CipherSuite}, resumed: {Resumed}.", EventName = "SessionStarted")]
    public static partial void SessionStarted(this ILogger logger, string sessionId, string endpoint, string version, TlsCipherSuite cipherSuite, bool resumed);

    [LoggerMessage(24, LogLevel.Debug, "Session {SessionId} is ending: it opens no new channels, and the open channels finish.", EventName = "SessionShutdown")]
    public static partial void SessionShutdown(this ILogger logger, string sessionId);

    [LoggerMessage(25, LogLevel.Debug, "Session {SessionId} ended after {Seconds:0.000} s ({End}): {Channels} channels, {Received} bytes received, {Sent} bytes sent.", EventName = "SessionEnded")]
    public static partial void SessionEnded(this ILogger logger, string sessionId, double seconds, string end, long channels, long received, long sent);

    [LoggerMessage(26, LogLevel.Information, "Session {SessionId} failed ({End}): {Reason}", EventName = "SessionFailed")]
    public static partial void SessionFailed(this ILogger logger, string sessionId, string end, string reason);

    [LoggerMessage(27, LogLevel.Debug, "Connection {SessionId} was closed: {Limit} is reached.", EventName = "ConnectionRejected")]
    public static partial void ConnectionRejected(this ILogger logger, string sessionId, string limit);

    [LoggerMessage(28, LogLevel.Information, "Session {SessionId} has exceeded {Limit}: {Answer}. Logged once per session.", EventName = "LimitExceeded")]
    public static partial void LimitExceeded(this ILogger logger, string sessionId, string limit, string answer);

    [LoggerMessage(29, LogLevel.Warning, "{Limit} is reached: {Answer}. Logged at most once a minute.", EventName = "LimitReached")]
    public static partial void LimitReached(this ILogger logger, string limit, string answer);

    [LoggerMessage(30, LogLevel.Error, "Connection {SessionId}: a callback that is registered on ConnectionClosed failed.", EventName = "ConnectionClosedCallbackFailed")]
    public static partial void ConnectionClosedCallbackFailed(this ILogger logger, string sessionId, Exception exception);

    [LoggerMessage(31, LogLevel.Debug, "Session {SessionId}: closing the TCP connection failed: {Reason}", EventName = "ConnectionCloseFailed")]
    public static partial void ConnectionCloseFailed(this ILogger logger, string sessionId, string reason);

    [LoggerMessage(32, LogLevel.Debug, "Session {SessionId} was lost without an open channel: {Reason}", EventName = "SessionLost")]
    public static partial void SessionLost(this ILogger logger, string sessionId, string reason);

    [LoggerMessage(33, LogLevel.Information, "The server stops in {Seconds} s and serves all requests until then. The clients of {Sessions} sessions are told.", EventName = "ServerStopping")]
    public static partial void ServerStopping(this ILogger logger, int sessions, double seconds);

    [LoggerMessage(34, LogLevel.Debug, "Session {SessionId}: the server told the client to use other sessions (go-away). It refuses opens on this session in {Seconds} s.", EventName = "GoAwaySent")]
    public static partial void GoAwaySent(this ILogger logger, string sessionId, double seconds);

    [LoggerMessage(35, LogLevel.Debug, "Session {SessionId}: the client told the server to use other sessions (go-away). It refuses opens on this session in {Seconds} s.", EventName = "GoAwayReceived")]
    public static partial void GoAwayReceived(this ILogger logger, string sessionId, double seconds);

    [LoggerMessage(36, LogLevel.Warning, "MtaTls:Shutdown:Delay ({Delay}) leaves requests no time to finish, because HostOptions.ShutdownTimeout ({ShutdownTimeout}) includes it. Raise ShutdownTimeout.", EventName = "ShutdownDelayTooLong")]
    public static partial void ShutdownDelayTooLong(this ILogger logger, TimeSpan delay, TimeSpan shutdownTimeout);

    [LoggerMessage(37, LogLevel.Debug, "Session {SessionId} has reached its SessionLifetime ({SessionLifetime}): the client is told to open another session.", EventName = "SessionAged")]
    public static partial void SessionAged(this ILogger logger, string sessionId, TimeSpan sessionLifetime);

    [LoggerMessage(38, LogLevel.Information, "Session {SessionId} has exceeded {Limit} of MtaTls:IdentityLimits, rule '{Rule}' (identity {Identity}): {Answer}. Logged once per session for each limit.", EventName = "IdentityLimitExceeded")]
    public static partial void IdentityLimitExceeded(this ILogger logger, string sessionId, string limit, string rule, string identity, string answer);

    // Channels: 40 to 59.
    [LoggerMessage(41, LogLevel.Debug, "Session {SessionId}: a channel was refused ({Cause}).", EventName = "ChannelRefused")]
    public static partial void ChannelRefused(this ILogger logger, string sessionId, string cause);

    [LoggerMessage(42, LogLevel.Debug, "Session {SessionId}: channel {ChannelId} was closed because the client sent nothing on it within ChannelIdleTimeout.", EventName = "ChannelIdle")]
    public static partial void ChannelIdle(this ILogger logger, string sessionId, ChannelId channelId);

    [LoggerMessage(43, LogLevel.Debug, "Channel {ConnectionId} was aborted: {Reason}", EventName = "ChannelAborted")]
    public static partial void ChannelAborted(this ILogger logger, string connectionId, string reason);

    [LoggerMessage(44, LogLevel.Error, "Channel {ConnectionId}: the application that served it failed.", EventName = "ChannelApplicationFailed")]
    public static partial void ChannelApplicationFailed(this ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(45, LogLevel.Error, "Channel {ConnectionId}: a callback that is registered on it failed.", EventName = "ChannelCallbackFailed")]
    public static partial void ChannelCallbackFailed(this ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(46, LogLevel.Debug, "Channel {ConnectionId} was aborted because closing it failed: {Reason}", EventName = "ChannelCloseFailed")]
    public static partial void ChannelCloseFailed(this ILogger logger, string connectionId, string reason);

    [LoggerMessage(47, LogLevel.Debug, "Channel {ConnectionId} ended: {Received} bytes received, {Sent} bytes sent.", EventName = "ChannelEnded")]
    public static partial void ChannelEnded(this ILogger logger, string connectionId, long received, long sent);

    public static void ChannelOpened(this ILogger logger, string sessionId, MtaTlsChannel channel)
    {
        if (logger.IsEnabled(LogLevel.Debug))
        {
            // A ChannelAddress has only letters, digits and a few signs, so it cannot forge a line.
            logger.ChannelOpened(sessionId, channel.Id, channel.Source, channel.Destination);
        }
    }

    /// <summary>Begins the log scope of a channel's application, like Kestrel's scope of a connection.</summary>
    public static IDisposable? BeginChannelScope(this ILogger logger, MtaTlsChannelContext context)
        => logger.IsEnabled(LogLevel.Critical) ? logger.BeginScope(new ChannelScope(context)) : null;

    [LoggerMessage(40, LogLevel.Debug, "Session {SessionId}: channel {ChannelId} opened; claimed source {Source}, destination {Destination}.", EventName = "ChannelOpened", SkipEnabledCheck = true)]
    private static partial void ChannelOpened(this ILogger logger, string sessionId, ChannelId channelId, ChannelAddress source, ChannelAddress destination);
}
