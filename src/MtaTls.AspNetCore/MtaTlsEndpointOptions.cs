using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.Configuration;
using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>An endpoint of the section <c>MtaTls:Endpoints</c>: where it listens and how it negotiates TLS.</summary>
public sealed class MtaTlsEndpointOptions
{
    /// <summary>
    /// Where to listen, as in <c>Kestrel:Endpoints</c>: <c>https://*:8443</c>, <c>https://localhost:8443</c>, <c>https://192.0.2.1:8443</c>,
    /// <c>https://[::1]:0</c>, <c>https://unix:/run/app.sock</c>. Required; the scheme is always <c>https</c>.
    /// </summary>
    public string? Url { get; set; }

    /// <summary>Whether the extension is answered, required or ignored. Default: <see cref="MtaTlsEndpointDefaults.Mode"/>.</summary>
    public DataMultiplexingMode? Mode { get; set; }

    /// <summary>
    /// The HTTP versions, offered by ALPN: what ALPN selects is what every channel of the session speaks.
    /// Default: <c>Kestrel:EndpointDefaults:Protocols</c>, else <see cref="HttpProtocols.Http1AndHttp2"/>.
    /// </summary>
    public HttpProtocols? Protocols { get; set; }

    /// <summary>
    /// Whether clients are asked for a certificate, when the session starts. Default: <c>Kestrel:EndpointDefaults</c> and
    /// <c>ConfigureHttpsDefaults</c>, else <see cref="ClientCertificateMode.NoCertificate"/>. <see cref="ClientCertificateMode.DelayCertificate"/>
    /// needs a connection for each request, so that such an endpoint does not multiplex.
    /// </summary>
    public ClientCertificateMode? ClientCertificateMode { get; set; }

    /// <summary>
    /// A PEM file with one or more authorities: a client's certificate must come from one of them, whatever this machine trusts, and must not be
    /// restricted to other purposes than client authentication. Intermediates in the file only help to build chains. Relative to the content root.
    /// The file is read at start, where an error fails the start, and again when it has changed. It needs a <see cref="ClientCertificateMode"/>
    /// that asks for certificates. <see cref="HttpsConnectionAdapterOptions.ClientCertificateValidation"/> can refuse more, but accepts nothing else.
    /// Default: null, the machine's authorities.
    /// </summary>
    public string? ClientCertificateAuthorityPath { get; set; }

    /// <summary>The versions of TLS. Default: as for <see cref="ClientCertificateMode"/>, else TLS 1.2 and 1.3; MTA-TLS never uses older ones.</summary>
    public SslProtocols? SslProtocols { get; set; }

    /// <summary>When an accepted channel is given to the application. Default: <see cref="MtaTlsEndpointDefaults.Dispatch"/>.</summary>
    public MtaTlsDispatch? Dispatch { get; set; }

    /// <summary>
    /// The server's certificate. Where it names none: <c>Kestrel:Certificates:Default</c>, then the ASP.NET Core development certificate,
    /// then, in the Development environment only, one that is generated at start.
    /// </summary>
    public CertificateOptions Certificate { get; } = new();
}
