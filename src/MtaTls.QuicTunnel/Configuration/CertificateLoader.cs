using System.Security.Cryptography.X509Certificates;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Reads PEM files.</summary>
internal static class CertificateLoader
{
    /// <summary>The certificate, and those that follow it in its file; null when none is configured.</summary>
    public static (X509Certificate2 Certificate, X509Certificate2Collection? Intermediates)? Load(TunnelCertificateOptions options)
    {
        if (options.GetGiven() is { } given)
        {
            return (given, null);
        }

        if (string.IsNullOrEmpty(options.Path))
        {
            return null;
        }

        string? keyPath = string.IsNullOrEmpty(options.KeyPath) ? null : options.KeyPath;
        X509Certificate2 certificate = string.IsNullOrEmpty(options.Password)
            ? X509Certificate2.CreateFromPemFile(options.Path, keyPath)
            : X509Certificate2.CreateFromEncryptedPemFile(options.Path, options.Password, keyPath);
        X509Certificate2Collection all = LoadAuthorities(options.Path);
        all.RemoveAt(0);
        return (certificate, all.Count > 0 ? all : null);
    }

    public static X509Certificate2Collection LoadAuthorities(string path)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(path);
        return certificates;
    }
}
