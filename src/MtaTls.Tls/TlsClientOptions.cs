using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls;

/// <summary>How a client negotiates TLS. A <see cref="TlsClientContext"/> copies the options, so later changes do not affect it.</summary>
internal sealed class TlsClientOptions
{
    /// <summary>The name or IP address that the server's certificate must be for. A name is also sent as <c>server_name</c> (SNI); an IP address is not. Default: empty.</summary>
    public string TargetHost { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>
    /// The code point of the <c>data_multiplexing</c> extension: 65389 (0xFF6D, private use) by default, 0 to 65535 except those that TLS
    /// handles itself. The server must use the same value.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">TLS handles that extension itself.</exception>
    public ushort ExtensionType { get; set => field = ExtensionTypes.Validated(value); } = ExtensionTypes.Default;

    /// <summary>Whether the client offers the extension. Default: true. <see cref="TlsConnection.DataMultiplexingNegotiated"/> tells whether the server answered it.</summary>
    public bool OfferDataMultiplexing { get; set; } = true;

    /// <summary>Whether the handshake fails when the server does not answer the extension. Default: false.</summary>
    public bool RequireDataMultiplexing { get; set; }

    /// <summary><see cref="SslProtocols.Tls12"/>, <see cref="SslProtocols.Tls13"/> or both. <see cref="SslProtocols.None"/>, the default, means those of the machine's TLS policy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A version below TLS 1.2 is named.</exception>
    public SslProtocols EnabledSslProtocols { get; set => field = ProtocolVersions.Validated(value); }

    /// <summary>
    /// The cipher suites to offer. Those without forward secrecy or authenticated encryption are left out. Null, the default, means those of the machine's TLS policy.
    /// </summary>
    public CipherSuitesPolicy? CipherSuitesPolicy { get; set; }

    /// <summary>The application protocols (ALPN) to offer, the preferred one first. Empty, the default, means that ALPN is not offered.</summary>
    public IList<SslApplicationProtocol> ApplicationProtocols { get; set; } = [];

    /// <summary>The client's certificate with its private key, sent when the server asks for one. Default: null.</summary>
    public X509Certificate2? ClientCertificate { get; set; }

    /// <summary>Certificates in which the intermediates to send with the client's certificate are searched, in addition to the machine's stores. Default: null.</summary>
    public X509Certificate2Collection? ClientCertificateChain { get; set; }

    /// <summary>
    /// Selects the client's certificate when the server asks for one. It is used instead of <see cref="ClientCertificate"/>. Its arguments are the target
    /// host and the distinguished names of the issuers that the server accepts (empty for any). When it returns null, no certificate is sent. Default: null.
    /// </summary>
    public Func<string, IReadOnlyList<X500DistinguishedName>, X509Certificate2?>? ClientCertificateSelector { get; set; }

    /// <summary>
    /// Decides whether the server's certificate is accepted, as in <see cref="SslStream"/>. The sender is the <see cref="TlsConnection"/>.
    /// It runs inside the handshake, and an exception fails the handshake. Null, the default, means that a certificate with any policy error is refused.
    /// </summary>
    public RemoteCertificateValidationCallback? RemoteCertificateValidationCallback { get; set; }

    /// <summary>Whether and how revocation of the server's certificate is checked. Default: <see cref="X509RevocationMode.NoCheck"/>, as in SslStream.</summary>
    public X509RevocationMode CertificateRevocationCheckMode { get; set; }

    /// <summary>How the server's certificate chain is built (custom trust, for example); replaces <see cref="CertificateRevocationCheckMode"/>. Default: null, the machine's trust.</summary>
    public X509ChainPolicy? CertificateChainPolicy { get; set; }

    /// <summary>The most TLS sessions that are kept for resumption; 0 (no resumption) to 64, default 4. In TLS 1.3 each is used once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int SessionCacheSize { get; set => field = Ranges.Check(value, 0, 64); } = 4;

    /// <summary>
    /// A file to which the keys of every session are appended in the SSLKEYLOGFILE format, for debugging with Wireshark. Anyone who can read it
    /// can decrypt the traffic. Null, the default, means that no keys are written. See <see cref="TlsEngine.EnvironmentKeyLogFile"/> for SSLKEYLOGFILE.
    /// </summary>
    public string? KeyLogFile { get; set; }

    internal TlsClientOptions Clone()
    {
        var clone = (TlsClientOptions)MemberwiseClone();
        clone.ApplicationProtocols = [.. ApplicationProtocols];
        clone.ClientCertificateChain = ClientCertificateChain is null ? null : [.. ClientCertificateChain];
        clone.CertificateChainPolicy = CertificateChainPolicy?.Clone();
        return clone;
    }
}
