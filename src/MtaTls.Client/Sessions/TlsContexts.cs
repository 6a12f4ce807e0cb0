using System.Security.Cryptography.X509Certificates;
using MtaTls.Configuration;
using MtaTls.Tls;

namespace MtaTls.Client.Sessions;

/// <summary>
/// The TLS context of a dialer for one name that certificates must be for. A renewed client certificate or authority makes another for the next handshake; sessions that are open keep theirs. Sessions are never resumed
/// across such a change, which would keep what the former authorities had decided.
/// </summary>
internal sealed class TlsContexts : IDisposable
{
    private readonly ClientSettings _settings;
    private readonly ProtocolList _protocols;
    private readonly string _targetHost;
    private readonly Lock _lock = new();
    private Made _made;

    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is missing.</exception>
    public TlsContexts(ClientSettings settings, ProtocolList protocols, string targetHost)
    {
        _settings = settings;
        _protocols = protocols;
        _targetHost = targetHost;
        _made = Make(settings.ClientCertificate?.Current, settings.Authorities?.Current);
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
                if (!ReferenceEquals(_made.Certificate, certificate) || !ReferenceEquals(_made.Authorities, authorities))
                {
                    // Handshakes may still run on the one before: it is left to them.
                    _made = Make(certificate, authorities);
                }

                return _made.Context;
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _made.Context.Dispose();
        }
    }

    private Made Make(LoadedCertificate? certificate, X509Certificate2Collection? authorities)
        => new(certificate, authorities, new TlsClientContext(_settings.ToTlsOptions(_protocols, certificate, authorities, _targetHost)));

    private sealed record Made(LoadedCertificate? Certificate, X509Certificate2Collection? Authorities, TlsClientContext Context);
}
