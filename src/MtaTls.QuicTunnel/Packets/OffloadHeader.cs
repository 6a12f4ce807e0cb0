using System.Runtime.InteropServices;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>What a TUN device says before each packet (virtio_net_hdr): whether it is several in one piece, and whether its checksum is still to be computed.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OffloadHeader
{
    public const int Size = 10;

    public const byte NeedsChecksum = 1;
    public const byte None = 0, TcpIPv4 = 1, TcpIPv6 = 4, Udp = 5, CongestionFlag = 0x80;

    public byte Flags;
    public byte Kind;
    public ushort HeaderLength;

    /// <summary>The payload of each packet in the piece; that of the last may be smaller.</summary>
    public ushort SegmentSize;

    /// <summary>Where the checksum begins to count: the TCP or UDP header.</summary>
    public ushort ChecksumStart;

    /// <summary>Where it is, from there.</summary>
    public ushort ChecksumOffset;
}
