using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MtaTls.Configuration;

/// <summary>Reads certificates, keys and chains from PEM and PKCS#12 files. Every error names the setting and the file.</summary>
internal static class CertificateFiles
{
    private const string EncryptedKey = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

    /// <summary>Reads a certificate with its private key and its intermediates.</summary>
    /// <param name="path">The certificate's file.</param>
    /// <param name="keyPath">The key's file; null when the key is in the same file.</param>
    /// <param name="password">The password of the key or of a PKCS#12 file.</param>
    /// <exception cref="CertificateException">A file cannot be read, or the files do not fit together.</exception>
    public static LoadedCertificate Load(string path, string? keyPath, string? password)
    {
        LoadedCertificate loaded = LoadAny(path, keyPath, password);
        using AsymmetricAlgorithm? key = (AsymmetricAlgorithm?)loaded.Certificate.GetRSAPrivateKey() ?? loaded.Certificate.GetECDsaPrivateKey();
        return key is not null
            ? loaded
            : throw new CertificateException(
                keyPath is null ? nameof(CertificateOptions.Path) : nameof(CertificateOptions.KeyPath), $"The private key in '{keyPath ?? path}' is neither RSA nor ECDSA.");
    }

    private static LoadedCertificate LoadAny(string path, string? keyPath, string? password)
    {
        byte[] content = Read(nameof(CertificateOptions.Path), "Certificate", path);
        if (content.AsSpan().IndexOf("-----BEGIN"u8) >= 0)
        {
            return LoadPem(Encoding.UTF8.GetString(content), path, keyPath, password);
        }

        return keyPath is null ? LoadPkcs12(content, path, password) : LoadDer(content, path, keyPath, password);
    }

    /// <summary>Reads the certificates of authorities from a PEM file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="setting">The setting that names it.</param>
    /// <exception cref="CertificateException">The file cannot be read, or has no certificate.</exception>
    public static X509Certificate2Collection LoadAuthorities(string path, string setting)
    {
        string text = Encoding.UTF8.GetString(Read(setting, "Authority", path));
        return ImportPem(text, path, setting);
    }

    private static LoadedCertificate LoadPem(string text, string path, string? keyPath, string? password)
    {
        X509Certificate2Collection all = ImportPem(text, path, nameof(CertificateOptions.Path));
        X509Certificate2 certificate = WithKey(text, path, keyPath, keyPath is null ? text : ReadKey(keyPath), password);
        // The first one is the certificate itself. The file may have it again among the others.
        X509Certificate2[] others = [.. all.Where(c => !c.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span))];
        return new LoadedCertificate(certificate, [.. others]);
    }

    private static LoadedCertificate LoadDer(byte[] content, string path, string keyPath, string? password)
    {
        try
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(content);
            return new LoadedCertificate(WithKey(certificate.ExportCertificatePem(), path, keyPath, ReadKey(keyPath), password), []);
        }
        catch (CryptographicException e)
        {
            throw new CertificateException(nameof(CertificateOptions.Path), $"Certificate file '{path}' has no certificate. A PKCS#12 file needs no KeyPath.", e);
        }
    }

    private static LoadedCertificate LoadPkcs12(byte[] content, string path, string? password)
    {
        X509Certificate2Collection all;
        try
        {
            all = X509CertificateLoader.LoadPkcs12Collection(content, password, OperatingSystem.IsLinux() ? X509KeyStorageFlags.Exportable : X509KeyStorageFlags.DefaultKeySet);
        }
        catch (CryptographicException e) when (IsWrongPassword(e))
        {
            throw new CertificateException(
                nameof(CertificateOptions.Password), password is null ? $"is missing: '{path}' is protected by a password." : $"is not the password of '{path}'.", e);
        }
        catch (CryptographicException e)
        {
            throw new CertificateException(nameof(CertificateOptions.Path), $"Certificate file '{path}' is neither PEM nor PKCS#12. {e.Message}", e);
        }

        X509Certificate2 certificate = all.FirstOrDefault(static c => c.HasPrivateKey)
            ?? throw new CertificateException(nameof(CertificateOptions.Path), $"Certificate file '{path}' has no certificate with a private key.");
        all.Remove(certificate);
        return new LoadedCertificate(certificate, all);
    }

    private static X509Certificate2 WithKey(string certificate, string path, string? keyPath, string key, string? password)
    {
        string keyFile = keyPath ?? path;
        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw keyPath is null
                ? new CertificateException(nameof(CertificateOptions.KeyPath), $"is missing: '{path}' has a certificate without its private key. Set the path of the key's file.")
                : new CertificateException(nameof(CertificateOptions.KeyPath), $"Key file '{keyPath}' has no private key in PEM.");
        }

        bool encrypted = key.Contains(EncryptedKey, StringComparison.Ordinal);
        if (encrypted && password is null)
        {
            throw new CertificateException(nameof(CertificateOptions.Password), $"is missing: the private key in '{keyFile}' is encrypted.");
        }

        try
        {
            X509Certificate2 loaded = encrypted ? X509Certificate2.CreateFromEncryptedPem(certificate, key, password) : X509Certificate2.CreateFromPem(certificate, key);
            if (!OperatingSystem.IsWindows())
            {
                return loaded;
            }

            // On Windows, SslStream does not accept a key that exists only in memory.
            using (loaded)
            {
                return X509CertificateLoader.LoadPkcs12(loaded.Export(X509ContentType.Pkcs12), null);
            }
        }
        catch (ArgumentException e)
        {
            throw new CertificateException(nameof(CertificateOptions.KeyPath), $"The private key in '{keyFile}' does not belong to the certificate in '{path}'.", e);
        }
        catch (CryptographicException e)
        {
            throw encrypted
                ? new CertificateException(nameof(CertificateOptions.Password), $"is not the password of the private key in '{keyFile}'.", e)
                : new CertificateException(nameof(CertificateOptions.KeyPath), $"The private key in '{keyFile}' cannot be read: {e.Message}", e);
        }
    }

    private static X509Certificate2Collection ImportPem(string text, string path, string setting)
    {
        X509Certificate2Collection all = [];
        try
        {
            all.ImportFromPem(text);
        }
        catch (CryptographicException e)
        {
            throw new CertificateException(setting, $"'{path}' has a certificate that cannot be read: {e.Message}", e);
        }

        return all.Count > 0 ? all : throw new CertificateException(setting, $"'{path}' has no certificate in PEM.");
    }

    private static string ReadKey(string path) => Encoding.UTF8.GetString(Read(nameof(CertificateOptions.KeyPath), "Key", path));

    private static byte[] Read(string setting, string kind, string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CertificateException(setting, $"{kind} file '{path}' was not found.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CertificateException(setting, $"{kind} file '{path}' cannot be read: {e.Message}", e);
        }
    }

    // ERROR_INVALID_PASSWORD. .NET uses it on every operating system.
    private static bool IsWrongPassword(CryptographicException e) => e.HResult == unchecked((int)0x80070056);
}
