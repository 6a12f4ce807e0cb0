namespace MtaTls.ReverseProxy;

/// <summary>
/// The headers that pass the client's certificate to backends (<c>MtaTls:ClientCertificateHeaders</c>). Headers with these names that the client itself sends are always removed, whatever is set here. So a request of a
/// client without a certificate has none of them. Changes of the configuration apply to the next request.
/// </summary>
public sealed class MtaTlsClientCertificateHeadersOptions
{
    internal const int LeastHeaderLength = 1024;
    internal const int MostHeaderLength = 262_144;

    /// <summary>Whether the header <c>Client-Cert</c> (RFC 9440, section 2.2) with the client's certificate is sent.</summary>
    /// <value>Default: false.</value>
    public bool ClientCert { get; set; }

    /// <summary>Whether the header <c>Client-Cert-Chain</c> (RFC 9440, section 2.3) is sent, with the issuers' certificates that the client has sent. Without such certificates it is not sent.</summary>
    /// <value>Default: false.</value>
    public bool ClientCertChain { get; set; }

    /// <summary>The parts of the header <c>X-Forwarded-Client-Cert</c> (Envoy's format).</summary>
    /// <value>Default: none, the header is not sent.</value>
    public ForwardedClientCertificateParts XForwardedClientCert { get; set; }

    /// <summary>
    /// The longest value of one of these headers. If a header would be longer, the request is answered 431: a backend must see neither a part of the certificate nor none. Backends have limits of their own,
    /// often 8 KiB for one header and 32 KiB for all headers.
    /// </summary>
    /// <value>In bytes. Default: 16,384. Range: 1,024 to 262,144.</value>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxHeaderLength { get; set => field = Ranges.Check(value, LeastHeaderLength, MostHeaderLength); } = 16_384;
}
