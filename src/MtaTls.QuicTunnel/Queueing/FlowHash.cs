using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MtaTls.QuicTunnel.Queueing;

/// <summary>Hashes the flow of an IP packet: addresses, protocol and ports. The random key of this process prevents an attacker from choosing flows that share a queue with another flow.</summary>
internal static class FlowHash
{
    private const byte Tcp = 6, Udp = 17;
    private static readonly ulong s_key = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8)) | 1;

    public static uint Compute(ReadOnlySpan<byte> packet)
    {
        ulong hash = s_key;
        if (packet.Length >= 40 && packet[0] >> 4 == 6)
        {
            for (int i = 8; i < 40; i += 8)
            {
                hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(packet[i..]));
            }

            // The flow label identifies the flow even if extension headers hide the ports (RFC 6437).
            uint rest = BinaryPrimitives.ReadUInt32LittleEndian(packet) & 0xFFFF0F00;
            if (packet[6] is Tcp or Udp && packet.Length >= 44)
            {
                rest ^= BinaryPrimitives.ReadUInt32LittleEndian(packet[40..]);
            }

            return Fold(Mix(hash ^ rest ^ ((ulong)packet[6] << 40)));
        }

        if (packet.Length < 20)
        {
            return 0;
        }

        hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(packet[12..]));
        int length = (packet[0] & 0xF) * 4;
        bool isFragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3FFF) != 0;
        uint ports = packet[9] is Tcp or Udp && !isFragment && packet.Length >= length + 4 ? BinaryPrimitives.ReadUInt32LittleEndian(packet[length..]) : 0;
        return Fold(Mix(hash ^ ports ^ ((ulong)packet[9] << 40)));
    }

    private static uint Fold(ulong hash) => (uint)(hash ^ (hash >> 32));

    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value, 0x9E3779B97F4A7C15UL ^ s_key, out ulong low);
        return high ^ low;
    }
}
