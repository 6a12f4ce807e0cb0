using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using MtaTls.Configuration;
using MtaTls.Quic;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// Gives the listener a renewed certificate and renewed authorities of clients. The threads of a QUIC listener must not read files, so the files are
/// checked every ten seconds instead of in each handshake. Existing connections continue.
/// </summary>
internal sealed class CertificateWatch : IDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);

    private readonly CertificateSource _certificate;
    private readonly string _key;
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
    /// <param name="key">The key of its setting, for the log.</param>
    /// <param name="used">The certificate that the listener uses now.</param>
    /// <param name="authorities">The source of the authorities of client certificates; null if clients send none.</param>
    /// <param name="options">The listener's options. Each handshake reads the authorities from them.</param>
    /// <param name="listener">The listener.</param>
    /// <param name="logger">The log for certificates that cannot be used.</param>
    /// <param name="time">The clock.</param>
    public CertificateWatch(
        CertificateSource certificate, string key, LoadedCertificate used, AuthoritySource? authorities, QuicListenerOptions options, IQuicListener listener, ILogger logger, TimeProvider time)
    {
        _certificate = certificate;
        _key = key;
        _used = used;
        _authorities = authorities;
        _options = options;
        _listener = listener;
        _logger = logger;
        _timer = time.CreateTimer(static state => ((CertificateWatch)state!).Refresh(), this, s_interval, s_interval);
    }

    /// <summary>Checks the files now.</summary>
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
                    _logger.CertificateNotReloaded(_key, e.Message);
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
