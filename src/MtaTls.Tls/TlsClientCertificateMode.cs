namespace MtaTls.Tls;

/// <summary>Whether a server asks its clients for a certificate.</summary>
internal enum TlsClientCertificateMode
{
    /// <summary>No certificate is asked for. The default.</summary>
    NoCertificate,

    /// <summary>A certificate is asked for. A client may come without one; one that it sends must be valid.</summary>
    AllowCertificate,

    /// <summary>A valid certificate is required: without one the handshake fails (<c>certificate_required</c> in TLS 1.3).</summary>
    RequireCertificate,
}
