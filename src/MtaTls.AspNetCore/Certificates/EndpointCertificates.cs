using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>Creates the certificate sources of endpoints.</summary>
internal sealed class EndpointCertificates(IHostEnvironment environment, IConfiguration configuration, ILoggerFactory loggers, TimeProvider time)
{
    private const string DefaultKey = "Kestrel:Certificates:Default";

    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Endpoints);

    public CertificateDescription Describe(CertificateOptions options) => CertificateDescription.Of(options, environment.ContentRootPath);

    /// <summary>Creates the source that the options name; null when they name none, or when errors were added.</summary>
    public CertificateSource? Create(string key, CertificateOptions options, ErrorList errors)
        => CertificateSource.Create(Describe(options), key, CertificatePurpose.Server, _logger, time, errors);

    /// <summary>Creates the source of client certificate authorities from a file; null when no file is named, or when errors were added.</summary>
    public AuthoritySource? CreateAuthorities(string key, string? path, ErrorList errors) => AuthoritySource.Create(path, environment.ContentRootPath, key, _logger, errors);

    /// <summary>The source that <c>Kestrel:Certificates:Default</c> names; null when it names none.</summary>
    /// <exception cref="InvalidOperationException">The section names a certificate that cannot be loaded. The message begins with the key.</exception>
    public CertificateSource? FindDefault()
    {
        ErrorList errors = new();
        CertificateOptions options = new();
        // This section belongs to Kestrel, so unknown keys in it are not errors.
        new SectionReader(configuration.GetSection(DefaultKey), errors, environment.ContentRootPath).ReadPart(CertificateSettings.Table, options);
        CertificateSource? source = errors.All.Count == 0 ? Create(DefaultKey, options, errors) : null;
        return errors.All is [string error, ..] ? throw new InvalidOperationException(error) : source;
    }
}
