using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MtaTls.Client;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Agent;

/// <summary>
/// How an app is served through gateways, read from the configuration section <c>MtaTlsAgent</c> and then from the callback of <c>UseMtaTlsAgent</c>. The options are read when the app starts.
/// </summary>
public sealed class MtaTlsAgentOptions
{
    /// <summary>The name of the configuration section: <c>MtaTlsAgent</c>.</summary>
    public const string SectionName = "MtaTlsAgent";

    /// <summary>The gateways, <c>https://gw.example:8443</c>, the preferred first. Sessions are spread over them; a gateway that is gone is replaced by another.</summary>
    /// <value>Default: empty. At least one is needed.</value>
    public IList<string> Gateways { get; } = [];

    /// <summary>The sessions that are held open at a time. With two, one may be lost without a request waiting.</summary>
    /// <value>Default: 2. Range: 1 to 16.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int Sessions { get; set => field = Range(value, 1, 16); } = 2;

    /// <summary>The agent's name in the gateway's logs, metrics and lists.</summary>
    /// <value>Default: null, the machine's name. At most 64 letters, digits, hyphens, underscores and dots.</value>
    public string? Agent { get; set; }

    /// <summary>The agent's share of new requests, relative to other agents of the same name.</summary>
    /// <value>Default: 1. Range: 1 to 16.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int Weight { get; set => field = Range(value, 1, 16); } = 1;

    /// <summary>The names under which the app is served: <c>plant7.internal</c>, which is port 80, or <c>plant7.internal:8080</c>.</summary>
    /// <value>Default: empty. <see cref="Names"/> or <see cref="Forward"/> must have an entry.</value>
    public IList<string> Names { get; } = [];

    /// <summary>The versions of HTTP that the app serves on connections from a gateway, without TLS of their own: a gateway that sends HTTP/2 begins it with prior knowledge.</summary>
    /// <value>Default: <see cref="HttpProtocols.Http1AndHttp2"/>. HTTP/3 is not possible.</value>
    /// <exception cref="ArgumentOutOfRangeException">Neither HTTP/1.1 nor HTTP/2, or HTTP/3.</exception>
    public HttpProtocols Protocols
    {
        get;
        set => field = value is HttpProtocols.Http1 or HttpProtocols.Http2 or HttpProtocols.Http1AndHttp2
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Protocols must be Http1, Http2 or Http1AndHttp2.");
    }
    = HttpProtocols.Http1AndHttp2;

    /// <summary>The agent's certificate, by which a gateway decides what names it may take. A renewed file is read again before the next connection.</summary>
    /// <value>Default: no certificate.</value>
    public CertificateOptions ClientCertificate { get; } = new();

    /// <summary>A PEM file with the authorities that a gateway's certificate must come from, in place of the machine's. A path from configuration is relative to the content root.</summary>
    /// <value>Default: null, the machine's authorities.</value>
    public string? AuthorityPath { get; set; }

    /// <summary>How a gateway's certificate chain is built; in code only, in place of <see cref="AuthorityPath"/>.</summary>
    /// <value>Default: null.</value>
    public X509ChainPolicy? CertificateChainPolicy { get; set; }

    /// <summary>Validates a gateway's certificate in place of "no policy errors", as in <see cref="SslStream"/>.</summary>
    /// <value>Default: null, a certificate with any policy error is refused.</value>
    public RemoteCertificateValidationCallback? RemoteCertificateValidationCallback { get; set; }

    /// <summary>The name that a gateway's certificate must be for, and that is sent as server_name (SNI).</summary>
    /// <value>Default: null, the gateway's host.</value>
    public string? TargetHost { get; set; }

    /// <summary>The code point of the <c>data_multiplexing</c> extension (section 4 of the draft). It must be the gateway's.</summary>
    /// <value>Default: 65389 (0xFF6D, private use). Range: 0 to 65535 except the types that TLS handles itself.</value>
    public ushort ExtensionType { get; set; } = 65_389;

    /// <summary>TCP services beside the app that the gateway may reach.</summary>
    /// <value>Default: empty.</value>
    public IList<MtaTlsAgentForwardOptions> Forward { get; } = [];

    /// <summary>Whether the app also listens on its own URLs and endpoints. False: it opens no port at all.</summary>
    /// <value>Default: false.</value>
    public bool ServeLocally { get; set; }

    /// <summary>
    /// Whether requests from a gateway have the client address, scheme and host that the gateway's X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host name. Only requests that come through a gateway
    /// are trusted; requests on the app's own ports are not.
    /// </summary>
    /// <value>Default: true.</value>
    public bool UseForwardedHeaders { get; set; } = true;

    /// <summary>How long a stop, or a gateway that stops, waits for connections that are in use.</summary>
    /// <value>Default: 30 seconds. Range: zero to 1 day. A stop of the app is bounded by the host's ShutdownTimeout too.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan DrainTimeout { get; set => field = Range(value, TimeSpan.Zero, TimeSpan.FromDays(1)); } = TimeSpan.FromSeconds(30);

    /// <summary>How long connecting to a gateway and registering may take.</summary>
    /// <value>Default: 15 seconds. Range: more than zero, at most 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ConnectTimeout { get; set => field = Range(value, TimeSpan.FromTicks(1), TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(15);

    /// <summary>How long connecting to the upstream of a <see cref="Forward"/> entry may take.</summary>
    /// <value>Default: 10 seconds. Range: more than zero, at most 1 hour.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ForwardConnectTimeout { get; set => field = Range(value, TimeSpan.FromTicks(1), TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>The most connections to upstreams of <see cref="Forward"/> at a time. Further opens are refused.</summary>
    /// <value>Default: 1,000. Range: 1 to 1,000,000.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxForwardConnections { get; set => field = Range(value, 1, 1_000_000); } = 1_000;

    /// <summary>When to try again after a gateway could not be reached or has refused. A gateway that grants no name is asked again after <see cref="MtaTlsReconnectOptions.MaxDelay"/>.</summary>
    public MtaTlsReconnectOptions Reconnect { get; } = new();

    /// <summary>The limits of each session.</summary>
    public MtaTlsSessionLimits Limits { get; } = new();

    /// <summary>Completes each registration request, with an Authorization header, for example. In code only.</summary>
    /// <value>Default: null.</value>
    public Func<HttpRequestMessage, CancellationToken, ValueTask>? ConfigureRegistration { get; set; }

    /// <summary>Makes the connection below TLS, in place of a TCP connection to the gateway: through a proxy, for example. In code only.</summary>
    /// <value>Default: null.</value>
    public Func<DnsEndPoint, CancellationToken, ValueTask<Stream>>? ConnectCallback { get; set; }

    /// <summary>What could not be read from the configuration; reported with everything else that is wrong.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();

    private static T Range<T>(T value, T least, T most)
        where T : IComparable<T>
        => value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, $"The value must be from {least} to {most}.");
}
