using System.Security.Cryptography;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// Limits the first packets per second of a source: by address and port, and by address (for IPv6, the /64 prefix). Sources share the places of a table of fixed size. A random key of this process
/// prevents an attacker from choosing the source whose place it fills. For one thread only.
/// </summary>
internal sealed class SourceLimiter(int perPort, int perAddress)
{
    private const int Places = 4096;
    private const ulong Second = 1_000_000_000;
    private readonly Place[] _ports = new Place[Places];
    private readonly Place[] _addresses = new Place[Places];
    private readonly uint _key = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4));

    public bool TryTake(RawAddress source, ulong now)
    {
        uint address = Hash(_key, source.AddressOctets[..(source.IsV6 ? 8 : 4)]);
        uint port = Hash(address, source.PortOctets);
        return Take(_ports, port, perPort, now) && Take(_addresses, address, perAddress, now);
    }

    private static bool Take(Place[] places, uint hash, int limit, ulong now)
    {
        ref Place place = ref places[hash % Places];
        if (now - place.Since >= Second)
        {
            place = new Place { Since = now };
        }

        return ++place.Count <= limit;
    }

    private static uint Hash(uint start, ReadOnlySpan<byte> octets)
    {
        uint hash = start;
        foreach (byte octet in octets)
        {
            hash = (hash ^ octet) * 16777619;
            hash ^= hash >> 15;
        }

        return hash * 2654435769;
    }

    private struct Place
    {
        public ulong Since;
        public int Count;
    }
}
