using System.Runtime.InteropServices;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>The header before each packet of a TUN device (virtio_net_hdr). It tells whether the packet consists of several merged packets, and whether its checksum is incomplete.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OffloadHeader
{
    public const int Size = 10;

    public const byte NeedsChecksum = 1;
    public const byte None = 0, TcpIPv4 = 1, TcpIPv6 = 4, Udp = 5, CongestionFlag = 0x80;

    public byte Flags;
    public byte Kind;
    public ushort HeaderLength;

    /// <summary>The payload size of each merged packet, in bytes. The last one may be smaller.</summary>
    public ushort SegmentSize;

    /// <summary>Where the bytes that the checksum covers begin: at the TCP or UDP header.</summary>
    public ushort ChecksumStart;

    /// <summary>The offset of the checksum field from <see cref="ChecksumStart"/>.</summary>
    public ushort ChecksumOffset;
}
