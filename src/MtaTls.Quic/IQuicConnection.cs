using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Quic;

/// <summary>
/// One QUIC connection with unidirectional streams and datagrams. Every member may be called from any thread, and none blocks.
/// After the connection has closed, methods have no effect (<see cref="TrySendDatagram"/> returns false).
/// </summary>
internal interface IQuicConnection
{
    /// <summary>A number that identifies the connection in logs. It is unique in this process.</summary>
    long Id { get; }

    /// <summary>Whether this end accepted the connection.</summary>
    bool IsServer { get; }

    /// <summary>An object of the connection's owner. The connection does not use it.</summary>
    object? State { get; set; }

    /// <summary>True from <see cref="IQuicConnectionHandler.OnConnected"/> until <see cref="IQuicConnectionHandler.OnClosed"/>.</summary>
    bool IsConnected { get; }

    /// <summary>The negotiated application protocol (ALPN); null until connected.</summary>
    string? ApplicationProtocol { get; }

    /// <summary>The peer's validated certificate; null when the peer sent none. The connection never disposes it.</summary>
    X509Certificate2? PeerCertificate { get; }

    /// <summary>The local address of the current path. At a server it is the address that packets arrive at, even on a wildcard socket. At a client without a bound address it is the unspecified address.</summary>
    IPEndPoint LocalEndPoint { get; }

    /// <summary>The peer's address on the current path.</summary>
    IPEndPoint RemoteEndPoint { get; }

    /// <summary>
    /// At a client: the server's own addresses, as it announces them (RFC 9000, section 9.6), beside the one that the client connected to. At most one of each family, without those that lead
    /// into a network nearer to the client. Empty until connected, and at a server.
    /// </summary>
    IReadOnlyList<IPEndPoint> PreferredEndPoints { get; }

    /// <summary>The largest datagram, in bytes, that the path and the peer accept now; 0 until connected, or when the peer accepts no datagrams.</summary>
    int MaxDatagramSize { get; }

    /// <summary>
    /// Whether <see cref="MaxDatagramSize"/> is final for this path. False during path MTU discovery: at the start, on a new path, and after the path MTU has become smaller.
    /// </summary>
    bool IsPathMtuSettled { get; }

    /// <summary>The smoothed round-trip time (RFC 9002, section 5.3).</summary>
    TimeSpan SmoothedRtt { get; }

    /// <summary>The smallest round-trip time (RFC 9002, section 5.2); zero before the first measurement.</summary>
    TimeSpan MinRtt { get; }

    /// <summary>The congestion window, in bytes.</summary>
    long CongestionWindow { get; }

    /// <summary>Bytes that were sent and are neither acknowledged nor declared lost.</summary>
    long BytesInFlight { get; }

    /// <summary>Streams of <see cref="OpenUnidirectionalStream"/> that the peer does not allow yet.</summary>
    int WaitingStreams { get; }

    /// <summary>Datagrams that <see cref="TrySendDatagram"/> accepted and that were not sent yet.</summary>
    int QueuedDatagrams { get; }

    /// <summary>The <see cref="TimeProvider.GetTimestamp"/> of the last packet that acknowledged something or carried new data; before the first one, the time when the connection was created.</summary>
    long LastReceivedTimestamp { get; }

    /// <summary>
    /// The <see cref="TimeProvider.GetTimestamp"/> of the oldest packet that waits for an answer; 0 when no packet does. That is the first ack-eliciting packet after the
    /// last packet that proved the peer alive. Packets that cannot be decrypted, and repeated packets, prove nothing. This shows a dead path long before the idle timeout.
    /// </summary>
    long UnansweredSinceTimestamp { get; }

    /// <summary>The largest rate, in bytes per second, at which datagrams arrived at the peer in the last round trips; 0 before the first acknowledgement.</summary>
    double DeliveryRate { get; }

    /// <summary>Bytes of acknowledged datagrams, including the overhead of their QUIC packets.</summary>
    long BytesDelivered { get; }

    /// <summary>A second source of datagrams. The queue of <see cref="TrySendDatagram"/> is sent first. Set it before the first call of <see cref="WakeDatagrams"/>.</summary>
    IQuicDatagramSource? DatagramSource { get; set; }

    /// <summary>Tells the connection that <see cref="DatagramSource"/> may have a datagram for it.</summary>
    void WakeDatagrams();

    /// <summary>Returns all unacknowledged datagrams to <see cref="DatagramSource"/>. The owner calls it when the path does not answer.</summary>
    void ReturnDatagrams();

    /// <summary>Counters since the connection was created.</summary>
    QuicConnectionStatistics Statistics { get; }

    /// <summary>
    /// Opens the next unidirectional stream and returns its id. The first is 2 at the client and 3 at the server. Data waits until the peer's stream limit allows the stream.
    /// </summary>
    long OpenUnidirectionalStream();

    /// <summary>Copies and queues bytes for a stream that this end opened. No data may follow after <paramref name="fin"/>.</summary>
    /// <exception cref="InvalidOperationException">More than <see cref="QuicConnectionOptions.MaxStreamSendBuffer"/> bytes of this connection's streams are not acknowledged yet.</exception>
    void SendStream(long streamId, ReadOnlySpan<byte> data, bool fin);

    /// <summary>Resets a stream that this end opened (RESET_STREAM).</summary>
    void ResetStream(long streamId, ulong errorCode);

    /// <summary>Asks the peer to reset a stream that the peer opened (STOP_SENDING). The handler gets no more data of it.</summary>
    void StopSending(long streamId, ulong errorCode);

    /// <summary>
    /// Copies one datagram (header, then payload) into this connection's bounded queue. Returns false when the queue is full (<see cref="IQuicConnectionHandler.OnDatagramReady"/>
    /// follows later), when the datagram is larger than <see cref="MaxDatagramSize"/>, or when the connection is not connected. Allocates nothing.
    /// </summary>
    bool TrySendDatagram(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload);

    /// <summary>
    /// Removes all unsent datagrams from the queue and shows each to <paramref name="visitor"/>, oldest first. Returns their number. This lets the owner of a lost path send them over another.
    /// </summary>
    int DrainUnsent(QuicDatagramVisitor visitor, object? state);

    /// <summary>
    /// Client only: moves the connection to another local address or interface, after the new path was validated (RFC 9000, section 9).
    /// <see cref="IQuicConnectionHandler.OnPathChanged"/> follows on success. On failure the connection stays on the old path.
    /// </summary>
    /// <exception cref="InvalidOperationException">The connection is a server's.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The address or the interface cannot be bound.</exception>
    void Migrate(IPAddress? localAddress, string? interfaceName);

    /// <summary>Sends a packet that the peer must acknowledge, to test the path.</summary>
    void Ping();

    /// <summary>Sends one last burst of queued data, then closes with an application error code and a reason phrase (cut to 256 bytes of UTF-8). Data that is still queued is dropped.</summary>
    void Close(ulong applicationErrorCode, string? reason = null);

    /// <summary>Ends the connection without telling the peer.</summary>
    void Abort();
}

/// <summary>Receives one unsent datagram. The span is valid only during the call.</summary>
internal delegate void QuicDatagramVisitor(ReadOnlySpan<byte> datagram, object? state);
