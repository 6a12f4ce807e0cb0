using System.Net.Sockets;

namespace MtaTls.Quic;

/// <summary>
/// Receives the events of a connection. All calls come from the thread of the connection's loop, one at a time. A call must not block, because the loop serves
/// many connections. Spans are valid only during the call. An exception from a handler closes only that connection (INTERNAL_ERROR).
/// Methods with an empty body here are optional.
/// A handler may call any member of <see cref="IQuicConnection"/>. The loop sends the resulting packets after the handler has returned.
/// </summary>
internal interface IQuicConnectionHandler
{
    /// <summary>The handshake is complete and confirmed, so each end has validated the certificate that it asked for. Comes before every other call except <see cref="OnClosed"/>.</summary>
    void OnConnected(IQuicConnection connection);

    /// <summary>The next bytes of a unidirectional stream that the peer opened, in order. With <paramref name="fin"/> they are the last ones (there may be none).</summary>
    void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin);

    /// <summary>The peer has reset a stream that it had opened (RESET_STREAM).</summary>
    void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode);

    /// <summary>The peer wants no more data on a stream that this end opened (STOP_SENDING). The stream was reset with the same code.</summary>
    void OnStopSending(IQuicConnection connection, long streamId, ulong errorCode)
    {
    }

    /// <summary>The payload of one DATAGRAM frame (RFC 9221).</summary>
    void OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data);

    /// <summary>All datagrams received so far were delivered. A handler that collects datagrams can pass them on together now.</summary>
    void OnDatagramsEnd(IQuicConnection connection)
    {
    }

    /// <summary>Comes after <see cref="IQuicConnection.TrySendDatagram"/> has returned false because the queue was full, when at least half of the queue is free again.</summary>
    void OnDatagramReady(IQuicConnection connection)
    {
    }

    /// <summary>An address of the path or <see cref="IQuicConnection.MaxDatagramSize"/> has changed: NAT rebinding, migration, path MTU discovery.</summary>
    void OnPathChanged(IQuicConnection connection)
    {
    }

    /// <summary>
    /// The operating system refused to send on this connection's socket (network down, no route, no such address), or sending works again
    /// (<see cref="SocketError.Success"/>). Comes at each change, not for each packet. The connection stays open until its idle timeout, because the path may recover.
    /// </summary>
    void OnSendError(IQuicConnection connection, SocketError error)
    {
    }

    /// <summary>The connection has ended. This is the last call and comes exactly once, even if the handshake never completed.</summary>
    void OnClosed(IQuicConnection connection, QuicCloseReason reason);
}
