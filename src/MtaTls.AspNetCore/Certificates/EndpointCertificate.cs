using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>
/// The certificate that <c>MtaTls:Endpoints</c> names for an endpoint. When the configuration comes to name another, the next handshake uses that; one that can't be had
/// leaves the certificate as it was.
/// </summary>
internal sealed class EndpointCertificate : ICertificateSource
{
    private readonly string _endpoint;
    private readonly string _key;
    private readonly CertificateSources _sources;
    private readonly CurrentSettings _settings;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private volatile ICertificateSource _source;
    private volatile MtaTlsOptions _seen;
    private MtaTlsCertificateOptions _options;

    /// <param name="endpoint">The endpoint's name.</param>
    /// <param name="key">The configuration key of the certificate.</param>
    /// <param name="source">What the options name at the start.</param>
    /// <param name="options">The options at the start.</param>
    /// <param name="sources">Makes sources of options.</param>
    /// <param name="settings">What the configuration says now.</param>
    /// <param name="logger">Where a change is reported.</param>
    public EndpointCertificate(
        string endpoint, string key, ICertificateSource source, MtaTlsCertificateOptions options, CertificateSources sources, CurrentSettings settings, ILogger logger)
    {
        _endpoint = endpoint;
        _key = key;
        _source = source;
        _options = options;
        _sources = sources;
        _settings = settings;
        _logger = logger;
        _seen = settings.Current.Options;
    }

    public ServerCertificate Current
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
            // An endpoint that is gone, or names none any more, keeps what it has until the server starts again.
            if (!settings.Endpoints.TryGetValue(_endpoint, out MtaTlsEndpointOptions? endpoint) || endpoint.Certificate.NamesSameAs(_options))
            {
                return;
            }

            try
            {
                if (_sources.Create(_key, endpoint.Certificate) is not { } source)
                {
                    return;
                }

                _source = source;
                _options = endpoint.Certificate;
                X509Certificate2 certificate = source.Current.Certificate;
                _logger.CertificateReloaded(_key, certificate.Thumbprint, certificate.NotAfter);
            }
            catch (InvalidOperationException e)
            {
                _logger.CertificateNotReloaded(_key, e);
            }
        }
    }
}
