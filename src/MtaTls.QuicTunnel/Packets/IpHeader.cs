using System.Buffers.Binary;
using System.Net;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>The fields of an IPv4 or IPv6 header that the tunnel uses. Addresses have 128 bits; an IPv4 address is mapped to IPv6 (::ffff:0:0/96).</summary>
internal readonly struct IpHeader
{
    private const int IPv4MinLength = 20;
    private const int IPv6Length = 40;
    private static readonly UInt128 s_mappedPrefix = new(0, 0xFFFF_0000_0000);

    private IpHeader(bool isIPv6, int length, UInt128 source, UInt128 destination, byte hopLimit, byte protocol, int fragmentOffset)
    {
        IsIPv6 = isIPv6;
        Length = length;
        Source = source;
        Destination = destination;
        HopLimit = hopLimit;
        Protocol = protocol;
        FragmentOffset = fragmentOffset;
    }

    public bool IsIPv6 { get; }

    public int Length { get; }

    public UInt128 Source { get; }

    public UInt128 Destination { get; }

    public byte HopLimit { get; }

    /// <summary>The protocol (IPv4) or the first next header (IPv6).</summary>
    public byte Protocol { get; }

    public int FragmentOffset { get; }

    public ushort ProtocolType => IsIPv6 ? Packets.ProtocolType.IPv6 : Packets.ProtocolType.IPv4;

    /// <summary>
    /// Reads a header. False if the packet is not a valid IP packet: it has another version, or not the length in its header, or malformed or source-routing
    /// options (RFC 7126, sections 4.3 and 4.4), or an IPv4-mapped address in an IPv6 header.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> packet, out IpHeader header)
    {
        header = default;
        if (packet.IsEmpty)
        {
            return false;
        }

        return (packet[0] >> 4) switch
        {
            4 => TryReadIPv4(packet, out header),
            6 => TryReadIPv6(packet, out header),
            _ => false,
        };
    }

    public static UInt128 ToUInt128(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        return written == 4 ? MapIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes)) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    public static IPAddress ToAddress(UInt128 address)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        return IsMappedIPv4(address) ? new IPAddress(bytes[12..]) : new IPAddress(bytes);
    }

    public static bool IsMappedIPv4(UInt128 address) => address >> 32 == 0xFFFF;

    /// <summary>Whether a packet from or to this address stays on its link: unspecified, link-local, loopback, multicast or broadcast.</summary>
    public static bool IsLinkScoped(UInt128 address)
    {
        if (IsMappedIPv4(address))
        {
            uint value = (uint)address;
            return value >> 28 == 0xE || value >> 24 is 0 or 127 || value == uint.MaxValue || value >> 16 == 0xA9FE;
        }

        return address >> 120 == 0xFF || address >> 118 == 0x3FA || address <= 1;
    }

    private static bool TryReadIPv4(ReadOnlySpan<byte> packet, out IpHeader header)
    {
        header = default;
        if (packet.Length < IPv4MinLength)
        {
            return false;
        }

        int length = (packet[0] & 0xF) * 4;
        ushort total = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (length < IPv4MinLength || total < length || total != packet.Length)
        {
            return false;
        }

        if (length > IPv4MinLength && !AreOptionsSafe(packet[IPv4MinLength..length]))
        {
            return false;
        }

        header = new IpHeader(
            isIPv6: false,
            length,
            MapIPv4(BinaryPrimitives.ReadUInt32BigEndian(packet[12..])),
            MapIPv4(BinaryPrimitives.ReadUInt32BigEndian(packet[16..])),
            packet[8],
            packet[9],
            (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1FFF) * 8);
        return true;
    }

    private static bool TryReadIPv6(ReadOnlySpan<byte> packet, out IpHeader header)
    {
        header = default;
        if (packet.Length < IPv6Length || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) + IPv6Length != packet.Length)
        {
            return false;
        }

        UInt128 source = BinaryPrimitives.ReadUInt128BigEndian(packet[8..]);
        UInt128 destination = BinaryPrimitives.ReadUInt128BigEndian(packet[24..]);
        // Such addresses must not occur on the wire. Here one would be taken for the IPv4 address that it contains.
        if (IsMappedIPv4(source) || IsMappedIPv4(destination))
        {
            return false;
        }

        header = new IpHeader(isIPv6: true, IPv6Length, source, destination, packet[7], packet[6], 0);
        return true;
    }

    private static bool AreOptionsSafe(ReadOnlySpan<byte> options)
    {
        const byte End = 0, NoOperation = 1, LooseSourceRoute = 131, StrictSourceRoute = 137;
        while (!options.IsEmpty && options[0] != End)
        {
            if (options[0] == NoOperation)
            {
                options = options[1..];
                continue;
            }

            if (options[0] is LooseSourceRoute or StrictSourceRoute || options.Length < 2 || options[1] < 2 || options[1] > options.Length)
            {
                return false;
            }

            options = options[options[1]..];
        }

        return true;
    }

    private static UInt128 MapIPv4(uint address) => s_mappedPrefix | address;
}
