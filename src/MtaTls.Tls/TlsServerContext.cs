using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls.Certificates;
using MtaTls.Tls.OpenSsl;
using MtaTls.Tls.Sessions;

namespace MtaTls.Tls;

/// <summary>
/// The state that all connections of one endpoint share: a copy of the options, the native context and the sessions that can be resumed. Sessions are never resumed
/// on another context. Thread-safe. Disposing it does not end open connections.
/// </summary>
internal sealed class TlsServerContext : IDisposable
{
    /// <summary>Creates a context.</summary>
    /// <param name="options">The options. The context copies them.</param>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is missing, or the machine's TLS policy leaves nothing to negotiate.</exception>
    /// <exception cref="ArgumentException">No certificate is set, or OpenSSL handles the extension type itself.</exception>
    /// <exception cref="NotSupportedException">The certificate has no private key that OpenSSL can use.</exception>
    /// <exception cref="IOException"><see cref="TlsServerOptions.KeyLogFile"/> cannot be opened.</exception>
    public TlsServerContext(TlsServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        TlsEngine.ThrowIfUnsupported();
        Options = options.Clone();
        if (TlsEngine.IsResumptionDisabled)
        {
            Options.SessionCacheSize = 0;
        }

        if (Options.ServerCertificate is null && Options.ServerCertificateSelector is null)
        {
            throw new ArgumentException($"Either {nameof(options.ServerCertificate)} or {nameof(options.ServerCertificateSelector)} must be set.", nameof(options));
        }

        Validator = CertificateValidator.OfClients(Options.ClientCertificateChainPolicy, Options.CheckCertificateRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck);
        Certificates = new CertificateContextCache(Options.ServerCertificateChain);
        if (Options.ServerCertificateSelector is null)
        {
            // A certificate that cannot be used must fail at startup, not with the first client.
            _ = Certificates.Get(Options.ServerCertificate!);
        }

        Sessions = new ServerSessionCache(Options.SessionCacheSize);
        Native = SslContexts.ForServer(Options, Options.KeyLogFile is not null);
        KeyLog = Options.KeyLogFile is { } path ? new KeyLog(path) : null;
    }

    internal TlsServerOptions Options { get; }

    /// <summary>Distinguishes this context's sessions from those of other contexts.</summary>
    internal byte[] Id { get; } = RandomNumberGenerator.GetBytes(16);

    internal SslContextHandle Native { get; }

    internal CertificateValidator Validator { get; }

    internal CertificateContextCache Certificates { get; }

    internal ServerSessionCache Sessions { get; }

    internal KeyLog? KeyLog { get; }

    /// <summary>Ends resumption and key logging. Handshakes that begin later fail.</summary>
    public void Dispose()
    {
        Sessions.Dispose();
        Native.Dispose();
        KeyLog?.Dispose();
    }

    internal X509Certificate2? SelectCertificate(object? state, string? serverName)
        => Options.ServerCertificateSelector is { } selector ? selector(state, serverName) : Options.ServerCertificate;
}
