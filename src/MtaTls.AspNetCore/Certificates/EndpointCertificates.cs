using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>Makes the certificate sources of endpoints.</summary>
internal sealed class EndpointCertificates(IHostEnvironment environment, IConfiguration configuration, ILoggerFactory loggers, TimeProvider time)
{
    private const string DefaultKey = "Kestrel:Certificates:Default";

    private readonly ILogger _logger = loggers.CreateLogger(LogCategories.Endpoints);

    public CertificateDescription Describe(CertificateOptions options) => CertificateDescription.Of(options, environment.ContentRootPath);

    /// <summary>The source that the options name; null when they name none, or with errors.</summary>
    public CertificateSource? Create(string key, CertificateOptions options, ErrorList errors)
        => CertificateSource.Create(Describe(options), key, CertificatePurpose.Server, _logger, time, errors);

    /// <summary>The authorities of client certificates that a file holds; null when none is named, or with errors.</summary>
    public AuthoritySource? CreateAuthorities(string key, string? path, ErrorList errors) => AuthoritySource.Create(path, environment.ContentRootPath, key, _logger, errors);

    /// <summary>The source that <c>Kestrel:Certificates:Default</c> names; null when it names none.</summary>
    /// <exception cref="InvalidOperationException">A certificate is named and cannot be had. The message begins with the key.</exception>
    public CertificateSource? FindDefault()
    {
        ErrorList errors = new();
        CertificateOptions options = new();
        // The section is Kestrel's, which may have keys that are not known here.
        new SectionReader(configuration.GetSection(DefaultKey), errors, environment.ContentRootPath).ReadPart(CertificateSettings.Table, options);
        CertificateSource? source = errors.All.Count == 0 ? Create(DefaultKey, options, errors) : null;
        return errors.All is [string error, ..] ? throw new InvalidOperationException(error) : source;
    }
}
