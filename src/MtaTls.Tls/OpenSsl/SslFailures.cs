using System.Security.Authentication;

namespace MtaTls.Tls.OpenSsl;

/// <summary>Collects the failures of a connection and creates exceptions from them.</summary>
internal sealed class SslFailures
{
    /// <summary>OpenSSL's text when the first bytes are not a TLS record, for example the answer of a server with plain HTTP.</summary>
    private const string NoRecord = "wrong version number";

    private Exception? _callbackFailure;
    private TlsAlert? _alertSent;
    private TlsAlert? _alertReceived;

    /// <summary>Remembers the exception of a callback, which must not pass through native frames.</summary>
    public void CallbackFailed(Exception e) => _callbackFailure ??= e;

    /// <summary>An alert was sent or received. Only a fatal alert is the reason why a connection ended; close_notify and other warnings are not.</summary>
    /// <param name="value">The level (high byte) and the description (low byte).</param>
    /// <param name="sent">Whether this end sent it.</param>
    public void Alert(int value, bool sent)
    {
        const int Fatal = 2;
        if (value >> 8 != Fatal)
        {
            return;
        }

        if (sent)
        {
            _alertSent = (TlsAlert)value;
        }
        else
        {
            _alertReceived = (TlsAlert)value;
        }
    }

    /// <summary>Creates the exception for a failed handshake.</summary>
    /// <param name="refusal">The reason why this end refused the peer; null when it did not.</param>
    /// <param name="truncated">Whether the transport ended during the handshake.</param>
    public Exception OfHandshake(string? refusal, bool truncated)
    {
        string reasons = OpenSslReasons();
        string? details = refusal ?? _callbackFailure?.Message;
        if (details is null && reasons.Contains(NoRecord, StringComparison.Ordinal))
        {
            return new AuthenticationException($"The TLS handshake failed. The peer answers without TLS. {reasons}");
        }

        if (_alertReceived is { } received)
        {
            return Failed(new TlsAlertException(received, isReceived: true, details, _callbackFailure));
        }

        if (_alertSent is { } sent)
        {
            return Failed(new TlsAlertException(sent, isReceived: false, details ?? reasons, _callbackFailure));
        }

        return truncated && _callbackFailure is null
            ? new IOException("The peer closed the connection during the TLS handshake.")
            : new AuthenticationException($"The TLS handshake failed. {details ?? reasons}", _callbackFailure);

        static AuthenticationException Failed(TlsAlertException alert) => new($"The TLS handshake failed. {alert.Message}", alert);
    }

    /// <summary>Creates the exception for a session that failed after the handshake.</summary>
    /// <param name="truncated">Whether the transport ended without close_notify.</param>
    public IOException OfSession(bool truncated)
    {
        string reasons = OpenSslReasons();
        if (_callbackFailure is { } cause)
        {
            return new IOException(cause.Message, cause);
        }

        if (_alertReceived is { } received)
        {
            var alert = new TlsAlertException(received, isReceived: true);
            return new IOException(alert.Message, alert);
        }

        if (_alertSent is { } sent)
        {
            var alert = new TlsAlertException(sent, isReceived: false, reasons);
            return new IOException(alert.Message, alert);
        }

        return truncated
            ? new IOException("The peer closed the connection without close_notify: data may be missing.", new EndOfStreamException())
            : new IOException($"The TLS session failed. {reasons}");
    }

    private static string OpenSslReasons() => $"OpenSSL says: {OpenSslErrors.TakeReasons() ?? "nothing"}.";
}
