using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using MtaTls.Configuration;
using MtaTls.Quic;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// Gives a listener its renewed certificate and the renewed authorities of its clients. A QUIC listener handshakes on its own threads, which must not read files, so the files are
/// looked at every ten seconds instead of in each handshake. Connections that are up go on.
/// </summary>
internal sealed class CertificateWatch : IDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);

    private readonly CertificateSource _certificate;
    private readonly AuthoritySource? _authorities;
    private readonly QuicListenerOptions _options;
    private readonly IQuicListener _listener;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private LoadedCertificate _used;
    private bool _disposed;

    /// <param name="certificate">The source of the listener's certificate.</param>
    /// <param name="used">The certificate that the listener uses now.</param>
    /// <param name="authorities">The source of the authorities of client certificates; null: clients show none.</param>
    /// <param name="options">The listener's options, which each handshake reads the authorities from.</param>
    /// <param name="listener">The listener.</param>
    /// <param name="logger">Where it is logged that a certificate cannot be used.</param>
    /// <param name="time">The clock.</param>
    public CertificateWatch(
        CertificateSource certificate, LoadedCertificate used, AuthoritySource? authorities, QuicListenerOptions options, IQuicListener listener, ILogger logger, TimeProvider time)
    {
        _certificate = certificate;
        _used = used;
        _authorities = authorities;
        _options = options;
        _listener = listener;
        _logger = logger;
        _timer = time.CreateTimer(static state => ((CertificateWatch)state!).Refresh(), this, s_interval, s_interval);
    }

    /// <summary>Looks at the files now.</summary>
    public void Refresh()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            LoadedCertificate certificate = _certificate.Current;
            if (!ReferenceEquals(certificate, _used))
            {
                _used = certificate;
                try
                {
                    _listener.UseCertificate(certificate.Certificate, certificate.Intermediates);
                }
                catch (CryptographicException e)
                {
                    _logger.CertificateNotReloaded($"{QuicTunnelOptions.SectionName}:Certificate", e.Message);
                }
            }

            if (_authorities?.Current is { } authorities && !ReferenceEquals(authorities, _options.TrustedAuthorities))
            {
                _options.TrustedAuthorities = authorities;
            }
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        lock (_lock)
        {
            _disposed = true;
        }
    }
}
