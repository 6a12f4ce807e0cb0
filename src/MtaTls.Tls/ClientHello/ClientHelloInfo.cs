using System.Net.Security;
using System.Security.Authentication;

namespace MtaTls.Tls;

/// <summary>What a ClientHello offers. Everything in it is a claim of the client's, seen before any of it was authenticated.</summary>
internal sealed class ClientHelloInfo
{
    /// <summary>Whether the extension that was asked for is in the ClientHello, whatever its body.</summary>
    public bool OffersExtension { get; internal init; }

    /// <summary>The host name of the <c>server_name</c> extension, in lower case; null when there is none or it is not a host name.</summary>
    public string? ServerName { get; internal init; }

    /// <summary>
    /// The same as it was sent, in upper and lower case, with its A-labels decoded: as <see cref="SslStream"/> gives it to a certificate selector.
    /// </summary>
    public string? SentServerName { get; internal init; }

    /// <summary>The application protocols of the ALPN extension in the client's order; empty when there is none.</summary>
    public IReadOnlyList<SslApplicationProtocol> ApplicationProtocols { get; internal init; } = [];

    /// <summary>Those of TLS 1.2 and 1.3 that the client offers; <see cref="SslProtocols.None"/>: neither.</summary>
    public SslProtocols Protocols { get; internal init; }

    /// <summary>How many octets the records of the ClientHello take on the wire, headers included.</summary>
    public int Length { get; internal init; }
}
