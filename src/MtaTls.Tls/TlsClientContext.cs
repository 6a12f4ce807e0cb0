using MtaTls.Tls.Certificates;
using MtaTls.Tls.Handshakes;
using MtaTls.Tls.OpenSsl;
using MtaTls.Tls.Sessions;

namespace MtaTls.Tls;

/// <summary>
/// The state that all connections to one server share: a copy of the options, and the sessions that can be resumed. Create one for each endpoint, because every
/// connection of a context can resume the sessions of the others. Thread-safe. Disposing it does not end open connections.
/// </summary>
internal sealed class TlsClientContext : IDisposable
{
    /// <summary>Creates a context.</summary>
    /// <param name="options">The options. The context copies them.</param>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is missing, or the machine's TLS policy leaves nothing to negotiate.</exception>
    /// <exception cref="ArgumentException">The options contradict each other, for example when multiplexing is required but not offered, or OpenSSL handles the extension type itself.</exception>
    /// <exception cref="IOException"><see cref="TlsClientOptions.KeyLogFile"/> cannot be opened.</exception>
    public TlsClientContext(TlsClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        TlsEngine.ThrowIfUnsupported();
        Options = options.Clone();
        if (TlsEngine.IsResumptionDisabled)
        {
            Options.SessionCacheSize = 0;
        }

        if (Options.RequireDataMultiplexing && !Options.OfferDataMultiplexing)
        {
            throw new ArgumentException($"{nameof(options.RequireDataMultiplexing)} needs {nameof(options.OfferDataMultiplexing)}.", nameof(options));
        }

        ServerName = ClientHandshake.ToServerName(Options.TargetHost);
        Validator = CertificateValidator.OfServers(Options.CertificateChainPolicy, Options.CertificateRevocationCheckMode, ServerName ?? Options.TargetHost);
        Certificates = new CertificateContextCache(Options.ClientCertificateChain);
        if (Options.ClientCertificateSelector is null && Options.ClientCertificate is { } certificate)
        {
            _ = Certificates.Get(certificate);
        }

        Sessions = new ClientSessionCache(Options.SessionCacheSize);
        Native = SslContexts.ForClient(Options, Options.KeyLogFile is not null);
        KeyLog = Options.KeyLogFile is { } path ? new KeyLog(path) : null;
    }

    internal TlsClientOptions Options { get; }

    /// <summary>The name to send as server_name; null when none is sent.</summary>
    internal string? ServerName { get; }

    internal SslContextHandle Native { get; }

    internal CertificateValidator Validator { get; }

    internal CertificateContextCache Certificates { get; }

    internal ClientSessionCache Sessions { get; }

    internal KeyLog? KeyLog { get; }

    /// <summary>Ends resumption and key logging. Handshakes that begin later fail.</summary>
    public void Dispose()
    {
        Sessions.Dispose();
        Native.Dispose();
        KeyLog?.Dispose();
    }
}
