using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel.Reordering;

/// <summary>A waiting packet in a buffer from <see cref="PacketPool"/>. The holder owns the buffer.</summary>
internal readonly record struct HeldPacket(byte[] Buffer, int Length, ushort ProtocolType)
{
    public ReadOnlySpan<byte> Span => Buffer.AsSpan(0, Length);

    /// <summary>Copies a packet into a buffer from the pool.</summary>
    public static HeldPacket Copy(ushort protocolType, ReadOnlySpan<byte> packet)
    {
        byte[] buffer = PacketPool.Shared.Rent(packet.Length);
        packet.CopyTo(buffer);
        return new HeldPacket(buffer, packet.Length, protocolType);
    }

    /// <summary>Returns the buffer to the pool.</summary>
    public void Free() => PacketPool.Shared.Return(Buffer);
}
