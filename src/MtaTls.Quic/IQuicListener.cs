using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic;

/// <summary>Accepts connections on its end points. Disposing it aborts those that are left and frees the sockets.</summary>
internal interface IQuicListener : IAsyncDisposable
{
    /// <summary>The end points, with the ports that were really bound, in the order of the options.</summary>
    IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    /// <summary>Counters of the whole listener.</summary>
    QuicListenerStatistics Statistics { get; }

    /// <summary>New connections are refused (CONNECTION_REFUSED) from now on; those that are there go on.</summary>
    void StopAccepting();

    /// <summary>Closes every connection with an application error code, each of which then gets its OnClosed.</summary>
    void CloseConnections(ulong applicationErrorCode, string? reason = null);

    /// <summary>New handshakes use another certificate (with its private key); those that are there go on.</summary>
    void UseCertificate(X509Certificate2 certificate, X509Certificate2Collection? intermediates = null);
}

/// <summary>Counters of a listener since it began.</summary>
/// <param name="Connections">Connections now, handshakes included.</param>
/// <param name="HandshakesInFlight">Handshakes now.</param>
/// <param name="Accepted">Handshakes begun.</param>
/// <param name="Refused">Handshakes refused for a limit, or after <see cref="IQuicListener.StopAccepting"/>.</param>
/// <param name="RetriesSent">Retry packets sent (address validation).</param>
/// <param name="VersionNegotiationsSent">Version Negotiation packets sent.</param>
/// <param name="StatelessResetsSent">Stateless resets sent.</param>
/// <param name="PacketsDropped">Packets that belong to nothing and got no answer.</param>
/// <param name="PacketsReceived">All UDP payloads received.</param>
internal readonly record struct QuicListenerStatistics(
    int Connections,
    int HandshakesInFlight,
    long Accepted,
    long Refused,
    long RetriesSent,
    long VersionNegotiationsSent,
    long StatelessResetsSent,
    long PacketsDropped,
    long PacketsReceived);
