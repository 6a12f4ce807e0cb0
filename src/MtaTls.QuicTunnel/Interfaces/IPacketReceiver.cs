using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Receives packets for the tunnel.</summary>
internal interface IPacketReceiver
{
    /// <summary>Receives one packet. The span is valid only during the call.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="batch">Collects the packet's session, whose paths are woken at the end of the batch; null to wake them at once.</param>
    void OnPacket(ReadOnlySpan<byte> packet, SendBatch? batch);

    /// <summary>The host refused this number of packets that <see cref="IPacketInterface.Write"/> had accepted.</summary>
    void OnNotWritten(int packets);
}
