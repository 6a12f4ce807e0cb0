namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Takes packets for the tunnel; the span is valid only during the call.</summary>
internal interface IPacketReceiver
{
    void OnPacket(ReadOnlySpan<byte> packet);
}
