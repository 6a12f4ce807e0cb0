using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic;

/// <summary>
/// One QUIC connection: unidirectional streams, datagrams, close. Every member may be used from any thread; none blocks. Members that
/// act after the connection has closed do nothing (<see cref="TrySendDatagram"/> returns false).
/// </summary>
internal interface IQuicConnection
{
    /// <summary>A number that is unique in this process, for logs.</summary>
    long Id { get; }

    /// <summary>Whether this end accepted the connection.</summary>
    bool IsServer { get; }

    /// <summary>The owner's own object.</summary>
    object? State { get; set; }

    /// <summary>Between <see cref="IQuicConnectionHandler.OnConnected"/> and <see cref="IQuicConnectionHandler.OnClosed"/>.</summary>
    bool IsConnected { get; }

    /// <summary>The application protocol that was negotiated; null before the handshake is complete.</summary>
    string? ApplicationProtocol { get; }

    /// <summary>The peer's certificate, already validated; null when it gave none. Valid until the connection has closed and as long as the owner likes after that.</summary>
    X509Certificate2? PeerCertificate { get; }

    /// <summary>This end's address on the current path (at a server the address that packets really come to, also on a wildcard socket; at a client that is bound to no address the unspecified one).</summary>
    IPEndPoint LocalEndPoint { get; }

    /// <summary>The peer's address on the current path.</summary>
    IPEndPoint RemoteEndPoint { get; }

    /// <summary>The largest datagram that the path and the peer take now; 0 until connected, or when the peer takes no datagrams.</summary>
    int MaxDatagramSize { get; }

    /// <summary>
    /// Whether <see cref="MaxDatagramSize"/> is what the path takes. False while it is looked for: at the beginning, on another path, and after the path became narrower.
    /// </summary>
    bool IsPathMtuSettled { get; }

    /// <summary>The smoothed round-trip time (RFC 9002, section 5.3).</summary>
    TimeSpan SmoothedRtt { get; }

    /// <summary>The least round-trip time seen (RFC 9002, section 5.2).</summary>
    TimeSpan MinRtt { get; }

    /// <summary>The congestion window in octets.</summary>
    long CongestionWindow { get; }

    /// <summary>Octets sent and neither acknowledged nor declared lost.</summary>
    long BytesInFlight { get; }

    /// <summary>Datagrams accepted by <see cref="TrySendDatagram"/> and not sent yet.</summary>
    int QueuedDatagrams { get; }

    /// <summary>The <see cref="TimeProvider.GetTimestamp"/> of the last packet that acknowledged something or brought something new; the time of creation before the first.</summary>
    long LastReceivedTimestamp { get; }

    /// <summary>
    /// The <see cref="TimeProvider.GetTimestamp"/> of the oldest packet that awaits an answer: an ack-eliciting packet sent after the last
    /// packet that showed that the peer lives. What cannot be decrypted, or was there before, shows nothing. 0 when none does. Its age in round-trip times tells a dead path long before the idle timeout.
    /// </summary>
    long UnansweredSinceTimestamp { get; }

    /// <summary>Bytes a second that arrived of what was sent: the most of the last round trips, 0 before the first were acknowledged.</summary>
    double DeliveryRate { get; }

    /// <summary>Bytes of datagrams that were acknowledged.</summary>
    long BytesDelivered { get; }

    /// <summary>Where datagrams come from besides <see cref="TrySendDatagram"/>, whose queue goes first. To be set before the first is waiting.</summary>
    IQuicDatagramSource? DatagramSource { get; set; }

    /// <summary>The source has a datagram for this connection, or may have.</summary>
    void WakeDatagrams();

    /// <summary>Gives back to the source what was taken and is not known to have arrived: the path does not answer.</summary>
    void ReturnDatagrams();

    /// <summary>Counters since the connection began.</summary>
    QuicConnectionStatistics Statistics { get; }

    /// <summary>
    /// Opens the next unidirectional stream; the first is 2 at the client and 3 at the server. What is sent on it waits until the peer's limit allows the stream.
    /// </summary>
    long OpenUnidirectionalStream();

    /// <summary>Copies and queues octets for a stream that this end opened. Nothing may follow a <paramref name="fin"/>.</summary>
    /// <exception cref="InvalidOperationException">More than <see cref="QuicConnectionOptions.MaxStreamSendBuffer"/> octets of this connection's streams are unacknowledged.</exception>
    void SendStream(long streamId, ReadOnlySpan<byte> data, bool fin);

    /// <summary>Gives up a stream that this end opened (RESET_STREAM).</summary>
    void ResetStream(long streamId, ulong errorCode);

    /// <summary>Asks the peer to give up a stream that it opened (STOP_SENDING). Nothing of it is delivered any more.</summary>
    void StopSending(long streamId, ulong errorCode);

    /// <summary>
    /// Copies one datagram (header and payload together) into this connection's bounded queue. False when the queue is full (then <see cref="IQuicConnectionHandler.OnDatagramReady"/>
    /// follows), when it is larger than <see cref="MaxDatagramSize"/>, or when the connection is not connected. Allocates nothing.
    /// </summary>
    bool TrySendDatagram(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload);

    /// <summary>
    /// Gives back every datagram that is queued and not sent, oldest first, and removes it from the queue: a path that is lost hands them to another. Returns their number.
    /// </summary>
    int DrainUnsent(QuicDatagramVisitor visitor, object? state);

    /// <summary>
    /// Client: moves the connection to another local address and/or interface; the path is validated first (RFC 9000, section 9). <see cref="IQuicConnectionHandler.OnPathChanged"/>
    /// follows when it has succeeded; otherwise the old path stays.
    /// </summary>
    void Migrate(IPAddress? localAddress, string? interfaceName);

    /// <summary>Sends a PING, so that the peer answers: a probe of the path.</summary>
    void Ping();

    /// <summary>Closes with an application error code and a reason phrase (at most 256 octets of UTF-8 are sent). What is still queued is dropped.</summary>
    void Close(ulong applicationErrorCode, string? reason = null);

    /// <summary>Forgets the connection without telling the peer.</summary>
    void Abort();
}

/// <summary>Takes one unsent datagram; the span is valid only during the call.</summary>
internal delegate void QuicDatagramVisitor(ReadOnlySpan<byte> datagram, object? state);
