using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.Configuration;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Client;

/// <summary>
/// The options of a client for an endpoint that speaks MTA-TLS. They are copied when they are first used; later changes have no effect. They can be
/// read from configuration, by convention from the section <c>MtaTlsClient</c>.
/// </summary>
public sealed class MtaTlsClientOptions
{
    /// <summary>The name of the configuration section that <c>UseMtaTls()</c> reads: <c>MtaTlsClient</c>.</summary>
    public const string SectionName = "MtaTlsClient";

    /// <summary>The host of the endpoint to which the TLS sessions go: a domain name or an IP address.</summary>
    /// <value>
    /// Default: null. <see cref="MtaTlsClient.ConnectAsync(MtaTlsClientOptions, CancellationToken)"/> needs it or <see cref="Endpoints"/>. With <c>UseMtaTls(...)</c> null means that
    /// the host and port of each request are the endpoint, so that every server that speaks MTA-TLS gets sessions.
    /// </value>
    public string? Host { get; set; }

    /// <summary>The TCP port of the endpoint.</summary>
    /// <value>Default: 443. Range: 1 to 65,535. Not used if <see cref="Host"/> is null.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int Port { get; set => field = Ranges.Check(value, 1, 65_535); } = 443;

    /// <summary>
    /// Equivalent endpoints, as <c>host:port</c> or <c>[IPv6 address]:port</c>, the preferred one first; in place of <see cref="Host"/> and <see cref="Port"/>. They are tried concurrently, as in RFC 8305.
    /// An endpoint that has sent a go-away is tried last until it has stopped. The certificate of each endpoint must have the name of its host, or <see cref="TargetHost"/>.
    /// </summary>
    /// <value>Default: empty, <see cref="Host"/> is the only endpoint.</value>
    public IList<string> Endpoints { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = [];

    /// <summary>The name that the endpoint's certificate must have, and that is sent as <c>server_name</c> (SNI).</summary>
    /// <value>Default: null, <see cref="Host"/>. The certificate is never verified against a channel's destination.</value>
    public string? TargetHost { get; set; }

    /// <summary>The code point of the <c>data_multiplexing</c> extension, which the draft leaves open (section 4). The server needs the same value.</summary>
    /// <value>Default: 65389 (0xFF6D, private use). Range: 0 to 65535 except the types that TLS handles itself.</value>
    public ushort ExtensionType { get; set; } = 65_389;

    /// <summary>What the client does if the server does not answer the extension.</summary>
    /// <value>Default: <see cref="MtaTlsClientMode.Preferred"/>.</value>
    public MtaTlsClientMode Mode { get; set; }

    /// <summary>
    /// The application protocols (ALPN) to offer, the preferred one first. Every channel of a session speaks the protocol that the server selects. HTTP handlers
    /// choose the protocols themselves: <c>h2</c> and <c>http/1.1</c> for requests that may use HTTP/2, else <c>http/1.1</c>. A list that is not empty restricts them.
    /// </summary>
    /// <value>Default: empty, ALPN is not offered.</value>
    public IList<SslApplicationProtocol> ApplicationProtocols { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = [];

    /// <summary>The TLS versions to offer.</summary>
    /// <value>Default: <see cref="SslProtocols.None"/>, which means TLS 1.2 and 1.3 as far as the machine's TLS policy allows them. Older versions are not supported.</value>
    public SslProtocols EnabledSslProtocols { get; set; }

    /// <summary>The cipher suites to offer. Suites without forward secrecy or authenticated encryption are not offered.</summary>
    /// <value>Default: null, those of the machine's TLS policy.</value>
    public CipherSuitesPolicy? CipherSuitesPolicy { get; set; }

    /// <summary>Whether TLS sessions may be resumed. A resumed handshake needs no signature of the server and no check of its certificate.</summary>
    /// <value>Default: true. A session in which a channel failed is never resumed (draft, section 3).</value>
    public bool AllowTlsResume { get; set; } = true;

    /// <summary>
    /// The client's certificate, which is sent if the server asks for one: a file, a certificate in a store, or an object. A renewed file is read again before the next handshake. Open
    /// sessions continue.
    /// </summary>
    /// <value>Default: no certificate.</value>
    public CertificateOptions ClientCertificate { get; } = new();

    /// <summary>
    /// A PEM file with the authorities that must have issued the endpoint's certificate, in place of the machine's authorities. It is read again when it has changed. A path in the configuration is
    /// relative to the content root, a path in code to the current directory. It cannot be combined with <see cref="CertificateChainPolicy"/>.
    /// </summary>
    /// <value>Default: null, the machine's authorities.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>A callback that decides whether the endpoint's certificate is accepted, as in <see cref="SslStream"/>.</summary>
    /// <value>Default: null, a certificate with any policy error (untrusted, another name, expired) is refused.</value>
    public RemoteCertificateValidationCallback? RemoteCertificateValidationCallback { get; set; }

    /// <summary>Whether and how revocation of the endpoint's certificate is checked.</summary>
    /// <value>Default: <see cref="X509RevocationMode.NoCheck"/>, as in <see cref="SslStream"/>.</value>
    public X509RevocationMode CertificateRevocationCheckMode { get; set; }

    /// <summary>How the endpoint's certificate chain is built, for example with custom authorities. It replaces <see cref="CertificateRevocationCheckMode"/>.</summary>
    /// <value>Default: null, the machine's authorities.</value>
    public X509ChainPolicy? CertificateChainPolicy { get; set; }

    /// <summary>A file to which the keys of every session are appended in the SSLKEYLOGFILE format, for debugging. Anyone who can read it can decrypt the traffic.</summary>
    /// <value>Default: null, none. If the AppContext switch System.Net.EnableSslKeyLogging is on, the default is the file that the environment variable SSLKEYLOGFILE names, as for SslStream.</value>
    public string? KeyLogFile { get; set; } = TlsEngine.EnvironmentKeyLogFile;

    /// <summary>The location of OpenSSL 3, for the whole process. It is read before the first use of TLS.</summary>
    public OpenSslOptions OpenSsl { get; } = new();

    /// <summary>How long connecting to the endpoint may take, with the TLS handshake. It is also the time that a channel waits for room when <see cref="MaxSessions"/> are full.</summary>
    /// <value>Default: 15 seconds. Range: more than 0 and at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(15);

    /// <summary>The back-off after a failed attempt to connect.</summary>
    public MtaTlsReconnectOptions Reconnect { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = new();

    /// <summary>How often an idempotent request is retried if its session was lost before the response; see <see cref="MtaTlsRetryHandler"/>. Only <c>IHttpClientBuilder.UseMtaTls</c> reads it.</summary>
    /// <value>
    /// Default: 3. If the client also has a handler of Microsoft.Extensions.Http.Resilience (such as <c>AddStandardResilienceHandler</c>), the default is 0, because that handler retries too and the attempts of
    /// both would multiply. A value that is set applies in any case. Range: 0 (never) to 100.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxRetries
    {
        get;
        set
        {
            field = Ranges.Check(value, 0, 100);
            IsMaxRetriesSet = true;
        }
    } = MtaTlsRetryHandler.DefaultMaxRetries;

    /// <summary>The most sessions to the endpoint at a time, for one list of application protocols. A further session is opened only when the others are full.</summary>
    /// <value>Default: 8. Range: 1 to 1,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessions { get; set => field = Ranges.Check(value, 1, 1_000); } = 8;

    /// <summary>How long the server may take to answer an open. Then the open fails.</summary>
    /// <value>Default: 30 seconds. Range: more than 0 and at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan OpenTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(30);

    /// <summary>How the client finds a server that no longer answers. Pings are sent while a session has channels; with <see cref="KeepConnected"/> they are always sent.</summary>
    public MtaTlsKeepAliveOptions KeepAlive { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = new() { Ping = true };

    /// <summary>
    /// The age at which another session replaces a session, so that a changed DNS entry takes effect. A random part of up to a tenth is subtracted. Open channels continue, and
    /// the session ends with the last of them. A handler's PooledConnectionLifetime limits the age of its channels.
    /// </summary>
    /// <value>Default: <see cref="Timeout.InfiniteTimeSpan"/>. Range: more than 0 and at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SessionLifetime { get; set => field = Ranges.PositiveOrInfinite(value); } = Timeout.InfiniteTimeSpan;

    /// <summary>How long a session without channels is kept.</summary>
    /// <value>Default: 2 minutes. Range: more than 0 and at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SessionIdleTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromMinutes(2);

    /// <summary>How long disposal waits until open channels are closed. Then it aborts them.</summary>
    /// <value>Default: 5 seconds. Range: more than 0 and at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ShutdownTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(5);

    /// <summary>The limits of each session: channels, windows, packet length and buffers.</summary>
    public MtaTlsSessionLimits Limits { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = new();

    /// <summary>The source_address_machine and source_port that channels name (draft, section 2.1.1).</summary>
    /// <value>Default: null, the local address of the session's socket.</value>
    public ChannelAddress? Source { get; set; }

    /// <summary>
    /// A callback for each channel that the server asks to open. It calls <see cref="MtaTlsChannelRequest.Accept"/> or <see cref="MtaTlsChannelRequest.Refuse"/>. A request
    /// without an answer is refused when the task ends. Calls run concurrently; at most <see cref="MtaTlsSessionLimits.MaxPendingChannels"/> requests wait for an answer.
    /// </summary>
    /// <value>Default: null, every such channel is refused.</value>
    public Func<MtaTlsChannelRequest, CancellationToken, ValueTask>? ChannelRequested { get; set; }

    /// <summary>
    /// Whether one session is kept open at all times. It is not closed when it is idle, and when it is lost the client reconnects in the background, with back-off.
    /// For clients whose server opens channels.
    /// </summary>
    /// <value>Default: false, sessions are connected when a channel needs one.</value>
    public bool KeepConnected { get; set; }

    /// <summary>
    /// Whether a session that is draining (after a go-away of the server, or at its age) and has channels is replaced at once. If false, the next session is connected when a channel needs it. Set it to
    /// false for clients whose channels all belong to one session.
    /// </summary>
    /// <value>Default: true.</value>
    public bool ReplaceSessions { get; set; } = true;

    /// <summary>A callback that creates the connection below TLS in place of a TCP connection to the endpoint, for example through a proxy.</summary>
    /// <value>Default: null, a TCP connection.</value>
    public Func<DnsEndPoint, CancellationToken, ValueTask<Stream>>? ConnectCallback { get; set; }

    /// <summary>The logger factory; the category is <c>MtaTls.Client</c>.</summary>
    /// <value>Default: null, no logs; with <c>IHttpClientBuilder.UseMtaTls</c> the application's factory.</value>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>The clock of all timeouts and back-offs.</summary>
    /// <value>Default: <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = TimeProvider.System;

    /// <summary>The key of the configuration section, for error messages; null if the options come from code alone.</summary>
    internal string? ConfigurationKey { get; set; }

    /// <summary>Whether <see cref="MaxRetries"/> was set, even to its default.</summary>
    internal bool IsMaxRetriesSet { get; private set; }

    /// <summary>The errors from reading the configuration. Validation reports them together with its own.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
