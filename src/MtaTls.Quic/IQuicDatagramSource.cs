using MtaTls.Quic.Ngtcp2;

namespace MtaTls.Quic;

/// <summary>
/// A queue of waiting datagrams that belongs to the owner. A connection takes a datagram only when it can send it, so the owner can choose the connection as late as possible.
/// All calls come from the thread of the connection's loop. A slot that the connection took belongs to it until another method gives the slot back.
/// </summary>
internal interface IQuicDatagramSource
{
    /// <summary>The next datagram, of at most <see cref="IQuicConnection.MaxDatagramSize"/> bytes; null when there is none for this connection now.</summary>
    DatagramSlot? Take();

    /// <summary>Gives back a slot: the peer has acknowledged the datagram.</summary>
    void OnAcknowledged(DatagramSlot slot);

    /// <summary>Gives back a slot: the datagram was sent and is lost.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="isStarting">Whether the datagram was sent while the connection sent more and more to find the rate of the path. Such a loss says nothing about the path.</param>
    void OnLost(DatagramSlot slot, bool isStarting);

    /// <summary>Gives back a slot whose datagram was not sent or not acknowledged: the connection has ended, <see cref="IQuicConnection.ReturnDatagrams"/> was called, or the datagram no longer fits.</summary>
    void OnReturned(DatagramSlot slot);
}
