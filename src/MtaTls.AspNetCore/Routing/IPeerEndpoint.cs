using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Connections;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Routing;

/// <summary>The endpoint that other gateways use: it always multiplexes and always requires a gateway's certificate, and nothing of the application is reached through it.</summary>
internal interface IPeerEndpoint
{
    /// <summary>The endpoint's name.</summary>
    string Name { get; }

    /// <summary>Whether a certificate that the handshake has proved is a gateway's.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="chain">The chain with the machine's trust and the intermediates that were sent.</param>
    /// <param name="isTrusted">Whether the machine trusts it.</param>
    bool IsPeer(X509Certificate2 certificate, X509Chain? chain, bool isTrusted);

    /// <summary>Called on the session's read loop for each channel: returns at once, and answers the request later.</summary>
    void Start(MtaTlsServerSession session, MtaTlsChannelRequest request);
}
