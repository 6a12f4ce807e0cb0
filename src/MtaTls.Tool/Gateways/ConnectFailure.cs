using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using MtaTls.Client;
using MtaTls.Protocol;
using MtaTls.Tls;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Gateways;

/// <summary>Tells which step of reaching a gateway failed, and what to try.</summary>
internal static class ConnectFailure
{
    /// <summary>Explains why connecting or opening a channel failed; null: the exception is another failure.</summary>
    public static ToolException? Explain(Exception exception, HostAndPort gateway, GatewayTrust trust) => exception switch
    {
        ToolException failure => failure,
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            new ToolException(ExitCode.NameNotFound, $"The name '{gateway.Host}' was not found.", "Check the spelling and the DNS server.", exception),
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
            new ToolException(ExitCode.NotReachable, $"{gateway} refused the connection.", "Check the port, and whether the gateway runs.", exception),
        SocketException e => new ToolException(ExitCode.NotReachable, $"{e.Message.TrimEnd('.')}.", "Check the network and firewalls.", exception),
        MtaTlsNotNegotiatedException =>
            new ToolException(ExitCode.NotMultiplexed, $"{gateway} speaks TLS, but not MTA-TLS.", "Call UseMtaTls() in the server, or check --extension-type on both ends.", exception),
        MtaTlsChannelRefusedException e => new ToolException(
            ExitCode.ChannelRefused,
            $"{gateway} refused the destination{(e.Reason.Length == 0 ? "." : $": {e.Reason.TrimEnd('.')}.")}",
            "Check the gateway's channel routes and its log.",
            exception),
        AuthenticationException when trust.Refusal is { } refusal =>
            new ToolException(ExitCode.CertificateRefused, $"The certificate of {gateway} was refused: {refusal}", trust.Advice, exception),
        AuthenticationException e => new ToolException(ExitCode.TlsFailed, $"{e.Message.TrimEnd('.')}.", "Check whether the port uses TLS, and whether the gateway requires a client certificate (--cert).", exception),
        IOException when Alert(exception) is { } alert => new ToolException(
            ExitCode.TlsFailed,
            $"{gateway} ended the TLS session: {alert.Message.TrimEnd('.')}.",
            "Check whether the gateway requires a client certificate (--cert, --key), and whether it trusts the certificate's authority.",
            exception),
        HttpRequestException { InnerException: { } inner } => Explain(inner, gateway, trust),
        IOException { InnerException: TimeoutException } e =>
            new ToolException(ExitCode.NotReachable, $"{e.Message.TrimEnd('.')}.", "Check the network and firewalls, or allow more time with --connect-timeout.", exception),
        IOException { InnerException: { } inner } e when inner is SocketException or AuthenticationException or MtaTlsNotNegotiatedException =>
            Explain(inner, gateway, trust) is { } known ? new ToolException(known.ExitCode, known.Message, known.Advice, e) : null,
        IOException e => new ToolException(ExitCode.SessionLost, $"The session with {gateway} ended: {e.Message.TrimEnd('.')}.", "Try again, and look at the gateway's log.", exception),
        PlatformNotSupportedException or ArgumentException or CryptographicException => new ToolException(ExitCode.Failure, exception.Message, null, exception),
        _ => null,
    };

    // In TLS 1.3 the alert can come after the handshake: a server checks the client's certificate after the client has finished it.
    private static TlsAlertException? Alert(Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is TlsAlertException alert)
            {
                return alert;
            }
        }

        return null;
    }
}
