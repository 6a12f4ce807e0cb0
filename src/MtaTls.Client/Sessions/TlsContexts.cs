using System.Security.Cryptography.X509Certificates;
using MtaTls.Configuration;
using MtaTls.Tls;

namespace MtaTls.Client.Sessions;

/// <summary>
/// The TLS context of a dialer for one target host. A changed client certificate or authority needs a new context for the next handshake; open sessions keep theirs. TLS sessions are never resumed
/// across such a change, because a resumed session would not check the certificate against the new authorities.
/// </summary>
internal sealed class TlsContexts : IDisposable
{
    private readonly ClientSettings _settings;
    private readonly ProtocolList _protocols;
    private readonly string _targetHost;
    private readonly Lock _lock = new();
    private Entry _current;

    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is missing.</exception>
    public TlsContexts(ClientSettings settings, ProtocolList protocols, string targetHost)
    {
        _settings = settings;
        _protocols = protocols;
        _targetHost = targetHost;
        _current = Make(settings.ClientCertificate?.Current, settings.Authorities?.Current);
    }

    /// <summary>The context for the next handshake.</summary>
    public TlsClientContext Current
    {
        get
        {
            LoadedCertificate? certificate = _settings.ClientCertificate?.Current;
            X509Certificate2Collection? authorities = _settings.Authorities?.Current;
            lock (_lock)
            {
                if (!ReferenceEquals(_current.Certificate, certificate) || !ReferenceEquals(_current.Authorities, authorities))
                {
                    // Not disposed, because handshakes may still use the former context.
                    _current = Make(certificate, authorities);
                }

                return _current.Context;
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _current.Context.Dispose();
        }
    }

    private Entry Make(LoadedCertificate? certificate, X509Certificate2Collection? authorities)
        => new(certificate, authorities, new TlsClientContext(_settings.ToTlsOptions(_protocols, certificate, authorities, _targetHost)));

    private sealed record Entry(LoadedCertificate? Certificate, X509Certificate2Collection? Authorities, TlsClientContext Context);
}
