using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel;

/// <summary>A certificate and its private key: PEM files, or one given by the application.</summary>
public sealed class TunnelCertificateOptions
{
    /// <summary>A PEM file with the certificate and after it those of its issuers, if any. Default none.</summary>
    public string? Path { get; set; }

    /// <summary>A PEM file with the private key. Default: the key is in <see cref="Path"/>.</summary>
    public string? KeyPath { get; set; }

    /// <summary>The password of an encrypted private key. Default none.</summary>
    public string? Password { get; set; }

    /// <summary>The certificate with its exportable private key, set by the application; takes precedence over <see cref="Path"/>. Default none.</summary>
    public X509Certificate2? Value { get; set; }

    internal bool IsSet => Value is not null || !string.IsNullOrEmpty(Path);
}
