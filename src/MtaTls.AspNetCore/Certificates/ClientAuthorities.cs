using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>
/// The authorities that <c>MtaTls:Endpoints</c> names for the client certificates of an endpoint. When the file changes, or the configuration names another, the next
/// handshake uses that. Authorities that cannot be read, or are no longer named, leave those that were there: trust never falls back to the machine's.
/// </summary>
internal sealed class ClientAuthorities
{
    private static readonly Oid s_clientAuthentication = new("1.3.6.1.5.5.7.3.2");

    private readonly string _endpoint;
    private readonly string _key;
    private readonly EndpointCertificates _certificates;
    private readonly CurrentSettings _settings;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private volatile AuthoritySource _source;
    private volatile MtaTlsOptions _seen;

    /// <param name="endpoint">The endpoint's name.</param>
    /// <param name="key">The configuration key of the file.</param>
    /// <param name="source">The source that the options name at the start.</param>
    /// <param name="certificates">Makes sources of options.</param>
    /// <param name="settings">What the configuration says now.</param>
    /// <param name="logger">Where a change is reported.</param>
    public ClientAuthorities(string endpoint, string key, AuthoritySource source, EndpointCertificates certificates, CurrentSettings settings, ILogger logger)
    {
        _endpoint = endpoint;
        _key = key;
        _source = source;
        _certificates = certificates;
        _settings = settings;
        _logger = logger;
        _seen = settings.Current.Options;
    }

    /// <summary>The authorities as they are now. The same object while nothing has changed.</summary>
    public X509Certificate2Collection Current
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

    /// <summary>How the chains of client certificates are built: to these authorities alone.</summary>
    /// <param name="authorities">The authorities.</param>
    /// <param name="checkRevocation">Whether revocation is checked online.</param>
    public static X509ChainPolicy Policy(X509Certificate2Collection authorities, bool checkRevocation)
    {
        X509ChainPolicy policy = new()
        {
            RevocationMode = checkRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
            RevocationFlag = X509RevocationFlag.ExcludeRoot,
            // Otherwise a client would choose what the server downloads.
            DisableCertificateDownloads = true,
        };
        policy.ApplicationPolicy.Add(s_clientAuthentication);
        AuthoritySource.Apply(authorities, policy);
        return policy;
    }

    private void Refresh()
    {
        lock (_lock)
        {
            MtaTlsOptions settings = _settings.Current.Options;
            _seen = settings;
            if (!settings.Endpoints.TryGetValue(_endpoint, out MtaTlsEndpointOptions? endpoint))
            {
                return;
            }

            ErrorList errors = new();
            if (_certificates.CreateAuthorities(_key, endpoint.ClientCertificateAuthorityPath, errors) is { } source)
            {
                if (!source.Equals(_source))
                {
                    _source = source;
                    _logger.AuthoritiesReloaded(_key, source.Current.Count);
                }
            }
            else if (errors.All is [string error, ..])
            {
                _logger.CertificateNotReloaded(_key, error);
            }
        }
    }
}
