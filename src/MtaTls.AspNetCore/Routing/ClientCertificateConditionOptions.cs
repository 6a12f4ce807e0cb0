namespace MtaTls.AspNetCore;

/// <summary>
/// What a client certificate must be. Each kind that is set must hold; within a list one entry is enough. The certificate has been validated as the endpoint is
/// set up to: where an endpoint accepts every certificate, only <see cref="Thumbprints"/> tell clients apart.
/// </summary>
public sealed class ClientCertificateConditionOptions
{
    /// <summary>Hexadecimal hashes of the certificate: SHA-256 (64 digits, preferred) or SHA-1 (40 digits, what Windows and .NET call the thumbprint). <value>Default: empty.</value></summary>
    public IList<string> Thumbprints { get; } = [];

    /// <summary>
    /// Subject alternative names: <c>dns:client.example</c>, <c>ip:192.0.2.1</c>, <c>email:ops@example.org</c>, <c>uri:spiffe://example.org/gateway</c>; without a prefix a DNS name. Compared
    /// exactly (DNS names without regard to case; a wildcard in the certificate is no wildcard here). <value>Default: empty.</value>
    /// </summary>
    public IList<string> SubjectAlternativeNames { get; } = [];

    /// <summary>
    /// The subject's distinguished name (<c>CN=gateway-7, O=Example</c>), compared as a parsed name, part by part and case included; never as a piece of text. Needs <see cref="Issuer"/>: a subject
    /// means something only in its issuer's name space. <value>Default: null.</value>
    /// </summary>
    public string? Subject { get; set; }

    /// <summary>The issuer's distinguished name, compared as <see cref="Subject"/> is. <value>Default: null.</value></summary>
    public string? Issuer { get; set; }
}
