using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace MtaTls.Configuration;

/// <summary>A PEM file with the certificate authorities that must have issued the peer's certificate. It is read again when it has changed. Two sources with the same file are equal.</summary>
internal sealed class AuthoritySource : IEquatable<AuthoritySource>
{
    private readonly string _path;
    private readonly string _key;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private FileStamp _stamp;
    private volatile X509Certificate2Collection _current;

    /// <exception cref="CertificateException">The file cannot be read.</exception>
    private AuthoritySource(string path, string key, ILogger logger)
    {
        _path = path;
        _key = key;
        _logger = logger;
        _stamp = FileStamp.Of(path);
        _current = Load();
    }

    /// <summary>The current authorities. It is the same object until the file changes. Never throws.</summary>
    public X509Certificate2Collection Current
    {
        get
        {
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

    /// <summary>Reads the authorities once.</summary>
    /// <param name="path">The file; null or empty for none.</param>
    /// <param name="contentRoot">The directory that a relative path starts from.</param>
    /// <param name="key">The key of the setting, for errors and logs.</param>
    /// <param name="logger">The logger for later changes.</param>
    /// <param name="errors">The list to add errors to.</param>
    /// <returns>The source; null when no file is configured, and when it cannot be read.</returns>
    public static AuthoritySource? Create(string? path, string contentRoot, string key, ILogger logger, ErrorList errors)
    {
        if (string.IsNullOrEmpty(path))
        {
            return null;
        }

        try
        {
            return new AuthoritySource(Path.GetFullPath(path, contentRoot), key, logger);
        }
        catch (CertificateException e)
        {
            errors.Add(key, e.Message);
            return null;
        }
    }

    /// <summary>Makes a policy trust only these authorities. Those that are not self-signed are used only to build chains.</summary>
    public static void Apply(X509Certificate2Collection authorities, X509ChainPolicy policy)
    {
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        foreach (X509Certificate2 authority in authorities)
        {
            bool isRoot = authority.SubjectName.RawData.AsSpan().SequenceEqual(authority.IssuerName.RawData);
            (isRoot ? policy.CustomTrustStore : policy.ExtraStore).Add(authority);
        }
    }

    public bool Equals(AuthoritySource? other) => other is not null && _path == other._path;

    public override bool Equals(object? obj) => Equals(obj as AuthoritySource);

    public override int GetHashCode() => _path.GetHashCode(StringComparison.Ordinal);

    private void Refresh()
    {
        var stamp = FileStamp.Of(_path);
        if (stamp == _stamp)
        {
            return;
        }

        _stamp = stamp;
        try
        {
            _current = Load();
            _logger.AuthoritiesReloaded(_key, _current.Count);
        }
        catch (CertificateException e)
        {
            _logger.CertificateNotReloaded(_key, e.Message);
        }
    }

    // The setting is empty, because the key is already that of the setting with the file.
    private X509Certificate2Collection Load() => CertificateFiles.LoadAuthorities(_path, "");
}
