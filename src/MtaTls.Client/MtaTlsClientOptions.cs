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
/// How a client reaches an endpoint that speaks MTA-TLS. The options are read when they are first used; later changes have no effect. They can be
/// bound from configuration, by convention from the section <c>MtaTlsClient</c>.
/// </summary>
public sealed class MtaTlsClientOptions
{
    /// <summary>The name of the configuration section that <c>UseMtaTls()</c> reads: <c>MtaTlsClient</c>.</summary>
    public const string SectionName = "MtaTlsClient";

    /// <summary>The host of the endpoint that the TLS sessions go to: a domain name or an IP address.</summary>
    /// <value>
    /// Default: null. <see cref="MtaTlsClient.ConnectAsync(MtaTlsClientOptions, CancellationToken)"/> needs it. With <c>UseMtaTls(...)</c> null means that
    /// each request's own host and port are the endpoint, so that sessions are used where a server offers them.
    /// </value>
    public string? Host { get; set; }

    /// <summary>The TCP port of the endpoint.</summary>
    /// <value>Default: 443. Range: 1 to 65,535. Not used where <see cref="Host"/> is null.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int Port { get; set => field = Ranges.Check(value, 1, 65_535); } = 443;

    /// <summary>
    /// Endpoints that stand for one another, as <c>host:port</c> or <c>[IPv6 address]:port</c>, the preferred first; in place of <see cref="Host"/> and <see cref="Port"/>. All are raced as RFC 8305
    /// says. One that has said that it will stop comes last until then. Each one's certificate must be for its own host, or for <see cref="TargetHost"/>.
    /// </summary>
    /// <value>Default: empty, <see cref="Host"/> is the only endpoint.</value>
    public IList<string> Endpoints { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = [];

    /// <summary>The name that the endpoint's certificate must be for, and that is sent as <c>server_name</c> (SNI).</summary>
    /// <value>Default: null, <see cref="Host"/>. The certificate is never verified against a channel's destination.</value>
    public string? TargetHost { get; set; }

    /// <summary>The code point of the <c>data_multiplexing</c> extension, which the draft leaves open (section 4). It must be the server's.</summary>
    /// <value>Default: 65389 (0xFF6D, private use). Range: 0 to 65535 except the types that TLS handles itself.</value>
    public ushort ExtensionType { get; set; } = 65_389;

    /// <summary>What to do when the server does not answer the extension.</summary>
    /// <value>Default: <see cref="MtaTlsClientMode.Preferred"/>.</value>
    public MtaTlsClientMode Mode { get; set; }

    /// <summary>
    /// The application protocols (ALPN) to offer, the preferred first. What the server selects is what every channel of the session speaks. HTTP handlers
    /// choose by themselves (<c>h2</c> and <c>http/1.1</c> for requests that may use HTTP/2, else <c>http/1.1</c>); a list that is not empty restricts them.
    /// </summary>
    /// <value>Default: empty, ALPN is not offered.</value>
    public IList<SslApplicationProtocol> ApplicationProtocols { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = [];

    /// <summary>The TLS versions to offer.</summary>
    /// <value>Default: <see cref="SslProtocols.None"/>, which means TLS 1.2 and 1.3 as far as the machine's TLS policy allows them. Older versions are not supported.</value>
    public SslProtocols EnabledSslProtocols { get; set; }

    /// <summary>The cipher suites to offer. Those without forward secrecy or authenticated encryption are left out.</summary>
    /// <value>Default: null, those of the machine's TLS policy.</value>
    public CipherSuitesPolicy? CipherSuitesPolicy { get; set; }

    /// <summary>Whether TLS sessions may be resumed, which saves the server's signature and the check of its certificate when a connection is made again.</summary>
    /// <value>Default: true. A session in which a channel failed is never resumed.</value>
    public bool AllowTlsResume { get; set; } = true;

    /// <summary>
    /// The client's certificate, sent when the server asks for one: a file, a certificate store or an object. A renewed file is read again before the next handshake; sessions that
    /// are open continue.
    /// </summary>
    /// <value>Default: no certificate.</value>
    public CertificateOptions ClientCertificate { get; } = new();

    /// <summary>
    /// A PEM file with the authorities that the endpoint's certificate must come from, in place of the machine's. It is read again when it has changed. A path from configuration is
    /// relative to the content root. Not together with <see cref="CertificateChainPolicy"/>.
    /// </summary>
    /// <value>Default: null, the machine's authorities.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>Validates the endpoint's certificate in place of "no policy errors", as in <see cref="SslStream"/>.</summary>
    /// <value>Default: null, a certificate with any policy error (untrusted, another name, expired) is refused.</value>
    public RemoteCertificateValidationCallback? RemoteCertificateValidationCallback { get; set; }

    /// <summary>Whether and how revocation of the endpoint's certificate is checked.</summary>
    /// <value>Default: <see cref="X509RevocationMode.NoCheck"/>, as in <see cref="SslStream"/>.</value>
    public X509RevocationMode CertificateRevocationCheckMode { get; set; }

    /// <summary>How the endpoint's certificate chain is built (custom trust, for example); replaces <see cref="CertificateRevocationCheckMode"/>.</summary>
    /// <value>Default: null, the machine's trust.</value>
    public X509ChainPolicy? CertificateChainPolicy { get; set; }

    /// <summary>A file to which the keys of every session are appended in the SSLKEYLOGFILE format: anyone who can read it can decrypt the traffic. For debugging.</summary>
    /// <value>Default: what SSLKEYLOGFILE names where the AppContext switch System.Net.EnableSslKeyLogging is on, as for SslStream; else null, keys are written nowhere.</value>
    public string? KeyLogFile { get; set; } = TlsEngine.EnvironmentKeyLogFile;

    /// <summary>Where OpenSSL 3 is found, for the whole process. It is read before the first use of TLS.</summary>
    public OpenSslOptions OpenSsl { get; } = new();

    /// <summary>How long connecting to the endpoint may take, the TLS handshake included; and how long a channel waits for room when <see cref="MaxSessions"/> are full.</summary>
    /// <value>Default: 15 seconds. Range: positive, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(15);

    /// <summary>When to try again after an attempt to connect has failed.</summary>
    public MtaTlsReconnectOptions Reconnect { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = new();

    /// <summary>How often an idempotent request is sent again whose session dropped before it was answered, see <see cref="MtaTlsRetryHandler"/>. Read by <c>IHttpClientBuilder.UseMtaTls</c>.</summary>
    /// <value>
    /// Default: 3; 0 where the client also has a handler of Microsoft.Extensions.Http.Resilience (<c>AddStandardResilienceHandler</c>, for example), which retries by itself: the attempts of both would multiply.
    /// A value that is set counts in any case. Range: 0 (never) to 100.
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

    /// <summary>The most sessions to the endpoint at a time for one list of application protocols. A second one is begun only when the first is full.</summary>
    /// <value>Default: 8. Range: 1 to 1,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessions { get; set => field = Ranges.Check(value, 1, 1_000); } = 8;

    /// <summary>How long the server may take to answer an open; after it the open fails.</summary>
    /// <value>Default: 30 seconds. Range: positive, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan OpenTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(30);

    /// <summary>How a server that no longer answers is noticed. Pings are sent while a session has channels, and with <see cref="KeepConnected"/> always.</summary>
    public MtaTlsKeepAliveOptions KeepAlive { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = new() { Ping = true };

    /// <summary>
    /// How old a session may become before another one takes its place, so that a changed DNS entry has effect; a random part of up to a tenth is taken off. Channels that are open go on, and
    /// the session ends with the last of them. A handler's PooledConnectionLifetime does the same for its channels.
    /// </summary>
    /// <value>Default: <see cref="Timeout.InfiniteTimeSpan"/>. Range: positive, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SessionLifetime { get; set => field = Ranges.PositiveOrInfinite(value); } = Timeout.InfiniteTimeSpan;

    /// <summary>How long a session without channels is kept.</summary>
    /// <value>Default: 2 minutes. Range: positive, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SessionIdleTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromMinutes(2);

    /// <summary>How long disposal waits for open channels to be closed before it aborts them.</summary>
    /// <value>Default: 5 seconds. Range: positive, or <see cref="Timeout.InfiniteTimeSpan"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ShutdownTimeout { get; set => field = Ranges.PositiveOrInfinite(value); } = TimeSpan.FromSeconds(5);

    /// <summary>The limits of each session: channels, windows, packet length and buffers.</summary>
    public MtaTlsSessionLimits Limits { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = new();

    /// <summary>The source_address_machine and source_port that channels claim (section 2.1.1).</summary>
    /// <value>Default: null, the local address of the session's socket.</value>
    public ChannelAddress? Source { get; set; }

    /// <summary>
    /// Called for each channel that the server asks to open: <see cref="MtaTlsChannelRequest.Accept"/> it or <see cref="MtaTlsChannelRequest.Refuse"/> it. A request
    /// that is unanswered when the task has ended is refused. At most <see cref="MtaTlsSessionLimits.MaxPendingChannels"/> wait for an answer; calls run in parallel.
    /// </summary>
    /// <value>Default: null, every such channel is refused.</value>
    public Func<MtaTlsChannelRequest, CancellationToken, ValueTask>? ChannelRequested { get; set; }

    /// <summary>
    /// Whether one session is held open at all times: it is not closed when idle, and when it drops it is connected again in the background, with back-off.
    /// For clients whose server opens channels.
    /// </summary>
    /// <value>Default: false, sessions are connected when a channel needs one.</value>
    public bool KeepConnected { get; set; }

    /// <summary>
    /// Whether a session that is to be left while it has channels, because its server goes away or it has reached its age, is replaced at once. Else the next one is connected when a channel needs it: for clients
    /// whose channels all belong to one session.
    /// </summary>
    /// <value>Default: true.</value>
    public bool ReplaceSessions { get; set; } = true;

    /// <summary>Makes the connection below TLS, in place of a TCP connection to the endpoint: through a proxy, for example.</summary>
    /// <value>Default: null.</value>
    public Func<DnsEndPoint, CancellationToken, ValueTask<Stream>>? ConnectCallback { get; set; }

    /// <summary>Where logs go, in the category <c>MtaTls.Client</c>.</summary>
    /// <value>Default: null, nowhere; with <c>IHttpClientBuilder.UseMtaTls</c> the application's.</value>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>The clock of all time-outs and back-offs.</summary>
    /// <value>Default: <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; set => field = value ?? throw new ArgumentNullException(nameof(value)); } = TimeProvider.System;

    /// <summary>The key of the section that the options were read from, for error messages; null where they come from code alone.</summary>
    internal string? ConfigurationKey { get; set; }

    /// <summary>Whether <see cref="MaxRetries"/> was set, be it to its default.</summary>
    internal bool IsMaxRetriesSet { get; private set; }

    /// <summary>What could not be read from the configuration; reported with everything else that is wrong.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
