using System.Buffers.Binary;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>
/// Merges consecutive packets of a flow, as a network card does (GRO). The host then reads and processes them as one packet. A packet is merged only if its checksum is right,
/// because the host does not check it again. Not thread-safe.
/// </summary>
internal sealed class PacketMerger(bool mergesUdp)
{
    private const int MaxPiece = ushort.MaxValue, MaxUdpPackets = 64;
    private const byte Tcp = 6, Udp = 17, Acknowledge = 0x10, Push = 8;
    private const int DontFragment = 0x4000;

    // The offload header, then the merged packet.
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(OffloadHeader.Size + MaxPiece, pinned: true);
    private Shape _shape;
    private int _length, _lastPayload;
    private uint _nextSequence;

    /// <summary>The number of packets that are merged.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a packet. False if it cannot be merged with the packets before it.</summary>
    public bool TryAdd(ReadOnlySpan<byte> packet)
    {
        if (!TryRead(packet, out Shape shape))
        {
            return false;
        }

        if (Count == 0)
        {
            packet.CopyTo(_buffer.AsSpan(OffloadHeader.Size));
            (_shape, _length, _lastPayload, Count) = (shape, packet.Length, packet.Length - shape.Header, 1);
            _nextSequence = shape.Sequence + (uint)_lastPayload;
            return true;
        }

        int payload = packet.Length - shape.Header, size = _shape.Payload;
        if (shape.Header != _shape.Header || shape.Transport != _shape.Transport || shape.IsUdp != _shape.IsUdp || _shape.IsClosed || _lastPayload < size || payload > size
            || _length + payload > MaxPiece || !IsSameFlow(packet))
        {
            return false;
        }

        if (shape.IsUdp ? Count == MaxUdpPackets : shape.Sequence != _nextSequence)
        {
            return false;
        }

        packet[shape.Header..].CopyTo(_buffer.AsSpan(OffloadHeader.Size + _length));
        _length += payload;
        _lastPayload = payload;
        _nextSequence += (uint)payload;
        _shape.IsClosed = shape.IsClosed;
        Count++;
        return true;
    }

    /// <summary>Takes the merged packet with its offload header. The span is valid until the next <see cref="TryAdd"/>.</summary>
    public ReadOnlySpan<byte> Take()
    {
        Span<byte> piece = _buffer.AsSpan(OffloadHeader.Size, _length);
        OffloadHeader header = default;
        if (Count > 1)
        {
            Shape shape = _shape;
            PacketCutter.WriteLengths(piece, shape.Transport, shape.IsIPv6, shape.IsIPv6 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(piece[4..]));
            if (shape.IsUdp)
            {
                BinaryPrimitives.WriteUInt16BigEndian(piece[(shape.Transport + 4)..], (ushort)(_length - shape.Transport));
            }
            else if (shape.IsClosed)
            {
                piece[shape.Transport + 13] |= Push;
            }

            // The kernel computes the rest of the checksum if it is needed.
            int field = shape.IsUdp ? 6 : 16;
            uint sum = PacketCutter.PseudoHeader(piece, shape.Transport, shape.IsIPv6, shape.IsUdp);
            BinaryPrimitives.WriteUInt16BigEndian(piece[(shape.Transport + field)..], InternetChecksum.Fold(sum));
            header = new OffloadHeader
            {
                Flags = OffloadHeader.NeedsChecksum,
                Kind = shape.IsUdp ? OffloadHeader.Udp : shape.IsIPv6 ? OffloadHeader.TcpIPv6 : OffloadHeader.TcpIPv4,
                HeaderLength = (ushort)shape.Header,
                SegmentSize = (ushort)shape.Payload,
                ChecksumStart = (ushort)shape.Transport,
                ChecksumOffset = (ushort)field,
            };
        }

        System.Runtime.InteropServices.MemoryMarshal.Write(_buffer, header);
        Count = 0;
        return _buffer.AsSpan(0, OffloadHeader.Size + _length);
    }

    private bool TryRead(ReadOnlySpan<byte> packet, out Shape shape)
    {
        shape = default;
        if (packet.Length < 28)
        {
            return false;
        }

        byte protocol;
        if (packet[0] == 0x45)
        {
            protocol = packet[9];
            shape.Transport = 20;
            if ((BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & ~DontFragment) != 0)
            {
                return false; // A fragment.
            }
        }
        else if (packet[0] >> 4 == 6 && packet.Length >= 48)
        {
            protocol = packet[6];
            shape.Transport = 40;
            shape.IsIPv6 = true;
        }
        else
        {
            return false;
        }

        ReadOnlySpan<byte> segment = packet[shape.Transport..];
        if (protocol == Udp && mergesUdp)
        {
            shape.IsUdp = true;
            shape.Header = shape.Transport + 8;
            if (BinaryPrimitives.ReadUInt16BigEndian(segment[4..]) != segment.Length || BinaryPrimitives.ReadUInt16BigEndian(segment[6..]) == 0)
            {
                return false;
            }
        }
        else if (protocol == Tcp && segment.Length > 20)
        {
            // Only data segments are merged. Segments that open, close or reset a connection, or signal congestion, go alone.
            shape.Header = shape.Transport + ((segment[12] >> 4) * 4);
            if ((segment[13] & ~Push) != Acknowledge || segment[12] >> 4 < 5)
            {
                return false;
            }

            shape.IsClosed = (segment[13] & Push) != 0;
            shape.Sequence = BinaryPrimitives.ReadUInt32BigEndian(segment[4..]);
        }
        else
        {
            return false;
        }

        shape.Payload = packet.Length - shape.Header;
        return shape.Payload > 0 && InternetChecksum.Compute(segment, PacketCutter.PseudoHeader(packet, shape.Transport, shape.IsIPv6, shape.IsUdp)) == 0;
    }

    private bool IsSameFlow(ReadOnlySpan<byte> packet)
    {
        ReadOnlySpan<byte> first = _buffer.AsSpan(OffloadHeader.Size, _shape.Header);
        // IP: all fields except lengths, id and checksum must be equal.
        bool same = _shape.IsIPv6
            ? packet[..4].SequenceEqual(first[..4]) && packet[6..40].SequenceEqual(first[6..40])
            : packet[1] == first[1] && packet[6..10].SequenceEqual(first[6..10]) && packet[12..20].SequenceEqual(first[12..20]);
        int transport = _shape.Transport;
        if (!same || !packet.Slice(transport, 4).SequenceEqual(first.Slice(transport, 4)))
        {
            return false;
        }

        // TCP: acknowledgement, window and options must be equal.
        return _shape.IsUdp
            || (packet.Slice(transport + 8, 5).SequenceEqual(first.Slice(transport + 8, 5))
                && packet.Slice(transport + 14, 2).SequenceEqual(first.Slice(transport + 14, 2))
                && packet[(transport + 20).._shape.Header].SequenceEqual(first[(transport + 20)..]));
    }

    private struct Shape
    {
        public int Transport, Header, Payload;
        public uint Sequence;
        public bool IsIPv6, IsUdp;

        /// <summary>Whether no packet may follow, because the sender set PSH.</summary>
        public bool IsClosed;
    }
}
