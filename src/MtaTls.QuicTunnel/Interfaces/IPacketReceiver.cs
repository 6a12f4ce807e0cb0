using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Takes packets for the tunnel.</summary>
internal interface IPacketReceiver
{
    /// <summary>Takes one packet; the span is valid only during the call.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="batch">Takes the packet's session, whose paths are told at the batch's end; null when they are to be told at once.</param>
    void OnPacket(ReadOnlySpan<byte> packet, SendBatch? batch);

    /// <summary>The host did not take so many packets that had been written before.</summary>
    void OnNotWritten(int packets);
}
