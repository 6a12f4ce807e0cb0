using System.Buffers.Binary;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>The checksum of RFC 1071 and its update of RFC 1624.</summary>
internal static class InternetChecksum
{
    public static ushort Compute(ReadOnlySpan<byte> data, uint initial = 0)
    {
        ulong sum = initial;
        while (data.Length >= 4)
        {
            sum += BinaryPrimitives.ReadUInt32BigEndian(data);
            data = data[4..];
        }

        if (data.Length >= 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(data);
            data = data[2..];
        }

        if (!data.IsEmpty)
        {
            sum += (uint)data[0] << 8;
        }

        while (sum >> 16 != 0)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (ushort)~sum;
    }

    /// <summary>The checksum after one 16-bit word of what it covers has changed (RFC 1624, equation 3).</summary>
    public static ushort Update(ushort checksum, ushort before, ushort after)
    {
        uint sum = (uint)(ushort)~checksum + (ushort)~before + after;
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }

    /// <summary>The sum of an IPv6 pseudo-header (RFC 8200, section 8.1), to start <see cref="Compute"/> with.</summary>
    public static uint PseudoHeaderIPv6(ReadOnlySpan<byte> addresses, int length, byte nextHeader)
    {
        uint sum = (uint)(ushort)~Compute(addresses);
        return sum + (uint)length + nextHeader;
    }
}
