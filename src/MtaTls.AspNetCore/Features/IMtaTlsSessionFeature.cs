using System.Net;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>
/// The MTA-TLS session of a request: a feature of <c>HttpContext.Features</c> and of a channel's <c>ConnectionContext.Features</c>. Absent on
/// ordinary connections.
/// </summary>
public interface IMtaTlsSessionFeature
{
    /// <summary>The session's id in logs: the id of the TCP connection.</summary>
    string SessionId { get; }

    /// <summary>The endpoint's name in <c>MtaTls:Endpoints</c> or <c>Kestrel:Endpoints</c>, or the one given in code; null if it has none.</summary>
    string? EndpointName { get; }

    /// <summary>The client's address and port; with <c>MtaTls:ProxyProtocol</c> those that the load balancer sent.</summary>
    EndPoint? RemoteEndPoint { get; }

    /// <summary>The client's certificate. The handshake has proved that the client has its private key. Null if the client sent none.</summary>
    X509Certificate2? ClientCertificate { get; }

    /// <summary>
    /// The issuers that the client sent with its certificate, as a chain by name: the first is the issuer of <see cref="ClientCertificate"/>, each following one is the issuer of the one before.
    /// Empty if the client sent none.
    /// </summary>
    IReadOnlyList<X509Certificate2> ClientCertificateChain { get; }

    /// <summary>When the session started, in UTC.</summary>
    DateTimeOffset StartedAt { get; }

    /// <summary>The server name (SNI) that the client asked for, in lower case; null if it sent none.</summary>
    string? ServerName { get; }

    /// <summary>Whether an earlier TLS session was resumed.</summary>
    bool IsResumed { get; }

    /// <summary>Whether either end has sent a go-away: new channels should use another session, and open channels continue.</summary>
    bool IsDraining { get; }

    /// <summary>The channels of the session that are open now, including the channel of the request.</summary>
    int ActiveChannels { get; }

    /// <summary>The channels that either end has opened in the session so far.</summary>
    long TotalChannelsOpened { get; }

    /// <summary>Bytes of channel data received in the session, without packet headers.</summary>
    long BytesReceived { get; }

    /// <summary>Bytes of channel data sent in the session, without packet headers.</summary>
    long BytesSent { get; }

    /// <summary>Opens a channel to the client. Either end of a session may open channels (draft-badra-tls-multiplexing-01, section 2.1.1).</summary>
    /// <param name="source">The source of the channel, which the client is told.</param>
    /// <param name="destination">The host and port to which the client should connect the channel.</param>
    /// <param name="cancellationToken">Stops waiting for the client's answer. If the client opens the channel later, it is closed at once.</param>
    /// <returns>The channel. The caller must dispose it.</returns>
    /// <exception cref="MtaTlsChannelRefusedException">The client refused the channel, or a limit of this server does not allow it.</exception>
    /// <exception cref="MtaTlsSessionException">The session is shutting down or has ended.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    ValueTask<MtaTlsChannel> OpenChannelAsync(ChannelAddress source, ChannelAddress destination, CancellationToken cancellationToken = default);
}
