using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls;

/// <summary>How a client negotiates TLS. A <see cref="TlsClientContext"/> takes a copy; changing the options afterwards changes nothing.</summary>
internal sealed class TlsClientOptions
{
    /// <summary>The name or IP address that the server's certificate must be for. A name is also sent as <c>server_name</c> (SNI), an IP address never.</summary>
    public string TargetHost { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = "";

    /// <summary>
    /// The code point of the <c>data_multiplexing</c> extension: 65389 (0xFF6D, private use) by default, 0 to 65535 except those that TLS
    /// handles itself. It must be the server's.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">TLS handles that extension itself.</exception>
    public ushort ExtensionType { get; set => field = ExtensionTypes.Validated(value); } = ExtensionTypes.Default;

    /// <summary>Whether the extension is offered. Default: true. <see cref="TlsConnection.DataMultiplexingNegotiated"/> says whether the server answered it.</summary>
    public bool OfferDataMultiplexing { get; set; } = true;

    /// <summary>Whether the handshake fails when the server does not answer the extension. Default: false.</summary>
    public bool RequireDataMultiplexing { get; set; }

    /// <summary><see cref="SslProtocols.Tls12"/>, <see cref="SslProtocols.Tls13"/> or both. <see cref="SslProtocols.None"/>, the default, means those of the machine's TLS policy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A version below TLS 1.2 is named.</exception>
    public SslProtocols EnabledSslProtocols { get; set => field = ProtocolVersions.Validated(value); }

    /// <summary>
    /// The cipher suites to offer: those of them that have forward secrecy and authenticated encryption. Null, the default: those of the machine's TLS policy.
    /// </summary>
    public CipherSuitesPolicy? CipherSuitesPolicy { get; set; }

    /// <summary>The application protocols (ALPN) to offer, the preferred first. Empty, the default: ALPN is not offered.</summary>
    public IList<SslApplicationProtocol> ApplicationProtocols { get; set; } = [];

    /// <summary>The client's certificate with its private key, sent when the server asks for one. Default: null.</summary>
    public X509Certificate2? ClientCertificate { get; set; }

    /// <summary>Certificates among which the intermediates to send with the client's certificate are looked for, beside the stores of the machine.</summary>
    public X509Certificate2Collection? ClientCertificateChain { get; set; }

    /// <summary>
    /// Picks the client's certificate when the server asks for one; used instead of <see cref="ClientCertificate"/>. Arguments: the target
    /// host and the distinguished names of the issuers that the server accepts (empty: any). Null as result: no certificate is sent.
    /// </summary>
    public Func<string, IReadOnlyList<X500DistinguishedName>, X509Certificate2?>? ClientCertificateSelector { get; set; }

    /// <summary>
    /// Validates the server's certificate instead of "no policy errors", as in <see cref="SslStream"/>; the sender is the <see cref="TlsConnection"/>.
    /// It runs inside the handshake; an exception of it fails the handshake. Null, the default: a certificate with any policy error is refused.
    /// </summary>
    public RemoteCertificateValidationCallback? RemoteCertificateValidationCallback { get; set; }

    /// <summary>Whether and how revocation of the server's certificate is checked. Default: <see cref="X509RevocationMode.NoCheck"/>, as in SslStream.</summary>
    public X509RevocationMode CertificateRevocationCheckMode { get; set; }

    /// <summary>How the server's certificate chain is built (custom trust, for example); replaces <see cref="CertificateRevocationCheckMode"/>. Default: null, the machine's trust.</summary>
    public X509ChainPolicy? CertificateChainPolicy { get; set; }

    /// <summary>How many TLS sessions are kept for resumption; 0 (no resumption) to 64, default 4. Each is used once in TLS 1.3.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int SessionCacheSize { get; set => field = Ranges.Check(value, 0, 64); } = 4;

    /// <summary>
    /// A file to which the keys of every session are appended in the SSLKEYLOGFILE format, for debugging with Wireshark: anyone who can read it
    /// can decrypt the traffic. Null, the default: keys are written nowhere. See <see cref="TlsEngine.EnvironmentKeyLogFile"/> for SSLKEYLOGFILE.
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
