using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>
/// The certificate that <c>MtaTls:Endpoints</c> names for an endpoint. When the configuration names another, the next handshake uses that. One that cannot be had leaves the
/// certificate as it was.
/// </summary>
internal sealed class EndpointCertificate : ICertificateSource
{
    private readonly string _endpoint;
    private readonly string _key;
    private readonly EndpointCertificates _certificates;
    private readonly CurrentSettings _settings;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private volatile CertificateSource _source;
    private volatile MtaTlsOptions _seen;

    /// <param name="endpoint">The endpoint's name.</param>
    /// <param name="key">The configuration key of the certificate.</param>
    /// <param name="source">The source that the options name at the start.</param>
    /// <param name="certificates">Makes sources of options.</param>
    /// <param name="settings">What the configuration says now.</param>
    /// <param name="logger">Where a change is reported.</param>
    public EndpointCertificate(string endpoint, string key, CertificateSource source, EndpointCertificates certificates, CurrentSettings settings, ILogger logger)
    {
        _endpoint = endpoint;
        _key = key;
        _source = source;
        _certificates = certificates;
        _settings = settings;
        _logger = logger;
        _seen = settings.Current.Options;
    }

    public LoadedCertificate Current
    {
        get
        {
            if (!ReferenceEquals(_seen, _settings.Current.Options))
            {
                Refresh();
            }

            return _source.Current;
        }
    }

    private void Refresh()
    {
        lock (_lock)
        {
            MtaTlsOptions settings = _settings.Current.Options;
            _seen = settings;
            // An endpoint that is gone, or names no certificate any more, keeps what it has until the server starts again.
            if (!settings.Endpoints.TryGetValue(_endpoint, out MtaTlsEndpointOptions? endpoint) || _certificates.Describe(endpoint.Certificate) == _source.Description)
            {
                return;
            }

            ErrorList errors = new();
            if (_certificates.Create(_key, endpoint.Certificate, errors) is { } source)
            {
                _source = source;
                X509Certificate2 certificate = source.Current.Certificate;
                _logger.CertificateReloaded(_key, certificate.Thumbprint, certificate.NotAfter);
            }
            else if (errors.All is [string error, ..])
            {
                _logger.CertificateNotReloaded(_key, error);
            }
        }
    }
}
