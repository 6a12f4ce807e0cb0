namespace MtaTls.Tls;

/// <summary>
/// A fatal TLS alert ended the connection. It is the inner exception of the <see cref="System.Security.Authentication.AuthenticationException"/> of
/// a failed handshake or of the <see cref="IOException"/> of a session that failed later.
/// </summary>
public sealed class TlsAlertException : Exception
{
    /// <summary>Creates the exception for an alert.</summary>
    /// <param name="alert">The alert's description.</param>
    /// <param name="isReceived"><see langword="true"/> when the peer sent the alert, <see langword="false"/> when this end did.</param>
    /// <param name="details">More about the reason; null for none.</param>
    /// <param name="innerException">The cause; null when there is none.</param>
    internal TlsAlertException(TlsAlert alert, bool isReceived, string? details = null, Exception? innerException = null)
        : base(Describe(alert, isReceived, details), innerException)
    {
        Alert = alert;
        IsReceived = isReceived;
    }

    /// <summary>The alert's description (RFC 8446, section 6).</summary>
    public TlsAlert Alert { get; }

    /// <summary><see langword="true"/> when the peer sent the alert, <see langword="false"/> when this end did.</summary>
    public bool IsReceived { get; }

    private static string Describe(TlsAlert alert, bool isReceived, string? details)
    {
        string text = isReceived ? $"The peer sent the TLS alert {alert} ({(byte)alert})." : $"The TLS alert {alert} ({(byte)alert}) was sent to the peer.";
        return details is null ? text : $"{text} {details}";
    }
}
