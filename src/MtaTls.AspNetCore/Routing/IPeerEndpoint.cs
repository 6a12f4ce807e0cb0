using System.Security.Cryptography.X509Certificates;
using MtaTls.AspNetCore.Connections;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Routing;

/// <summary>The endpoint that other gateways use. It always requires MTA-TLS and the certificate of a gateway, and its channels never reach the application.</summary>
internal interface IPeerEndpoint
{
    /// <summary>The endpoint's name.</summary>
    string Name { get; }

    /// <summary>Whether a client certificate belongs to a gateway.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="chain">The chain, built with the machine's authorities and the intermediates that the client sent.</param>
    /// <param name="isTrusted">Whether the machine trusts the certificate.</param>
    bool IsPeer(X509Certificate2 certificate, X509Chain? chain, bool isTrusted);

    /// <summary>Serves a channel. Called on the session's read loop: returns at once and answers the request later.</summary>
    void Start(MtaTlsServerSession session, MtaTlsChannelRequest request);
}
