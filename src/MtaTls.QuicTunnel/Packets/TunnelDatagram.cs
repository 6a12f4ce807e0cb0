using System.Buffers.Binary;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>The header before every tunnelled packet in a DATAGRAM frame: Protocol Type(16) Packet Tag(16).</summary>
internal static class TunnelDatagram
{
    public const int HeaderLength = 4;

    /// <summary>The header of a path MTU probe. It has no EtherType, so every peer drops the datagram.</summary>
    public static readonly byte[] ProbeHeader = new byte[HeaderLength];

    public static void WriteHeader(Span<byte> datagram, ushort protocolType, ushort tag)
    {
        BinaryPrimitives.WriteUInt16BigEndian(datagram, protocolType);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[2..], tag);
    }

    public static void WriteTag(Span<byte> datagram, ushort tag) => BinaryPrimitives.WriteUInt16BigEndian(datagram[2..], tag);

    public static ushort ProtocolTypeOf(ReadOnlySpan<byte> datagram) => BinaryPrimitives.ReadUInt16BigEndian(datagram);

    public static bool TryRead(ReadOnlySpan<byte> datagram, out ushort protocolType, out ushort tag, out ReadOnlySpan<byte> packet)
    {
        if (datagram.Length < HeaderLength)
        {
            protocolType = tag = 0;
            packet = default;
            return false;
        }

        protocolType = BinaryPrimitives.ReadUInt16BigEndian(datagram);
        tag = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        packet = datagram[HeaderLength..];
        return true;
    }
}
