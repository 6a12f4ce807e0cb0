using MtaTls.Quic.Ngtcp2;

namespace MtaTls.Quic;

/// <summary>
/// Where a connection takes its datagrams from when it can send: what waits, waits with the owner, which decides at the last moment what goes over which connection. All calls come on
/// the connection's loop thread; a slot that was taken belongs to the connection until one of the other calls gives it back.
/// </summary>
internal interface IQuicDatagramSource
{
    /// <summary>The next datagram, of at most <see cref="IQuicConnection.MaxDatagramSize"/> bytes; null when there is none for this connection now.</summary>
    DatagramSlot? Take();

    /// <summary>The peer has received it.</summary>
    void OnAcknowledged(DatagramSlot slot);

    /// <summary>It was sent and is lost.</summary>
    void OnLost(DatagramSlot slot);

    /// <summary>It was not sent, or nothing was heard of it, and the connection has ended or was asked to give back what it has.</summary>
    void OnReturned(DatagramSlot slot);
}
