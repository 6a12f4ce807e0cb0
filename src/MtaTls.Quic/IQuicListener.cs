using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic;

/// <summary>Accepts connections on its end points. Disposing it aborts the remaining connections and closes the sockets.</summary>
internal interface IQuicListener : IAsyncDisposable
{
    /// <summary>The bound end points, in the order of the options. A port of 0 is replaced with the bound one.</summary>
    IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    /// <summary>Counters of all shards together.</summary>
    QuicListenerStatistics Statistics { get; }

    /// <summary>Refuses new connections from now on (CONNECTION_REFUSED). Existing connections continue.</summary>
    void StopAccepting();

    /// <summary>Closes every connection with an application error code. Each handler then gets <see cref="IQuicConnectionHandler.OnClosed"/>.</summary>
    void CloseConnections(ulong applicationErrorCode, string? reason = null);

    /// <summary>Uses another certificate (with its private key) for new handshakes. Existing connections and handshakes continue.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">The private key is missing or cannot be exported. The former certificate stays.</exception>
    void UseCertificate(X509Certificate2 certificate, X509Certificate2Collection? intermediates = null);
}

/// <summary>Counters of a listener since it started.</summary>
/// <param name="Connections">Current connections, including handshakes.</param>
/// <param name="HandshakesInFlight">Current handshakes.</param>
/// <param name="Accepted">Handshakes that were started.</param>
/// <param name="Refused">Handshakes that were refused: above a limit, with an invalid Retry token, after <see cref="IQuicListener.StopAccepting"/>, or because the accept function threw.</param>
/// <param name="RetriesSent">Retry packets sent (address validation).</param>
/// <param name="VersionNegotiationsSent">Version Negotiation packets sent.</param>
/// <param name="StatelessResetsSent">Stateless resets sent.</param>
/// <param name="PacketsDropped">Packets that were dropped without an answer: malformed, for no connection, or above a rate limit.</param>
/// <param name="PacketsReceived">UDP payloads received in all.</param>
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
