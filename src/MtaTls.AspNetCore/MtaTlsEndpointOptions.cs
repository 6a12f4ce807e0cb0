using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.Configuration;
using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>An endpoint of the section <c>MtaTls:Endpoints</c>: its address and its TLS settings.</summary>
public sealed class MtaTlsEndpointOptions
{
    /// <summary>
    /// The URL to listen on, as in <c>Kestrel:Endpoints</c>: <c>https://*:8443</c>, <c>https://localhost:8443</c>, <c>https://192.0.2.1:8443</c>,
    /// <c>https://[::1]:0</c>, <c>https://unix:/run/app.sock</c>. Required; the scheme is always <c>https</c>.
    /// </summary>
    public string? Url { get; set; }

    /// <summary>Whether clients may offer the extension, must offer it, or get ordinary HTTPS in any case. Default: <see cref="MtaTlsEndpointDefaults.Mode"/>.</summary>
    public DataMultiplexingMode? Mode { get; set; }

    /// <summary>
    /// The HTTP versions that ALPN offers. Every channel of a session speaks the version that ALPN selects.
    /// Default: <c>Kestrel:EndpointDefaults:Protocols</c>, else <see cref="HttpProtocols.Http1AndHttp2"/>.
    /// </summary>
    public HttpProtocols? Protocols { get; set; }

    /// <summary>
    /// Whether clients are asked for a certificate in the handshake. Default: <c>Kestrel:EndpointDefaults</c> and
    /// <c>ConfigureHttpsDefaults</c>, else <see cref="ClientCertificateMode.NoCertificate"/>. An endpoint with
    /// <see cref="ClientCertificateMode.DelayCertificate"/> does not speak MTA-TLS, because it asks in the middle of a connection.
    /// </summary>
    public ClientCertificateMode? ClientCertificateMode { get; set; }

    /// <summary>
    /// A PEM file with one or more authorities, which replace those of the machine: a client's certificate must be issued below one of them and must
    /// allow client authentication. Intermediates in the file only help to build chains. The path is relative to the content root.
    /// The file is read at startup, where an error fails the start, and again when it has changed. It needs a <see cref="ClientCertificateMode"/>
    /// that asks for certificates. <see cref="HttpsConnectionAdapterOptions.ClientCertificateValidation"/> can reject more certificates, but accept no
    /// others. Default: null, the machine's authorities.
    /// </summary>
    public string? ClientCertificateAuthorityPath { get; set; }

    /// <summary>The TLS versions. Default: as for <see cref="ClientCertificateMode"/>, else TLS 1.2 and 1.3. MTA-TLS never uses older ones.</summary>
    public SslProtocols? SslProtocols { get; set; }

    /// <summary>When the application gets a channel. Default: <see cref="MtaTlsEndpointDefaults.Dispatch"/>.</summary>
    public MtaTlsDispatch? Dispatch { get; set; }

    /// <summary>
    /// The server's certificate. Default: the certificate of <c>ConfigureHttpsDefaults</c>, else <c>Kestrel:Certificates:Default</c>, else the ASP.NET Core
    /// development certificate, else, in the Development environment only, a certificate that is generated at startup.
    /// </summary>
    public CertificateOptions Certificate { get; } = new();
}
