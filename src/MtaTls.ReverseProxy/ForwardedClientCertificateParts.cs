namespace MtaTls.ReverseProxy;

/// <summary>The parts of the header X-Forwarded-Client-Cert, with Envoy's names.</summary>
[Flags]
public enum ForwardedClientCertificateParts
{
    /// <summary>No part: the header is not sent.</summary>
    None = 0,

    /// <summary><c>Hash</c>: the SHA-256 hash of the certificate, in lower-case hexadecimal digits.</summary>
    Hash = 1,

    /// <summary><c>Cert</c>: the certificate in PEM, percent-encoded.</summary>
    Cert = 2,

    /// <summary><c>Chain</c>: the certificate and the issuers' certificates that the client has sent, in PEM, percent-encoded.</summary>
    Chain = 4,

    /// <summary><c>Subject</c>: the subject's distinguished name (RFC 4514).</summary>
    Subject = 8,

    /// <summary><c>URI</c>: each subject alternative name that is a URI.</summary>
    Uri = 16,

    /// <summary><c>DNS</c>: each subject alternative name that is a DNS name.</summary>
    Dns = 32,
}
