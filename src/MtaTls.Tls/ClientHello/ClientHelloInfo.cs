using System.Net.Security;
using System.Security.Authentication;

namespace MtaTls.Tls;

/// <summary>The offers of a ClientHello. None of it is authenticated yet.</summary>
internal sealed class ClientHelloInfo
{
    /// <summary>Whether the ClientHello has the extension that the caller asked for, with any body.</summary>
    public bool OffersExtension { get; internal init; }

    /// <summary>The host name of the <c>server_name</c> extension, in lower case; null when there is none or it is not a host name.</summary>
    public string? ServerName { get; internal init; }

    /// <summary>
    /// The host name with the case that was sent, and with its A-labels decoded, as <see cref="SslStream"/> passes it to a certificate selector; null like <see cref="ServerName"/>.
    /// </summary>
    public string? SentServerName { get; internal init; }

    /// <summary>The application protocols of the ALPN extension in the client's order; empty when there is none.</summary>
    public IReadOnlyList<SslApplicationProtocol> ApplicationProtocols { get; internal init; } = [];

    /// <summary>The versions among TLS 1.2 and 1.3 that the client offers; <see cref="SslProtocols.None"/> when it offers neither.</summary>
    public SslProtocols Protocols { get; internal init; }

    /// <summary>The length in octets of the ClientHello's TLS records, with their headers.</summary>
    public int Length { get; internal init; }
}
