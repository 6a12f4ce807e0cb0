using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>
/// A certificate in files, which are looked at before each handshake and read again when they have changed. Two calls of stat cost nothing beside
/// a handshake, and unlike a file watcher they see every replacement, the swapped directory links of mounted secrets among them.
/// A replacement that can't be read leaves the certificate as it was.
/// </summary>
internal sealed class CertificateFile : ICertificateSource
{
    private readonly string _path;
    private readonly string? _keyPath;
    private readonly string? _password;
    private readonly string _key;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private Stamp _stamp;
    private volatile ServerCertificate _current;

    /// <param name="path">The full path of the certificate.</param>
    /// <param name="keyPath">The full path of its key, if not in the same file.</param>
    /// <param name="password">The password, if there is one.</param>
    /// <param name="key">The configuration key, for the log.</param>
    /// <param name="logger">Where a change is reported.</param>
    /// <exception cref="CryptographicException">The files hold no certificate with its key.</exception>
    /// <exception cref="IOException">A file can't be read.</exception>
    public CertificateFile(string path, string? keyPath, string? password, string key, ILogger logger)
    {
        _path = path;
        _keyPath = keyPath;
        _password = password;
        _key = key;
        _logger = logger;
        _stamp = Stamp.Of(path, keyPath);
        _current = Load(path, keyPath, password);
    }

    public ServerCertificate Current
    {
        get
        {
            // Whoever comes while another reads the files gets the old certificate.
            if (_lock.TryEnter())
            {
                try
                {
                    Refresh();
                }
                finally
                {
                    _lock.Exit();
                }
            }

            return _current;
        }
    }

    /// <summary>Reads a certificate, its key and its chain from PEM or PKCS#12 files.</summary>
    public static ServerCertificate Load(string path, string? keyPath, string? password)
    {
        if (keyPath is null && !IsPem(path))
        {
            X509Certificate2Collection all = X509CertificateLoader.LoadPkcs12CollectionFromFile(path, password);
            X509Certificate2 leaf = all.FirstOrDefault(c => c.HasPrivateKey)
                ?? throw new CryptographicException($"'{path}' holds no certificate with a private key.");
            all.Remove(leaf);
            return new ServerCertificate(leaf, all);
        }

        X509Certificate2 certificate = string.IsNullOrEmpty(password)
            ? X509Certificate2.CreateFromPemFile(path, keyPath)
            : X509Certificate2.CreateFromEncryptedPemFile(path, password, keyPath);
        if (OperatingSystem.IsWindows())
        {
            // There SslStream takes no key that exists in memory alone.
            using X509Certificate2 ephemeral = certificate;
            certificate = X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), null);
        }

        X509Certificate2Collection chain = [];
        chain.ImportFromPemFile(path);
        X509Certificate2[] others = [.. chain.Where(c => !c.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span))];
        return new ServerCertificate(certificate, new X509Certificate2Collection(others));
    }

    /// <summary>Whether reading a certificate fails so when the files are at fault. A key that is another certificate's is an ArgumentException.</summary>
    public static bool IsUnreadable(Exception e) => e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException;

    private static bool IsPem(string path)
    {
        Span<byte> start = stackalloc byte[4096];
        using FileStream file = File.OpenRead(path);
        int length = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return start[..length].IndexOf("-----BEGIN"u8) >= 0;
    }

    private void Refresh()
    {
        var stamp = Stamp.Of(_path, _keyPath);
        if (stamp == _stamp)
        {
            return;
        }

        // A pair of files is seldom replaced in one moment: what does not fit together now is tried again when one of them changes again.
        _stamp = stamp;
        try
        {
            _current = Load(_path, _keyPath, _password);
            _logger.CertificateReloaded(_key, _current.Certificate.Thumbprint, _current.Certificate.NotAfter);
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            _logger.CertificateNotReloaded(_key, e);
        }
    }

    /// <summary>What tells one version of the files from another.</summary>
    private readonly record struct Stamp(DateTime Certificate, long CertificateLength, DateTime Key, long KeyLength)
    {
        public static Stamp Of(string path, string? keyPath)
        {
            (DateTime certificate, long certificateLength) = Of(path);
            (DateTime key, long keyLength) = keyPath is null ? default : Of(keyPath);
            return new Stamp(certificate, certificateLength, key, keyLength);
        }

        private static (DateTime Written, long Length) Of(string path)
        {
            try
            {
                FileSystemInfo file = File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
                return file.Exists ? (file.LastWriteTimeUtc, ((FileInfo)file).Length) : default;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return default;
            }
        }
    }
}
