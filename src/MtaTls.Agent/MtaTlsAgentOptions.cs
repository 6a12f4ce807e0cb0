using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MtaTls.Client;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Agent;

/// <summary>
/// The options of an app that is served through gateways. They come from the configuration section <c>MtaTlsAgent</c>, then from the callback of <c>UseMtaTlsAgent</c>. They are read once, when the app starts.
/// </summary>
public sealed class MtaTlsAgentOptions
{
    /// <summary>The name of the configuration section: <c>MtaTlsAgent</c>.</summary>
    public const string SectionName = "MtaTlsAgent";

    /// <summary>The gateways, <c>https://gw.example:8443</c>, the preferred first. Sessions are spread over them. A session whose gateway is lost goes to another one.</summary>
    /// <value>Default: empty. At least one is required.</value>
    public IList<string> Gateways { get; } = [];

    /// <summary>The number of sessions that the agent keeps open. With two, one may be lost and no request has to wait.</summary>
    /// <value>Default: 2. Range: 1 to 16.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int Sessions { get; set => field = Ranges.Check(value, 1, 16); } = 2;

    /// <summary>The agent's name in the gateway's logs, metrics and lists.</summary>
    /// <value>1 to 64 letters, digits, hyphens, underscores or dots. Default: null, the machine's name.</value>
    public string? Agent { get; set; }

    /// <summary>The agent's share of new requests, relative to other agents of the same name.</summary>
    /// <value>Default: 1. Range: 1 to 16.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int Weight { get; set => field = Ranges.Check(value, 1, 16); } = 1;

    /// <summary>The names under which the app is served: <c>plant7.internal</c>, which is port 80, or <c>plant7.internal:8080</c>.</summary>
    /// <value>Default: empty. <see cref="Names"/> or <see cref="Forward"/> must have an entry.</value>
    public IList<string> Names { get; } = [];

    /// <summary>The versions of HTTP that the app serves on connections from a gateway. These connections have no TLS inside the channel, so a gateway uses HTTP/2 with prior knowledge.</summary>
    /// <value><see cref="HttpProtocols.Http1"/>, <see cref="HttpProtocols.Http2"/> or, the default, <see cref="HttpProtocols.Http1AndHttp2"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is another one.</exception>
    public HttpProtocols Protocols
    {
        get;
        set => field = value is HttpProtocols.Http1 or HttpProtocols.Http2 or HttpProtocols.Http1AndHttp2
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Protocols must be Http1, Http2 or Http1AndHttp2.");
    }
    = HttpProtocols.Http1AndHttp2;

    /// <summary>The agent's certificate, by which a gateway decides which names the agent may take. A renewed file is read again before the next connection.</summary>
    /// <value>Default: no certificate.</value>
    public CertificateOptions ClientCertificate { get; } = new();

    /// <summary>A PEM file with the authorities that must have issued a gateway's certificate, instead of the machine's authorities. A path is relative to the content root.</summary>
    /// <value>Default: null, the machine's authorities.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>The policy for a gateway's certificate chain, instead of <see cref="AuthorityPath"/>. Only in code.</summary>
    /// <value>Default: null, <see cref="AuthorityPath"/> applies.</value>
    public X509ChainPolicy? CertificateChainPolicy { get; set; }

    /// <summary>Validates a gateway's certificate, as in <see cref="SslStream"/>. Only in code.</summary>
    /// <value>Default: null, a certificate with any policy error is refused.</value>
    public RemoteCertificateValidationCallback? RemoteCertificateValidationCallback { get; set; }

    /// <summary>The name that a gateway's certificate must be for, and that is sent as server_name (SNI).</summary>
    /// <value>Default: null, the gateway's host.</value>
    public string? TargetHost { get; set; }

    /// <summary>The code point of the <c>data_multiplexing</c> extension (section 4 of the draft). The gateway must use the same one.</summary>
    /// <value>Default: 65389 (0xFF6D, private use). Range: 0 to 65535 except the types that TLS handles itself.</value>
    public ushort ExtensionType { get; set; } = 65_389;

    /// <summary>TCP services beside the app that the gateway may reach.</summary>
    /// <value>Default: empty.</value>
    public IList<MtaTlsAgentForwardOptions> Forward { get; } = [];

    /// <summary>Whether the app also listens on its own URLs and endpoints. False: it opens no port.</summary>
    /// <value>Default: false.</value>
    public bool ServeLocally { get; set; }

    /// <summary>
    /// Whether requests from a gateway get the client address, scheme and host of the gateway's X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host. Only requests from a gateway are trusted; requests on the
    /// app's own ports are not.
    /// </summary>
    /// <value>Default: true.</value>
    public bool UseForwardedHeaders { get; set; } = true;

    /// <summary>How long a stop of the app, or of a gateway, waits for connections in use before it ends them. The host's ShutdownTimeout also limits a stop of the app.</summary>
    /// <value>Default: 30 seconds. Range: zero to 1 day.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan DrainTimeout { get; set => field = Ranges.Check(value, TimeSpan.Zero, TimeSpan.FromDays(1)); } = TimeSpan.FromSeconds(30);

    /// <summary>How long connecting to a gateway and registering may take.</summary>
    /// <value>Default: 15 seconds. Range: more than zero, at most 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Ranges.Positive(value, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(15);

    /// <summary>How long connecting to the upstream of a <see cref="Forward"/> entry may take.</summary>
    /// <value>Default: 10 seconds. Range: more than zero, at most 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ForwardConnectTimeout { get; set => field = Ranges.Positive(value, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>The most connections to upstreams of <see cref="Forward"/> at a time. Further opens are refused.</summary>
    /// <value>Default: 1,000. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxForwardConnections { get; set => field = Ranges.Check(value, 1, 1_000_000); } = 1_000;

    /// <summary>The pauses between attempts when a gateway can't be reached or has refused the registration. After a refusal of all names the pause is <see cref="MtaTlsReconnectOptions.MaxDelay"/>.</summary>
    public MtaTlsReconnectOptions Reconnect { get; } = new();

    /// <summary>The limits of each session.</summary>
    public MtaTlsSessionLimits Limits { get; } = new();

    /// <summary>Changes each request to the gateway's registration endpoint, for example to add an Authorization header. Only in code.</summary>
    /// <value>Default: null.</value>
    public Func<HttpRequestMessage, CancellationToken, ValueTask>? ConfigureRegistration { get; set; }

    /// <summary>Makes the connection below TLS, for example through a proxy. Only in code.</summary>
    /// <value>Default: null, a TCP connection to the gateway.</value>
    public Func<DnsEndPoint, CancellationToken, ValueTask<Stream>>? ConnectCallback { get; set; }

    /// <summary>Errors from reading the configuration. Validation reports them together with all others.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
