using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel;

/// <summary>A certificate and its private key: PEM files, or one given by the application.</summary>
public sealed class TunnelCertificateOptions
{
    // A field: the configuration binder must not see it.
    private X509Certificate2? _given;

    /// <summary>A PEM file with the certificate and after it those of its issuers, if any. Default none.</summary>
    public string? Path { get; set; }

    /// <summary>A PEM file with the private key. Default: the key is in <see cref="Path"/>.</summary>
    public string? KeyPath { get; set; }

    /// <summary>The password of an encrypted private key. Default none.</summary>
    public string? Password { get; set; }

    internal bool IsSet => _given is not null || !string.IsNullOrEmpty(Path);

    /// <summary>Takes a certificate of the application's instead of files.</summary>
    /// <param name="certificate">With its private key, which must be exportable.</param>
    public void Use(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        _given = certificate;
    }

    internal X509Certificate2? GetGiven() => _given;
}
