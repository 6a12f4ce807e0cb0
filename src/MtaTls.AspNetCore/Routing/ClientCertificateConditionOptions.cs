namespace MtaTls.AspNetCore;

/// <summary>
/// A condition on a client certificate. Each property that is set must match; within a list one entry is enough. The endpoint has validated the certificate before. If an
/// endpoint accepts every certificate, only <see cref="Thumbprints"/> identify clients, because a client can write any names into its own certificate.
/// </summary>
public sealed class ClientCertificateConditionOptions
{
    /// <summary>Hexadecimal hashes of the certificate: SHA-256 (64 digits, preferred) or SHA-1 (40 digits, which Windows and .NET call the thumbprint).</summary>
    /// <value>Default: empty, no condition.</value>
    public IList<string> Thumbprints { get; } = [];

    /// <summary>
    /// Subject alternative names: <c>dns:client.example</c>, <c>ip:192.0.2.1</c>, <c>email:ops@example.org</c>, <c>uri:spiffe://example.org/gateway</c>; without a prefix a DNS name. They are compared
    /// exactly, DNS names without regard to case. A wildcard in the certificate matches only the same text.
    /// </summary>
    /// <value>Default: empty, no condition.</value>
    public IList<string> SubjectAlternativeNames { get; } = [];

    /// <summary>
    /// The subject's distinguished name (<c>CN=gateway-7, O=Example</c>). It is parsed and compared part by part, with case, never as text. It needs <see cref="Issuer"/>, because a subject is
    /// unique only among the certificates of one issuer.
    /// </summary>
    /// <value>Default: null, no condition.</value>
    public string? Subject { get; set; }

    /// <summary>The issuer's distinguished name. It is compared like <see cref="Subject"/>.</summary>
    /// <value>Default: null, no condition.</value>
    public string? Issuer { get; set; }
}
