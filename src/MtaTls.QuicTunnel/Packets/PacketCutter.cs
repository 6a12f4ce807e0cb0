using System.Buffers.Binary;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>Splits the merged packets from a TUN device, as a network card does (TSO), and computes their checksums.</summary>
internal static class PacketCutter
{
    private const int MaxHeader = 256;
    private const int TcpHeader = 20, UdpHeader = 8, TcpFlags = 13;
    private const byte Fin = 1, Push = 8, Reduced = 0x80;

    /// <summary>Passes each packet of a merged packet to the receiver. Headers are written in place before each payload, so payloads are not copied. False if the header is not valid.</summary>
    public static bool Cut(Span<byte> piece, in OffloadHeader header, IPacketReceiver receiver, SendBatch? batch)
    {
        byte kind = (byte)(header.Kind & ~OffloadHeader.CongestionFlag);
        if (kind == OffloadHeader.None)
        {
            if ((header.Flags & OffloadHeader.NeedsChecksum) != 0 && !TryComplete(piece, header))
            {
                return false;
            }

            receiver.OnPacket(piece, batch);
            return true;
        }

        int transport = header.ChecksumStart;
        bool isUdp = kind == OffloadHeader.Udp;
        int least = transport + (isUdp ? UdpHeader : TcpHeader);
        if (transport < TcpHeader || header.SegmentSize == 0 || piece.Length < least || kind is not (OffloadHeader.TcpIPv4 or OffloadHeader.TcpIPv6 or OffloadHeader.Udp))
        {
            return false;
        }

        int length = isUdp ? least : transport + (piece[transport + 12] >> 4) * 4;
        if (length < least || length > MaxHeader || length > piece.Length)
        {
            return false;
        }

        Span<byte> heads = stackalloc byte[length];
        piece[..length].CopyTo(heads);
        bool isIPv6 = piece[0] >> 4 == 6;
        int size = header.SegmentSize, payload = piece.Length - length;
        uint sequence = isUdp ? 0 : BinaryPrimitives.ReadUInt32BigEndian(heads[(transport + 4)..]);
        ushort id = isIPv6 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(heads[4..]);
        for (int offset = 0; offset < payload; offset += size)
        {
            bool isLast = offset + size >= payload;
            Span<byte> packet = piece.Slice(offset, length + Math.Min(size, payload - offset));
            heads.CopyTo(packet);
            WriteLengths(packet, transport, isIPv6, id++);
            if (isUdp)
            {
                BinaryPrimitives.WriteUInt16BigEndian(packet[(transport + 4)..], (ushort)(packet.Length - transport));
            }
            else
            {
                BinaryPrimitives.WriteUInt32BigEndian(packet[(transport + 4)..], sequence + (uint)offset);
                packet[transport + TcpFlags] &= (byte)~((isLast ? 0 : Fin | Push) | (offset == 0 ? 0 : Reduced));
            }

            WriteChecksum(packet, transport, isIPv6, isUdp);
            receiver.OnPacket(packet, batch);
        }

        return true;
    }

    /// <summary>Writes the lengths and the checksum of the IP header.</summary>
    public static void WriteLengths(Span<byte> packet, int transport, bool isIPv6, ushort id)
    {
        if (isIPv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packet.Length - 40));
            return;
        }

        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], id);
        packet.Slice(10, 2).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], InternetChecksum.Compute(packet[..transport]));
    }

    /// <summary>Computes the sum of the pseudo-header of a TCP or UDP packet.</summary>
    public static uint PseudoHeader(ReadOnlySpan<byte> packet, int transport, bool isIPv6, bool isUdp) =>
        InternetChecksum.PseudoHeader(isIPv6 ? packet[8..40] : packet[12..20], packet.Length - transport, isUdp ? (byte)17 : (byte)6);

    private static void WriteChecksum(Span<byte> packet, int transport, bool isIPv6, bool isUdp)
    {
        Span<byte> field = packet.Slice(transport + (isUdp ? 6 : 16), 2);
        field.Clear();
        ushort checksum = InternetChecksum.Compute(packet[transport..], PseudoHeader(packet, transport, isIPv6, isUdp));
        BinaryPrimitives.WriteUInt16BigEndian(field, isUdp && checksum == 0 ? ushort.MaxValue : checksum);
    }

    // The checksum field already holds the sum of the pseudo-header, so it is covered too.
    private static bool TryComplete(Span<byte> packet, in OffloadHeader header)
    {
        int start = header.ChecksumStart, field = start + header.ChecksumOffset;
        if (field + 2 > packet.Length)
        {
            return false;
        }

        ushort checksum = InternetChecksum.Compute(packet[start..]);
        BinaryPrimitives.WriteUInt16BigEndian(packet[field..], checksum == 0 && header.ChecksumOffset == 6 ? ushort.MaxValue : checksum);
        return true;
    }
}
