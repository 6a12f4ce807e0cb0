using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Certificates;

namespace MtaTls.Tls.Handshakes;

/// <summary>Answers OpenSSL's callbacks for one connection, as a server or as a client. Its members run inside SSL calls, under the connection's lock.</summary>
internal abstract class SslRole
{
    /// <summary>Whether both ends agreed on the extension.</summary>
    public bool Negotiated { get; protected set; }

    /// <summary>Whether close_notify is answered at once: on a session with channels, because close_notify ends all of them.</summary>
    public bool AnswersClose => Negotiated;

    /// <summary>The peer's certificate and the others that it sent; null when it sent none.</summary>
    public PeerCertificates? Peer { get; protected set; }

    /// <summary>The reason why this end refused the peer, for the exception; null when it did not refuse.</summary>
    public string? Refusal { get; protected set; }

    /// <summary>The certificate that this end uses; null when it uses none.</summary>
    public X509Certificate2? LocalCertificate { get; protected set; }

    /// <summary>Whether validating the peer's certificate can wait for a download. The steps of such a handshake run on a dedicated thread.</summary>
    public virtual bool MayWait => false;

    /// <summary>Whether to add the extension to a hello. A server is asked only when the client has offered it.</summary>
    public abstract bool AddExtension();

    /// <summary>Handles the peer's extension. Returns false when its body is not empty.</summary>
    public abstract bool ParseExtension(int length);

    /// <summary>Checks a ClientHello before OpenSSL handles it. Returns the alert for a refusal, or null.</summary>
    public virtual TlsAlert? InspectClientHello(nint ssl) => null;

    /// <summary>Selects a protocol of the client's ALPN list (length-prefixed names). Returns false when none of them is supported.</summary>
    public virtual bool TrySelectProtocol(ReadOnlySpan<byte> offered, out Range name) => throw new NotSupportedException();

    /// <summary>Validates the peer's certificate. Returns 0 (X509_V_OK) or the X509_V_ERR code that makes OpenSSL send the right alert.</summary>
    public int VerifyPeer(nint storeContext)
    {
        Peer = PeerCertificates.From(storeContext);
        CertificateValidationResult result = ValidatePeer(Peer);
        Refusal = result.Reason;
        return result.VerifyError;
    }

    /// <summary>The handshake has succeeded.</summary>
    /// <param name="resumed">Whether a session was resumed, so that no certificate was sent in this handshake.</param>
    public abstract void HandshakeDone(bool resumed);

    /// <summary>The server asks for a certificate: sets one on the SSL, if there is one.</summary>
    public virtual void ProvideCertificate(nint ssl)
    {
    }

    /// <summary>Keeps a new session for resumption. Returns true when it took over the reference.</summary>
    public abstract bool KeepSession(nint ssl, nint session);

    /// <summary>Returns the session that a client asks to resume, with a reference for OpenSSL; 0 when there is none.</summary>
    public virtual nint FindSession(ReadOnlySpan<byte> id) => 0;

    /// <summary>OpenSSL found that a session cannot be resumed.</summary>
    public abstract void DropSession(nint session);

    /// <summary>Prevents the resumption of this connection's session, now and later.</summary>
    public abstract void ForbidResumption();

    /// <summary>Writes a line to the key log file, when one is configured.</summary>
    public abstract void WriteKeyLog(ReadOnlySpan<byte> line);

    /// <summary>Validates the peer's certificate.</summary>
    protected abstract CertificateValidationResult ValidatePeer(PeerCertificates peer);
}
