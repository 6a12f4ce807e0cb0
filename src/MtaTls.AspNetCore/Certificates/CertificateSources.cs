using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>Makes certificate sources from configuration.</summary>
internal sealed class CertificateSources(IHostEnvironment environment, IConfiguration configuration, ILoggerFactory loggers)
{
    private const string DefaultKey = "Kestrel:Certificates:Default";

    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Endpoints);

    /// <summary>The source that the options name; null when they name none.</summary>
    /// <exception cref="InvalidOperationException">A certificate is named and can't be had; the message begins with the key.</exception>
    public ICertificateSource? Create(string key, MtaTlsCertificateOptions options)
    {
        try
        {
            return options.IsFile
                ? new CertificateFile(FullPath(options.Path!), options.KeyPath is { Length: > 0 } path ? FullPath(path) : null, options.Password, key, _logger)
                : options.IsStore ? new FixedCertificate(new ServerCertificate(FindInStore(options), [])) : null;
        }
        catch (Exception e) when (CertificateFile.IsUnreadable(e) || e is InvalidOperationException)
        {
            throw new InvalidOperationException($"{key}: {e.Message}", e);
        }
    }

    /// <summary>The source that <c>Kestrel:Certificates:Default</c> names; null when it names none.</summary>
    /// <exception cref="InvalidOperationException">A certificate is named and can't be had; the message begins with the key.</exception>
    public ICertificateSource? FindDefault()
    {
        ConfigurationErrors errors = new();
        MtaTlsCertificateOptions options = new();
        ConfigureMtaTlsOptions.ReadCertificate(new SectionReader(configuration.GetSection(DefaultKey), errors), options);
        return errors.All is [string error, ..] ? throw new InvalidOperationException(error) : Create(DefaultKey, options);
    }

    private string FullPath(string path) => Path.Combine(environment.ContentRootPath, path);

    private static X509Certificate2 FindInStore(MtaTlsCertificateOptions options)
    {
        string name = string.IsNullOrEmpty(options.Store) ? nameof(StoreName.My) : options.Store;
        StoreLocation location = options.Location ?? StoreLocation.CurrentUser;
        using X509Store store = new(name, location);
        store.Open(OpenFlags.ReadOnly | OpenFlags.OpenExistingOnly);
        X509Certificate2Collection found = store.Certificates;
        if (!string.IsNullOrEmpty(options.Subject))
        {
            found = found.Find(X509FindType.FindBySubjectName, options.Subject, validOnly: false);
        }

        if (!string.IsNullOrEmpty(options.Thumbprint))
        {
            found = found.Find(X509FindType.FindByThumbprint, options.Thumbprint, validOnly: false);
        }

        if (options.AllowInvalid != true)
        {
            // The fit "valid only" search of the store: one that chains to a root of this machine now.
            found = found.Find(X509FindType.FindByTimeValid, TimeProvider.System.GetLocalNow().DateTime, validOnly: true);
        }

        return found.Where(c => c.HasPrivateKey && IsForServers(c)).MaxBy(c => c.NotAfter)
            ?? throw new InvalidOperationException(
                $"no certificate for servers with a private key{(options.AllowInvalid == true ? "" : ", valid on this machine,")} and subject '{options.Subject}' is in the store {location}/{name}.");
    }

    private static bool IsForServers(X509Certificate2 certificate)
    {
        X509EnhancedKeyUsageExtension? usage = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault();
        return usage is null || usage.EnhancedKeyUsages.Cast<Oid>().Any(oid => oid.Value == "1.3.6.1.5.5.7.3.1");
    }
}
