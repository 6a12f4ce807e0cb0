using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls;

/// <summary>
/// How a server negotiates TLS. A <see cref="TlsServerContext"/> copies the options, so later changes do not affect it. Only TLS 1.2 and
/// 1.3 are supported, without renegotiation and compression. Cipher suites of TLS 1.2 need forward secrecy and authenticated encryption.
/// </summary>
internal sealed class TlsServerOptions
{
    /// <summary>
    /// The code point of the <c>data_multiplexing</c> extension. The draft does not define it (section 4): 65389 (0xFF6D, private use) by
    /// default, 0 to 65535 except those that TLS handles itself (server_name, key_share and so on).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">TLS handles that extension itself.</exception>
    public ushort ExtensionType { get; set => field = ExtensionTypes.Validated(value); } = ExtensionTypes.Default;

    /// <summary>Whether the server answers, requires or ignores the extension. Default: <see cref="DataMultiplexingMode.Allowed"/>.</summary>
    public DataMultiplexingMode Mode { get; set; }

    /// <summary><see cref="SslProtocols.Tls12"/>, <see cref="SslProtocols.Tls13"/> or both. <see cref="SslProtocols.None"/>, the default, means those of the machine's TLS policy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A version below TLS 1.2 is named.</exception>
    public SslProtocols EnabledSslProtocols { get; set => field = ProtocolVersions.Validated(value); }

    /// <summary>
    /// The application protocols (ALPN) in the server's order of preference. Empty, the default, means that ALPN is not answered. A client whose list
    /// has none of them is refused with <c>no_application_protocol</c>.
    /// </summary>
    public IList<SslApplicationProtocol> ApplicationProtocols { get; set; } = [];

    /// <summary>The server's certificate with its private key. Required unless <see cref="ServerCertificateSelector"/> is set.</summary>
    public X509Certificate2? ServerCertificate { get; set; }

    /// <summary>Certificates in which the intermediates to send with the server's certificate are searched, in addition to the machine's stores. Default: null.</summary>
    public X509Certificate2Collection? ServerCertificateChain { get; set; }

    /// <summary>
    /// Selects the certificate in each handshake, so that certificates can be replaced while the server runs. Its arguments are the state that was passed to
    /// <see cref="TlsConnection.AcceptAsync(System.IO.Pipelines.IDuplexPipe, TlsServerContext, object?, CancellationToken)"/> and the server name that the client asks for, as SslStream passes it (<see cref="ClientHelloInfo.SentServerName"/>), null when it sent none. When it returns null, the
    /// handshake fails with <c>unrecognized_name</c>. When it is set, <see cref="ServerCertificate"/> is not used. Default: null.
    /// </summary>
    public Func<object?, string?, X509Certificate2?>? ServerCertificateSelector { get; set; }

    /// <summary>Whether the server asks clients for a certificate. Default: <see cref="TlsClientCertificateMode.NoCertificate"/>.</summary>
    public TlsClientCertificateMode ClientCertificateMode { get; set; }

    /// <summary>
    /// Decides whether a client's certificate is accepted. It runs inside the handshake, after .NET's <see cref="X509Chain"/> was
    /// built, and an exception fails the handshake. Null, the default, means that a certificate with any policy error is refused.
    /// </summary>
    public Func<X509Certificate2, X509Chain?, SslPolicyErrors, bool>? ClientCertificateValidation { get; set; }

    /// <summary>Whether revocation of client certificates is checked online. Default: false. Each check runs on a thread of its own, at most 64 at a time.</summary>
    public bool CheckCertificateRevocation { get; set; }

    /// <summary>How client certificate chains are built (custom trust, for example); replaces <see cref="CheckCertificateRevocation"/>. Default: null, the machine's trust.</summary>
    public X509ChainPolicy? ClientCertificateChainPolicy { get; set; }

    /// <summary>
    /// The longest ClientHello that is accepted, in bytes with its record headers; 512 to 131,072, default 16,384 (a client that offers post-quantum
    /// key shares sends about 2,000).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int MaxClientHelloLength
    {
        get;
        set => field = Ranges.Check(value, 512, 131_072);
    } = 16_384;

    /// <summary>The most TLS sessions that are kept for resumption; 0 (no resumption) to 1,000,000, default 4,096. When the cache is full, the least recently used one is dropped.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int SessionCacheSize { get; set => field = Ranges.Check(value, 0, 1_000_000); } = 4096;

    /// <summary>How long a TLS session can be resumed; 1 second to 7 days (the limit of TLS 1.3), default 1 hour.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan SessionLifetime { get; set => field = Ranges.Check(value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(7)); } = TimeSpan.FromHours(1);

    /// <summary>
    /// A file to which the keys of every session are appended in the SSLKEYLOGFILE format, for debugging with Wireshark. Anyone who can read it
    /// can decrypt the traffic. Null, the default, means that no keys are written. See <see cref="TlsEngine.EnvironmentKeyLogFile"/> for SSLKEYLOGFILE.
    /// </summary>
    public string? KeyLogFile { get; set; }

    internal TlsServerOptions Clone()
    {
        var clone = (TlsServerOptions)MemberwiseClone();
        clone.ApplicationProtocols = [.. ApplicationProtocols];
        clone.ServerCertificateChain = ServerCertificateChain is null ? null : [.. ServerCertificateChain];
        clone.ClientCertificateChainPolicy = ClientCertificateChainPolicy?.Clone();
        return clone;
    }
}
