using System.Net.Sockets;

namespace MtaTls.Quic;

/// <summary>
/// What a connection tells its owner. Every call comes on the connection's loop thread, one at a time, and must not block: the loop serves
/// many connections. Spans are valid only during the call. An exception that leaves a handler closes that connection (INTERNAL_ERROR) and no other.
/// The calls that have a body here need not be implemented.
/// A handler may call any member of <see cref="IQuicConnection"/>; what it asks for happens after it has returned.
/// </summary>
internal interface IQuicConnectionHandler
{
    /// <summary>The handshake is complete and confirmed: both ends have validated each other's certificates. Comes before every other call but <see cref="OnClosed"/>.</summary>
    void OnConnected(IQuicConnection connection);

    /// <summary>The next octets of a unidirectional stream that the peer opened, in order; <paramref name="fin"/> says that these (0 or more) are its last.</summary>
    void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin);

    /// <summary>The peer gave up a stream that it had opened (RESET_STREAM).</summary>
    void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode);

    /// <summary>The peer wants no more of a stream that this end opened (STOP_SENDING); the stream has been reset with the same code.</summary>
    void OnStopSending(IQuicConnection connection, long streamId, ulong errorCode)
    {
    }

    /// <summary>One DATAGRAM frame's payload (RFC 9221).</summary>
    void OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data);

    /// <summary>The datagrams that were at hand have all been handed over: what was kept of them can go on in one piece.</summary>
    void OnDatagramsEnd(IQuicConnection connection)
    {
    }

    /// <summary>At least half of the queue is free again after <see cref="IQuicConnection.TrySendDatagram"/> has returned false.</summary>
    void OnDatagramReady(IQuicConnection connection)
    {
    }

    /// <summary>An address of the path or <see cref="IQuicConnection.MaxDatagramSize"/> has changed: NAT rebinding, migration, path MTU discovery.</summary>
    void OnPathChanged(IQuicConnection connection)
    {
    }

    /// <summary>
    /// The operating system refused to send on this connection's socket (network down, no route, no such address); <see cref="SocketError.Success"/> when
    /// sending works again. Called on each change, not for each packet. The connection lives on until its idle timeout: the path may come back.
    /// </summary>
    void OnSendError(IQuicConnection connection, SocketError error)
    {
    }

    /// <summary>The last call, exactly once, also for a connection that never was connected.</summary>
    void OnClosed(IQuicConnection connection, QuicCloseReason reason);
}
