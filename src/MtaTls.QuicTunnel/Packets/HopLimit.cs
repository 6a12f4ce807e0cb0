using System.Buffers.Binary;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>The TTL or hop limit of a forwarded packet.</summary>
internal static class HopLimit
{
    /// <summary>Decrements it in place. False if the packet has no hop left and must not be forwarded.</summary>
    public static bool TryDecrement(Span<byte> packet, in IpHeader header)
    {
        if (header.HopLimit <= 1)
        {
            return false;
        }

        if (header.IsIPv6)
        {
            packet[7]--;
            return true;
        }

        ushort before = BinaryPrimitives.ReadUInt16BigEndian(packet[8..]);
        packet[8]--;
        ushort after = BinaryPrimitives.ReadUInt16BigEndian(packet[8..]);
        ushort checksum = BinaryPrimitives.ReadUInt16BigEndian(packet[10..]);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], InternetChecksum.Update(checksum, before, after));
        return true;
    }
}
