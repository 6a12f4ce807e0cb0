namespace MtaTls.ReverseProxy;

/// <summary>
/// The headers that tell backends the client's certificate (<c>MtaTls:ClientCertificateHeaders</c>). Requests of clients without a certificate have none of them: what a request brings under these
/// names is removed, whatever is set here. Changes of the configuration apply to the next request.
/// </summary>
public sealed class MtaTlsClientCertificateHeadersOptions
{
    internal const int LeastHeaderLength = 1024;
    internal const int MostHeaderLength = 262_144;

    /// <summary>Whether <c>Client-Cert</c> (RFC 9440, section 2.2) is sent. Default: false.</summary>
    public bool ClientCert { get; set; }

    /// <summary>Whether <c>Client-Cert-Chain</c> (RFC 9440, section 2.3) is sent: the certificates above the client's that it has sent, where there are any. Default: false.</summary>
    public bool ClientCertChain { get; set; }

    /// <summary>The parts of <c>X-Forwarded-Client-Cert</c>. Default: none, the header is not sent.</summary>
    public ForwardedClientCertificateParts XForwardedClientCert { get; set; }

    /// <summary>
    /// The longest value of one of these headers; 1,024 to 262,144 bytes, default 16,384. A request that would need a longer one is answered 431: a backend must not take part of a certificate, or none,
    /// for the client's. Backends have limits of their own, often 8 KiB for a header and 32 KiB for all.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxHeaderLength
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, LeastHeaderLength);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MostHeaderLength);
            field = value;
        }
    }

        = 16_384;
}
