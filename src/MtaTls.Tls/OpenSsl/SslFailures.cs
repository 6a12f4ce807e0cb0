using System.Security.Authentication;

namespace MtaTls.Tls.OpenSsl;

/// <summary>What went wrong on a connection, gathered where it happens, and the exceptions made of it.</summary>
internal sealed class SslFailures
{
    /// <summary>OpenSSL's text for a first record that is none, as the answer of a server that speaks plain HTTP.</summary>
    private const string NoRecord = "wrong version number";

    private Exception? _callbackFailure;
    private TlsAlert? _alertSent;
    private TlsAlert? _alertReceived;

    /// <summary>An exception of a callback, which must not pass through native frames.</summary>
    public void CallbackFailed(Exception e) => _callbackFailure ??= e;

    /// <summary>An alert passed. Only fatal ones tell why a connection ended; close_notify and other warnings do not.</summary>
    /// <param name="value">The level and the description.</param>
    /// <param name="sent">This end sent it.</param>
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

    /// <summary>Why the handshake failed.</summary>
    /// <param name="refusal">Why this end refused the peer; null when it did not.</param>
    /// <param name="truncated">The transport ended before.</param>
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

    /// <summary>Why the session failed after the handshake.</summary>
    /// <param name="truncated">The transport ended before.</param>
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
