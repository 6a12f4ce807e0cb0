namespace MtaTls.Tls;

/// <summary>Whether a server asks its clients for a certificate.</summary>
internal enum TlsClientCertificateMode
{
    /// <summary>The server does not ask for a certificate. The default.</summary>
    NoCertificate,

    /// <summary>The server asks for a certificate. The client can connect without one; a certificate that it sends must be valid.</summary>
    AllowCertificate,

    /// <summary>A valid certificate is required: without one the handshake fails (<c>certificate_required</c> in TLS 1.3).</summary>
    RequireCertificate,
}
