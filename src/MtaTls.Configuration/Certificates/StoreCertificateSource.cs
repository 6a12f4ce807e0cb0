using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace MtaTls.Configuration;

/// <summary>A certificate in a store of the machine. The store is searched again at most once a minute. Of several certificates that match, the one with the latest end of validity is used.</summary>
internal sealed class StoreCertificateSource : CertificateSource
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(1);

    private readonly string _key;
    private readonly string _usage;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private long _searched;
    private volatile LoadedCertificate _current;

    /// <exception cref="CertificateException">The store has no such certificate.</exception>
    public StoreCertificateSource(CertificateDescription description, string key, CertificatePurpose purpose, ILogger logger, TimeProvider time)
        : base(description)
    {
        _key = key;
        _usage = purpose == CertificatePurpose.Server ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2";
        _logger = logger;
        _time = time;
        _searched = time.GetTimestamp();
        _current = new LoadedCertificate(Find(), []);
    }

    public override LoadedCertificate Current
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

    private void Refresh()
    {
        if (_time.GetElapsedTime(_searched) < s_interval)
        {
            return;
        }

        _searched = _time.GetTimestamp();
        try
        {
            X509Certificate2 found = Find();
            if (found.RawDataMemory.Span.SequenceEqual(_current.Certificate.RawDataMemory.Span))
            {
                found.Dispose();
                return;
            }

            _current = new LoadedCertificate(found, []);
            _logger.CertificateReloaded(_key, found.Thumbprint, found.NotAfter);
        }
        catch (CertificateException e)
        {
            _logger.CertificateNotReloaded(e.Key(_key), e.Message);
        }
    }

    private X509Certificate2 Find()
    {
        try
        {
            using X509Store store = new(Description.Store, Description.Location);
            store.Open(OpenFlags.ReadOnly | OpenFlags.OpenExistingOnly);
            X509Certificate2Collection found = store.Certificates;
            if (Description.Subject is { } subject)
            {
                found = found.Find(X509FindType.FindBySubjectName, subject, validOnly: false);
            }

            if (Description.Thumbprint is { } thumbprint)
            {
                found = found.Find(X509FindType.FindByThumbprint, thumbprint, validOnly: false);
            }

            if (!Description.AllowInvalid)
            {
                // validOnly: within its time, and with a chain that ends at a trusted root of this machine.
                found = found.Find(X509FindType.FindByTimeValid, _time.GetLocalNow().DateTime, validOnly: true);
            }

            return found.Where(c => c.HasPrivateKey && IsForUse(c)).MaxBy(static c => c.NotAfter) ?? throw NotFound(null);
        }
        catch (CryptographicException e)
        {
            throw NotFound(e);
        }
    }

    private CertificateException NotFound(Exception? cause)
    {
        string sought = string.Join(" and ", new[]
        {
            Description.Subject is { } subject ? $"subject '{subject}'" : null,
            Description.Thumbprint is { } thumbprint ? $"thumbprint '{thumbprint}'" : null,
        }.OfType<string>());
        return new CertificateException(
            Description.Subject is null ? nameof(CertificateOptions.Thumbprint) : nameof(CertificateOptions.Subject),
            $"The store {Description.Location}/{Description.Store} has no certificate with {sought} and a private key{(Description.AllowInvalid ? "" : " that is valid on this machine")}.",
            cause);
    }

    private bool IsForUse(X509Certificate2 certificate)
    {
        X509EnhancedKeyUsageExtension? usage = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault();
        return usage is null || usage.EnhancedKeyUsages.Cast<Oid>().Any(oid => oid.Value == _usage);
    }
}
