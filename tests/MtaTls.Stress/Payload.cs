using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MtaTls.Stress;

/// <summary>A sequence of bytes that its seed determines, so that both ends know every byte.</summary>
internal struct Payload(long seed, long length)
{
    private long _position;

    public readonly long Left => length - _position;

    /// <summary>Writes the next bytes and returns their number.</summary>
    public int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, Left);
        Span<byte> word = stackalloc byte[8];
        for (int i = 0; i < count;)
        {
            int skip = (int)(_position & 7);
            ulong value = Word(_position >> 3);
            if (skip == 0 && count - i >= 8)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(buffer[i..], value);
                i += 8;
                _position += 8;
                continue;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(word, value);
            int part = Math.Min(8 - skip, count - i);
            word.Slice(skip, part).CopyTo(buffer[i..]);
            i += part;
            _position += part;
        }

        return count;
    }

    /// <summary>Returns the SHA-256 of the whole sequence.</summary>
    public static string Hash(long seed, long length)
    {
        Payload payload = new(seed, length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> buffer = stackalloc byte[8192];
        for (int count; (count = payload.Read(buffer)) > 0;)
        {
            hash.AppendData(buffer[..count]);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    public static byte[] ToArray(long seed, int length)
    {
        byte[] octets = new byte[length];
        new Payload(seed, length).Read(octets);
        return octets;
    }

    private readonly ulong Word(long index)
    {
        ulong x = (ulong)seed * 0xD1B54A32D192ED03 + (ulong)index * 0x9E3779B97F4A7C15;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        return x ^ x >> 31;
    }
}
