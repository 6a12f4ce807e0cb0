using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Certificates;

namespace MtaTls.Tls.Handshakes;

/// <summary>What OpenSSL asks while it handshakes, answered for one connection as a server or as a client. Runs inside SSL calls, under the connection's lock.</summary>
internal abstract class SslRole
{
    /// <summary>Whether both ends agreed on the extension.</summary>
    public bool Negotiated { get; protected set; }

    /// <summary>close_notify is answered at once where channels are multiplexed: each of them has ended with it.</summary>
    public bool AnswersClose => Negotiated;

    /// <summary>The peer's certificate and those that came with it; null when it sent none.</summary>
    public PeerCertificates? Peer { get; protected set; }

    /// <summary>Why this end refused the peer, for the exception; null when it did not.</summary>
    public string? Refusal { get; protected set; }

    /// <summary>The certificate that this end uses; null when it uses none.</summary>
    public X509Certificate2? LocalCertificate { get; protected set; }

    /// <summary>Whether the peer's certificate may lead to a download: the steps of such a handshake run on a thread of their own.</summary>
    public virtual bool MayWait => false;

    /// <summary>Whether to put the extension into a hello; a server is only asked when the client has offered it.</summary>
    public abstract bool AddExtension();

    /// <summary>The peer's extension. Returns false when its body is not empty.</summary>
    public abstract bool ParseExtension(int length);

    /// <summary>Looks at a ClientHello before OpenSSL acts on it; the alert to refuse it with, or null.</summary>
    public virtual TlsAlert? InspectClientHello(nint ssl) => null;

    /// <summary>Picks from the client's ALPN list (length-prefixed names); false when nothing in it is supported.</summary>
    public virtual bool TrySelectProtocol(ReadOnlySpan<byte> offered, out Range name) => throw new NotSupportedException();

    /// <summary>Validates the peer's chain; 0 (X509_V_OK) or the X509_V_ERR that leads to the right alert.</summary>
    public int VerifyPeer(nint storeContext)
    {
        Peer = PeerCertificates.From(storeContext);
        CertificateValidationResult result = ValidatePeer(Peer);
        Refusal = result.Reason;
        return result.VerifyError;
    }

    /// <summary>The handshake is over.</summary>
    /// <param name="resumed">Whether a session was resumed, so that no certificate was sent in this handshake.</param>
    public abstract void HandshakeDone(bool resumed);

    /// <summary>The server has asked for a certificate: gives the SSL one, if there is one.</summary>
    public virtual void ProvideCertificate(nint ssl)
    {
    }

    /// <summary>Keeps a new session for resumption; true when the reference was taken over.</summary>
    public abstract bool KeepSession(nint ssl, nint session);

    /// <summary>The session that a client asks to resume, with a reference for OpenSSL; 0 when there is none.</summary>
    public virtual nint FindSession(ReadOnlySpan<byte> id) => 0;

    /// <summary>OpenSSL found a session unfit for resumption.</summary>
    public abstract void DropSession(nint session);

    /// <summary>Makes the session of this connection impossible to resume, now and later.</summary>
    public abstract void ForbidResumption();

    /// <summary>A line for the key log file, where one was asked for.</summary>
    public abstract void WriteKeyLog(ReadOnlySpan<byte> line);

    /// <summary>Validates the peer's certificate.</summary>
    protected abstract CertificateValidationResult ValidatePeer(PeerCertificates peer);
}
