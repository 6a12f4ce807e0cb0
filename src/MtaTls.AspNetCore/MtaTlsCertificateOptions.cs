using System.Security.Cryptography.X509Certificates;

namespace MtaTls.AspNetCore;

/// <summary>
/// Where a certificate comes from, with the schema of <c>Kestrel:Certificates</c>: a file (<see cref="Path"/>) or a certificate store
/// (<see cref="Subject"/> or <see cref="Thumbprint"/>). Files are read again when they have changed, before the next handshake.
/// </summary>
public sealed class MtaTlsCertificateOptions
{
    /// <summary>
    /// A PEM file, with its chain after the certificate and its key in it or in <see cref="KeyPath"/>, or a PKCS#12 file (<c>.pfx</c>).
    /// Relative to the content root.
    /// </summary>
    public string? Path { get; set; }

    /// <summary>The PEM file of the private key, where it is not in <see cref="Path"/>.</summary>
    public string? KeyPath { get; set; }

    /// <summary>The password of an encrypted key or of a PKCS#12 file.</summary>
    public string? Password { get; set; }

    /// <summary>The subject of a certificate in a store, as Kestrel matches it: a part of the subject name.</summary>
    public string? Subject { get; set; }

    /// <summary>The SHA-1 thumbprint of a certificate in a store, in hexadecimal; with <see cref="Subject"/> both must match.</summary>
    public string? Thumbprint { get; set; }

    /// <summary>The store's name. Default: <c>My</c>.</summary>
    public string? Store { get; set; }

    /// <summary>The store's location. Default: <see cref="StoreLocation.CurrentUser"/>.</summary>
    public StoreLocation? Location { get; set; }

    /// <summary>Whether a certificate of a store may be invalid, self-signed for example. Default: false.</summary>
    public bool? AllowInvalid { get; set; }

    internal bool NamesSameAs(MtaTlsCertificateOptions other) =>
        (Path, KeyPath, Password, Subject, Thumbprint, Store, Location, AllowInvalid)
        == (other.Path, other.KeyPath, other.Password, other.Subject, other.Thumbprint, other.Store, other.Location, other.AllowInvalid);

    internal bool IsFile => !string.IsNullOrEmpty(Path);

    internal bool IsStore => !string.IsNullOrEmpty(Subject) || !string.IsNullOrEmpty(Thumbprint);
}
