using MtaTls.Configuration;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>
/// Options of MTA-TLS in Kestrel, read from the configuration section <c>MtaTls</c> and from the callback of <c>UseMtaTls</c>, which has the last word.
/// </summary>
public sealed class MtaTlsOptions
{
    /// <summary>
    /// The code point of the <c>data_multiplexing</c> extension, which draft-badra-tls-multiplexing-01 leaves open (section 4): 0 to 65535 except
    /// those that TLS handles itself, default 65389 (0xFF6D, from TLS's private-use range). Clients must be set to the same.
    /// </summary>
    public ushort ExtensionType { get; set; } = 65389;

    /// <summary>What applies to every HTTPS endpoint that does not say otherwise, the application's own included.</summary>
    public MtaTlsEndpointDefaults EndpointDefaults { get; } = new();

    /// <summary>
    /// Endpoints to listen on, by name, beside those that the application has. Like <c>Kestrel:Endpoints</c> they override addresses given
    /// as URLs (<c>urls</c>, <c>ASPNETCORE_URLS</c>), and the others stay as they are. Without any, all HTTPS endpoints of the application speak MTA-TLS.
    /// </summary>
    public IDictionary<string, MtaTlsEndpointOptions> Endpoints { get; } = new Dictionary<string, MtaTlsEndpointOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>What a client can make the server spend.</summary>
    public MtaTlsLimits Limits { get; } = new();

    /// <summary>What clients with a certificate may use, by who they are: the first rule that is for a client decides. Default: empty, no limits by identity.</summary>
    public IList<MtaTlsIdentityLimitOptions> IdentityLimits { get; } = [];

    /// <summary>How the server notices a client that no longer answers. Sessions of agents are asked by pings in any case. Default: by TCP after 15 seconds of silence and 10 without an answer, no pings.</summary>
    public MtaTlsKeepAliveOptions KeepAlive { get; } = new();

    /// <summary>Balancers in front of the server that tell the client's address with the PROXY protocol. Default: none.</summary>
    public MtaTlsProxyProtocolOptions ProxyProtocol { get; } = new();

    /// <summary>Answers to ACME's http-01 challenges, from files. Default: none.</summary>
    public MtaTlsAcmeChallengesOptions AcmeChallenges { get; } = new();

    /// <summary>How the server stops.</summary>
    public MtaTlsShutdownOptions Shutdown { get; } = new();

    /// <summary>
    /// A file to which the keys of every MTA-TLS session are appended in the SSLKEYLOGFILE format, for debugging with Wireshark: anyone who can read
    /// it can decrypt the traffic. Default: what SSLKEYLOGFILE names where the AppContext switch System.Net.EnableSslKeyLogging is on, as for SslStream; else null, none. A warning is logged where it is set.
    /// </summary>
    public string? KeyLogFile { get; set; } = TlsEngine.EnvironmentKeyLogFile;

    /// <summary>Where OpenSSL 3 is found, for the whole process. It is read before the first use of TLS.</summary>
    public OpenSslOptions OpenSsl { get; } = new();

    /// <summary>
    /// Where channels go, by the destination that they name: the first route that matches decides. A channel that no route matches goes to the application. Default: empty, all channels
    /// do. Routes of the configuration come first, then those that are added in code; they change when the configuration is reloaded.
    /// </summary>
    public IList<ChannelRouteOptions> Channels { get; } = [];

    /// <summary>How channels are forwarded over TCP, where a route says so.</summary>
    public MtaTlsTcpOptions Tcp { get; } = new();

    /// <summary>
    /// Whether a request may name another host (Host header or :authority) than the destination of its channel. Default: false. Where <see cref="Channels"/> has routes, or requests are routed by their
    /// channel's destination, such a request is answered 421 (Misdirected Request): what was decided for the channel would not hold for it. Set it to true where clients open channels
    /// to one address and ask for many names there, and no route is meant to keep them from any of these names.
    /// </summary>
    public bool AllowHostMismatch { get; set; }

    /// <summary>What could not be read from the configuration; reported with everything else that is wrong.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
