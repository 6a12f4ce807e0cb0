using System.Net;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>
/// The MTA-TLS session that a request came on: a feature of <c>HttpContext.Features</c> and of a channel's <c>ConnectionContext.Features</c>. Absent on
/// connections that are not multiplexed.
/// </summary>
public interface IMtaTlsSessionFeature
{
    /// <summary>The session's id in logs: the id of the TCP connection.</summary>
    string SessionId { get; }

    /// <summary>The endpoint's name in <c>MtaTls:Endpoints</c> or <c>Kestrel:Endpoints</c>, or the one given in code; null where it has none.</summary>
    string? EndpointName { get; }

    /// <summary>The client's address and port.</summary>
    EndPoint? RemoteEndPoint { get; }

    /// <summary>The client's certificate, which the handshake has proved; null where it sent none.</summary>
    X509Certificate2? ClientCertificate { get; }

    /// <summary>
    /// The certificates that the client sent above its own: each is the issuer, by name, of the one before, the first that of <see cref="ClientCertificate"/>. Empty where it sent none.
    /// </summary>
    IReadOnlyList<X509Certificate2> ClientCertificateChain { get; }

    /// <summary>When the session started, in UTC.</summary>
    DateTimeOffset StartedAt { get; }

    /// <summary>The server name (SNI) that the client asked for, in lower case; null when it sent none.</summary>
    string? ServerName { get; }

    /// <summary>Whether an earlier TLS session was resumed.</summary>
    bool IsResumed { get; }

    /// <summary>Whether either end has said that it will stop: new channels belong on another session, open ones go on.</summary>
    bool IsDraining { get; }

    /// <summary>Channels of the session that are open now, this one included.</summary>
    int ActiveChannels { get; }

    /// <summary>Channels opened in the session so far, by either end.</summary>
    long TotalChannelsOpened { get; }

    /// <summary>Bytes of channel data received in the session.</summary>
    long BytesReceived { get; }

    /// <summary>Bytes of channel data sent in the session.</summary>
    long BytesSent { get; }

    /// <summary>Opens a channel to the client: either end may (draft-badra-tls-multiplexing-01, section 2.1.1).</summary>
    /// <param name="source">Where the channel comes from, for the client to know.</param>
    /// <param name="destination">The host and port that the client should connect it to.</param>
    /// <param name="cancellationToken">Stops waiting for the client's answer.</param>
    /// <returns>The channel. Whoever opened it disposes it.</returns>
    /// <exception cref="MtaTlsChannelRefusedException">The client refused, or a limit forbids it.</exception>
    /// <exception cref="MtaTlsSessionException">The session is shutting down or has ended.</exception>
    ValueTask<MtaTlsChannel> OpenChannelAsync(ChannelAddress source, ChannelAddress destination, CancellationToken cancellationToken = default);
}
