using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Configuration;

/// <summary>
/// Where a certificate comes from: a file (<see cref="Path"/>), a certificate store (<see cref="Subject"/> or <see cref="Thumbprint"/>) or an object
/// (<see cref="Certificate"/>). In configuration it has the schema of <c>Kestrel:Certificates</c>. Renewed files are read again before the next handshake,
/// and stores are searched again once a minute. Open sessions continue.
/// </summary>
public sealed class CertificateOptions
{
    /// <summary>
    /// A PEM file with the certificate, then its intermediates, or a PKCS#12 file (<c>.pfx</c>). Together with <see cref="KeyPath"/> it can also be a DER file. The private key must be RSA or ECDSA.
    /// Intermediates are sent to the peer. A path from configuration is relative to the content root.
    /// </summary>
    /// <value>Default: null.</value>
    public string? Path { get; set; }

    /// <summary>The PEM file of the private key.</summary>
    /// <value>Default: null; the key is in <see cref="Path"/>.</value>
    public string? KeyPath { get; set; }

    /// <summary>The password of an encrypted private key or of a PKCS#12 file.</summary>
    /// <value>Default: null.</value>
    public string? Password { get; set; }

    /// <summary>The subject name of a certificate in a store, or a part of it, as for Kestrel. Of several matches with a private key, the one with the latest end of validity is used.</summary>
    /// <value>Default: null.</value>
    public string? Subject { get; set; }

    /// <summary>The SHA-1 thumbprint of a certificate in a store, in hexadecimal. With <see cref="Subject"/> both must match.</summary>
    /// <value>Default: null.</value>
    public string? Thumbprint { get; set; }

    /// <summary>The store's name.</summary>
    /// <value>Default: null, which means <c>My</c>.</value>
    public string? Store { get; set; }

    /// <summary>The store's location.</summary>
    /// <value>Default: null, which means <see cref="StoreLocation.CurrentUser"/>.</value>
    public StoreLocation? Location { get; set; }

    /// <summary>Whether a certificate from a store may be invalid on this machine, for example because it is self-signed.</summary>
    /// <value>Default: null, which means false.</value>
    public bool? AllowInvalid { get; set; }

    /// <summary>The certificate itself, with its private key. Only in code.</summary>
    /// <value>Default: null.</value>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>The intermediates of <see cref="Certificate"/>. Only in code.</summary>
    /// <value>Default: null.</value>
    public X509Certificate2Collection? Intermediates { get; set; }
}
