using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Reordering;

/// <summary>A packet that waits, in a buffer of <see cref="PacketPool"/>'s that belongs to the holder.</summary>
internal readonly record struct HeldPacket(byte[] Buffer, int Length, ushort ProtocolType)
{
    public ReadOnlySpan<byte> Span => Buffer.AsSpan(0, Length);

    /// <summary>Copies a packet into a buffer of the pool's.</summary>
    public static HeldPacket Copy(ushort protocolType, ReadOnlySpan<byte> packet)
    {
        byte[] buffer = PacketPool.Shared.Rent(packet.Length);
        packet.CopyTo(buffer);
        return new HeldPacket(buffer, packet.Length, protocolType);
    }

    /// <summary>Gives the buffer back.</summary>
    public void Free() => PacketPool.Shared.Return(Buffer);
}
