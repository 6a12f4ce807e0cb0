using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>The Internet checksum (RFC 1071) and its incremental update (RFC 1624).</summary>
internal static class InternetChecksum
{
    public static ushort Compute(ReadOnlySpan<byte> data, uint initial = 0)
    {
        // Adding little-endian words gives the sum of the big-endian words with its bytes swapped (RFC 1071, section 2).
        ulong sum = 0;
        if (Vector256.IsHardwareAccelerated && data.Length >= 64)
        {
            ReadOnlySpan<Vector256<uint>> vectors = MemoryMarshal.Cast<byte, Vector256<uint>>(data);
            Vector256<ulong> sums = Vector256<ulong>.Zero;
            foreach (Vector256<uint> vector in vectors)
            {
                (Vector256<ulong> lower, Vector256<ulong> upper) = Vector256.Widen(vector);
                sums += lower + upper;
            }

            sum = Vector256.Sum(sums);
            data = data[(vectors.Length * 32)..];
        }

        while (data.Length >= 4)
        {
            sum += MemoryMarshal.Read<uint>(data);
            data = data[4..];
        }

        if (data.Length >= 2)
        {
            sum += MemoryMarshal.Read<ushort>(data);
            data = data[2..];
        }

        if (!data.IsEmpty)
        {
            sum += BitConverter.IsLittleEndian ? data[0] : (uint)data[0] << 8;
        }

        ushort folded = Fold(sum);
        return (ushort)~Fold((BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(folded) : folded) + (ulong)initial);
    }

    /// <summary>Folds a sum into 16 bits.</summary>
    public static ushort Fold(ulong sum)
    {
        while (sum >> 16 != 0)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (ushort)sum;
    }

    /// <summary>Updates a checksum after one covered 16-bit word has changed (RFC 1624, equation 3).</summary>
    public static ushort Update(ushort checksum, ushort before, ushort after)
    {
        uint sum = (uint)(ushort)~checksum + (ushort)~before + after;
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }

    /// <summary>Computes the sum of a pseudo-header (RFC 793, section 3.1; RFC 8200, section 8.1), the initial value for <see cref="Compute"/>.</summary>
    public static uint PseudoHeader(ReadOnlySpan<byte> addresses, int length, byte nextHeader)
    {
        uint sum = (uint)(ushort)~Compute(addresses);
        return sum + (uint)length + nextHeader;
    }
}
