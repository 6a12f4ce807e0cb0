using System.Buffers.Binary;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>Writes the ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443) errors that the tunnel sends.</summary>
internal static class IcmpError
{
    public const int MaxLength = 1280;
    private const byte Icmp = 1;
    private const byte IcmpV6 = 58;
    private const int IcmpHeaderLength = 8;

    /// <summary>Writes "fragmentation needed" or "packet too big". Returns its length, or 0 if no error may be sent.</summary>
    public static int WriteTooBig(ReadOnlySpan<byte> packet, in IpHeader header, int mtu, Span<byte> error) =>
        header.IsIPv6 ? Write(packet, header, 2, 0, (uint)mtu, error) : Write(packet, header, 3, 4, (uint)Math.Min(mtu, ushort.MaxValue), error);

    /// <summary>Writes "time exceeded", because no hop is left. Returns its length, or 0 if no error may be sent.</summary>
    public static int WriteTimeExceeded(ReadOnlySpan<byte> packet, in IpHeader header, Span<byte> error) =>
        Write(packet, header, header.IsIPv6 ? (byte)3 : (byte)11, 0, 0, error);

    /// <summary>Writes "destination unreachable", because no path carries this protocol. Returns its length, or 0 if no error may be sent.</summary>
    public static int WriteUnreachable(ReadOnlySpan<byte> packet, in IpHeader header, Span<byte> error) =>
        Write(packet, header, header.IsIPv6 ? (byte)1 : (byte)3, 0, 0, error);

    private static int Write(ReadOnlySpan<byte> packet, in IpHeader header, byte type, byte code, uint rest, Span<byte> error)
    {
        if (!MayAnswer(packet, header))
        {
            return 0;
        }

        return header.IsIPv6 ? WriteIPv6(packet, type, code, rest, error) : WriteIPv4(packet, type, code, rest, error);
    }

    // RFC 1122, section 3.2.2, and RFC 4443, section 2.4 (e): no error to an error, to a later fragment, or to a packet that is not from and to one host.
    private static bool MayAnswer(ReadOnlySpan<byte> packet, in IpHeader header)
    {
        if (header.FragmentOffset != 0 || IpHeader.IsLinkScoped(header.Source) || IpHeader.IsLinkScoped(header.Destination))
        {
            return false;
        }

        if (packet.Length <= header.Length)
        {
            return true;
        }

        byte type = packet[header.Length];
        return header.IsIPv6 ? header.Protocol != IcmpV6 || type >= 128 : header.Protocol != Icmp || type is not (3 or 4 or 5 or 11 or 12);
    }

    // The source of the error is the packet's destination. With an address of this host as the source, the host's kernel would refuse
    // the error from the TUN device (a martian source). The sender uses the quoted packet and ignores the source.
    private static int WriteIPv4(ReadOnlySpan<byte> packet, byte type, byte code, uint rest, Span<byte> error)
    {
        const int HeaderLength = 20, QuotedMost = 576 - HeaderLength - IcmpHeaderLength;
        ReadOnlySpan<byte> quoted = packet[..Math.Min(packet.Length, QuotedMost)];
        int length = HeaderLength + IcmpHeaderLength + quoted.Length;
        Span<byte> head = error[..HeaderLength];
        head.Clear();
        head[0] = 0x45;
        head[1] = 0xC0;
        BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)length);
        head[8] = 64;
        head[9] = Icmp;
        packet.Slice(16, 4).CopyTo(head[12..]);
        packet.Slice(12, 4).CopyTo(head[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(head[10..], InternetChecksum.Compute(head));

        Span<byte> body = WriteBody(error[HeaderLength..length], type, code, rest, quoted);
        BinaryPrimitives.WriteUInt16BigEndian(body[2..], InternetChecksum.Compute(body));
        return length;
    }

    private static int WriteIPv6(ReadOnlySpan<byte> packet, byte type, byte code, uint rest, Span<byte> error)
    {
        const int HeaderLength = 40, QuotedMost = MaxLength - HeaderLength - IcmpHeaderLength;
        ReadOnlySpan<byte> quoted = packet[..Math.Min(packet.Length, QuotedMost)];
        int length = HeaderLength + IcmpHeaderLength + quoted.Length;
        Span<byte> head = error[..HeaderLength];
        head.Clear();
        head[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(head[4..], (ushort)(length - HeaderLength));
        head[6] = IcmpV6;
        head[7] = 64;
        packet.Slice(24, 16).CopyTo(head[8..]);
        packet.Slice(8, 16).CopyTo(head[24..]);

        Span<byte> body = WriteBody(error[HeaderLength..length], type, code, rest, quoted);
        uint pseudo = InternetChecksum.PseudoHeader(head[8..], body.Length, IcmpV6);
        BinaryPrimitives.WriteUInt16BigEndian(body[2..], InternetChecksum.Compute(body, pseudo));
        return length;
    }

    private static Span<byte> WriteBody(Span<byte> body, byte type, byte code, uint rest, ReadOnlySpan<byte> quoted)
    {
        body[0] = type;
        body[1] = code;
        body[2] = body[3] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(body[4..], rest);
        quoted.CopyTo(body[IcmpHeaderLength..]);
        return body;
    }
}
