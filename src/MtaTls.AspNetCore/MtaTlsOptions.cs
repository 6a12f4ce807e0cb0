using MtaTls.Configuration;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>
/// Options of MTA-TLS in Kestrel. They come from the configuration section <c>MtaTls</c> and from the callback of <c>UseMtaTls</c>, which overrides the section.
/// </summary>
public sealed class MtaTlsOptions
{
    /// <summary>
    /// The code point of the <c>data_multiplexing</c> extension, which draft-badra-tls-multiplexing-01 leaves open (section 4): 0 to 65535 except
    /// those that TLS handles itself, default 65389 (0xFF6D, from TLS's private-use range). Clients need the same value.
    /// </summary>
    public ushort ExtensionType { get; set; } = 65389;

    /// <summary>The defaults of all HTTPS endpoints, including the application's own.</summary>
    public MtaTlsEndpointDefaults EndpointDefaults { get; } = new();

    /// <summary>
    /// Endpoints to listen on, by name, in addition to those of the application. Like <c>Kestrel:Endpoints</c> they override addresses given
    /// as URLs (<c>urls</c>, <c>ASPNETCORE_URLS</c>). Other endpoints do not change. Default: empty, all HTTPS endpoints of the application speak MTA-TLS.
    /// </summary>
    public IDictionary<string, MtaTlsEndpointOptions> Endpoints { get; } = new Dictionary<string, MtaTlsEndpointOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Limits of the resources that clients can use.</summary>
    public MtaTlsLimits Limits { get; } = new();

    /// <summary>Limits for clients with a certificate, by their identity. The first rule that matches a client decides. Default: empty, no limits by identity.</summary>
    public IList<MtaTlsIdentityLimitOptions> IdentityLimits { get; } = [];

    /// <summary>How the server finds clients that no longer answer. Default: by TCP keep-alive, after 15 seconds of silence and 10 more seconds without an answer; no pings. Sessions of agents are pinged in any case.</summary>
    public MtaTlsKeepAliveOptions KeepAlive { get; } = new();

    /// <summary>Load balancers in front of the server that send the client's address with the PROXY protocol. Default: none.</summary>
    public MtaTlsProxyProtocolOptions ProxyProtocol { get; } = new();

    /// <summary>Answers to ACME's http-01 challenges, from files that an ACME client writes. Default: none.</summary>
    public MtaTlsAcmeChallengesOptions AcmeChallenges { get; } = new();

    /// <summary>How the server stops.</summary>
    public MtaTlsShutdownOptions Shutdown { get; } = new();

    /// <summary>
    /// A file to which the keys of every MTA-TLS session are appended in the SSLKEYLOGFILE format, for debugging with Wireshark. Anyone who can read
    /// it can decrypt the traffic; a warning is logged while it is set. Default: null, none. If the AppContext switch System.Net.EnableSslKeyLogging is on, the default is the file that the
    /// environment variable SSLKEYLOGFILE names, as for SslStream.
    /// </summary>
    public string? KeyLogFile { get; set; } = TlsEngine.EnvironmentKeyLogFile;

    /// <summary>The location of OpenSSL 3, for the whole process. It is read before the first use of TLS.</summary>
    public OpenSslOptions OpenSsl { get; } = new();

    /// <summary>
    /// Channel routes: where a channel goes, by its destination. The first route that matches decides. A channel that no route matches goes to the application. Default: empty, all channels go to
    /// the application. The routes of the configuration come first, then those added in code. They change when the configuration is reloaded.
    /// </summary>
    public IList<ChannelRouteOptions> Channels { get; } = [];

    /// <summary>How channels of Tcp routes are forwarded.</summary>
    public MtaTlsTcpOptions Tcp { get; } = new();

    /// <summary>
    /// Whether a request may name another host (Host header or :authority) than the destination of its channel. Default: false. If <see cref="Channels"/> has routes, or requests are routed by their
    /// channel's destination, such a request is answered with 421 (Misdirected Request), because the decision about the channel was not made for that host. Set it to true if clients open channels
    /// to one address and ask for many names there, and no route is meant to keep them from any of these names.
    /// </summary>
    public bool AllowHostMismatch { get; set; }

    /// <summary>The errors from reading the configuration. Validation reports them together with its own.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
