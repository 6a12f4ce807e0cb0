using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>A fast 64-bit hash with a random key of this process, so that an attacker cannot create two packets with the same hash.</summary>
internal static class PacketHash
{
    private static readonly ulong s_key = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8)) | 1;
    private static readonly ulong s_start = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));

    public static ulong Compute(ReadOnlySpan<byte> data)
    {
        ulong hash = s_start ^ (ulong)data.Length;
        while (data.Length >= 16)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(data), s_key ^ BinaryPrimitives.ReadUInt64LittleEndian(data[8..]));
            data = data[16..];
        }

        if (!data.IsEmpty)
        {
            Span<byte> tail = stackalloc byte[16];
            tail.Clear();
            data.CopyTo(tail);
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(tail), s_key ^ BinaryPrimitives.ReadUInt64LittleEndian(tail[8..]));
        }

        return Mix(hash, s_key);
    }

    private static ulong Mix(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }
}
