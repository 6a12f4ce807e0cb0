using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Text;

namespace MtaTls.AspNetCore.ProxyProtocol;

/// <summary>
/// Reads a header of the PROXY protocol, version 1 or 2 (haproxy.org, proxy-protocol.txt). A header with any error is refused: otherwise a part of it could be taken for data of the client.
/// </summary>
internal static class ProxyHeaderReader
{
    private const int FixedLength = 16;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    private static ReadOnlySpan<byte> TextSignature => "PROXY "u8;

    /// <summary>Reads a header.</summary>
    /// <param name="buffer">The bytes that have arrived.</param>
    /// <param name="maxLength">The longest header that is allowed.</param>
    /// <param name="header">The header, if it is complete.</param>
    /// <param name="length">Its length, if it is complete.</param>
    public static ProxyHeaderStatus TryRead(in ReadOnlySequence<byte> buffer, int maxLength, out ProxyHeader? header, out int length)
    {
        header = null;
        length = 0;
        if (buffer.IsEmpty)
        {
            return ProxyHeaderStatus.NeedMore;
        }

        // Only these bytes are checked here: later bytes may be the client's.
        int available = (int)Math.Min(buffer.Length, FixedLength);
        Span<byte> start = stackalloc byte[FixedLength];
        buffer.Slice(0, available).CopyTo(start);
        start = start[..available];
        if (StartsLike(start, Signature))
        {
            return ReadBinary(buffer, start, maxLength, out header, out length);
        }

        return StartsLike(start, TextSignature) ? ReadText(buffer, out header, out length) : ProxyHeaderStatus.Absent;
    }

    private static bool StartsLike(ReadOnlySpan<byte> start, ReadOnlySpan<byte> signature)
    {
        int common = Math.Min(start.Length, signature.Length);
        return start[..common].SequenceEqual(signature[..common]);
    }

    private static ProxyHeaderStatus ReadBinary(in ReadOnlySequence<byte> buffer, ReadOnlySpan<byte> start, int maxLength, out ProxyHeader? header, out int length)
    {
        header = null;
        length = 0;
        if (start.Length < FixedLength)
        {
            return ProxyHeaderStatus.NeedMore;
        }

        int version = start[12] >> 4, command = start[12] & 0xF, family = start[13] >> 4, protocol = start[13] & 0xF;
        if (version != 2 || command > 1)
        {
            return ProxyHeaderStatus.Invalid;
        }

        length = FixedLength + BinaryPrimitives.ReadUInt16BigEndian(start[14..]);
        if (length > maxLength)
        {
            return ProxyHeaderStatus.TooLong;
        }

        if (buffer.Length < length)
        {
            return ProxyHeaderStatus.NeedMore;
        }

        byte[] whole = buffer.Slice(0, length).ToArray();
        int tlvs = FixedLength + (family switch { 1 => 12, 2 => 36, 3 => 216, _ => 0 });
        bool hasTlvs = length >= tlvs && AreTlvs(whole.AsSpan(tlvs)) && HasValidChecksum(whole, tlvs);
        if (command == 0)
        {
            // LOCAL: the addresses are ignored and may be absent.
            header = new ProxyHeader(2, isLocal: true, tlvs: hasTlvs ? whole.AsMemory(tlvs) : default);
            return ProxyHeaderStatus.Complete;
        }

        // A TCP connection carries no datagrams, so other transport protocols are invalid.
        if (!hasTlvs || family > 3 || protocol > 1)
        {
            return ProxyHeaderStatus.Invalid;
        }

        (IPEndPoint? source, IPEndPoint? destination) = protocol == 1 ? Addresses(whole.AsSpan(FixedLength), family) : default;
        header = new ProxyHeader(2, isLocal: false, source, destination, whole.AsMemory(tlvs));
        return ProxyHeaderStatus.Complete;
    }

    /// <summary>Reads both addresses. Null for Unix sockets, whose peers have no IP address.</summary>
    private static (IPEndPoint? Source, IPEndPoint? Destination) Addresses(ReadOnlySpan<byte> addresses, int family)
    {
        int size = family switch { 1 => 4, 2 => 16, _ => 0 };
        return size == 0 ? default : (Read(addresses, 0, size, 2 * size), Read(addresses, size, size, (2 * size) + 2));

        static IPEndPoint Read(ReadOnlySpan<byte> from, int at, int size, int port) => new(new IPAddress(from.Slice(at, size)), BinaryPrimitives.ReadUInt16BigEndian(from[port..]));
    }

    private static bool AreTlvs(ReadOnlySpan<byte> tlvs)
    {
        while (!tlvs.IsEmpty)
        {
            if (tlvs.Length < 3 || tlvs.Length - 3 < BinaryPrimitives.ReadUInt16BigEndian(tlvs[1..]))
            {
                return false;
            }

            tlvs = tlvs[(3 + BinaryPrimitives.ReadUInt16BigEndian(tlvs[1..]))..];
        }

        return true;
    }

    /// <summary>Whether the TLV PP2_TYPE_CRC32C is absent or correct. It is the CRC-32C of the header with zeros in place of the value.</summary>
    private static bool HasValidChecksum(byte[] header, int tlvs)
    {
        for (int at = tlvs; at < header.Length; at += 3 + BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(at + 1)))
        {
            if (header[at] != ProxyTlv.Crc32C)
            {
                continue;
            }

            if (BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(at + 1)) != 4)
            {
                return false;
            }

            uint crc = uint.MaxValue;
            for (int i = 0; i < header.Length; i++)
            {
                crc = BitOperations.Crc32C(crc, i >= at + 3 && i < at + 7 ? (byte)0 : header[i]);
            }

            return ~crc == BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(at + 3));
        }

        return true;
    }

    /// <summary>Reads version 1: <c>PROXY TCP4 192.0.2.1 198.51.100.1 56324 443</c> and CRLF, or <c>PROXY UNKNOWN</c>, any text and CRLF.</summary>
    private static ProxyHeaderStatus ReadText(in ReadOnlySequence<byte> buffer, out ProxyHeader? header, out int length)
    {
        header = null;
        length = 0;
        int available = (int)Math.Min(buffer.Length, MtaTlsProxyProtocolOptions.LongestTextHeader);
        Span<byte> text = stackalloc byte[MtaTlsProxyProtocolOptions.LongestTextHeader];
        buffer.Slice(0, available).CopyTo(text);
        int end = text[..available].IndexOf("\r\n"u8);
        if (end < 0)
        {
            return available < MtaTlsProxyProtocolOptions.LongestTextHeader ? ProxyHeaderStatus.NeedMore : ProxyHeaderStatus.TooLong;
        }

        length = end + 2;
        Span<Range> parts = stackalloc Range[7];
        ReadOnlySpan<byte> line = text[TextSignature.Length..end];
        int space = line.IndexOf((byte)' ');
        ReadOnlySpan<byte> protocol = space < 0 ? line : line[..space];
        if (protocol.SequenceEqual("UNKNOWN"u8))
        {
            header = new ProxyHeader(1, isLocal: false);
            return ProxyHeaderStatus.Complete;
        }

        AddressFamily family = protocol.SequenceEqual("TCP4"u8) ? AddressFamily.InterNetwork : protocol.SequenceEqual("TCP6"u8) ? AddressFamily.InterNetworkV6 : AddressFamily.Unknown;
        if (family == AddressFamily.Unknown || space < 0)
        {
            return ProxyHeaderStatus.Invalid;
        }

        ReadOnlySpan<char> rest = Encoding.ASCII.GetString(line[(space + 1)..]);
        if (rest.Split(parts, ' ') != 4
            || !TryParse(rest[parts[0]], rest[parts[2]], family, out IPEndPoint? source)
            || !TryParse(rest[parts[1]], rest[parts[3]], family, out IPEndPoint? destination))
        {
            return ProxyHeaderStatus.Invalid;
        }

        header = new ProxyHeader(1, isLocal: false, source, destination);
        return ProxyHeaderStatus.Complete;
    }

    private static bool TryParse(ReadOnlySpan<char> address, ReadOnlySpan<char> port, AddressFamily family, out IPEndPoint? endPoint)
    {
        endPoint = null;

        // IPv4 must have exactly four decimal parts; IPAddress.TryParse also accepts "1" and "0x7f.1".
        bool isAddress = !address.Contains('%') && IPAddress.TryParse(address, out IPAddress? parsed) && parsed.AddressFamily == family
            && (family != AddressFamily.InterNetwork || parsed.ToString().AsSpan().SequenceEqual(address));
        bool isPort = port.Length is > 0 and <= 5 && !port.ContainsAnyExceptInRange('0', '9') && (port.Length == 1 || port[0] != '0');
        if (!isAddress || !isPort || !ushort.TryParse(port, out ushort number))
        {
            return false;
        }

        endPoint = new IPEndPoint(IPAddress.Parse(address), number);
        return true;
    }
}
