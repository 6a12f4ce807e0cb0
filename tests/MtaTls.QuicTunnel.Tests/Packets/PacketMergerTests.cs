using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Packets;

/// <summary>Packets that are merged for the host, and merged packets of the host that are split.</summary>
public class PacketMergerTests
{
    private const byte Acknowledge = 0x10, Push = 8, Fin = 1;

    [Theory]
    [InlineData("10.99.0.1", "10.99.0.2", 6, 1240, 40)]
    [InlineData("fd99::1", "fd99::2", 6, 1200, 54)]
    [InlineData("10.99.0.1", "10.99.0.2", 17, 64, 64)]
    [InlineData("fd99::1", "fd99::2", 17, 1200, 50)]
    public void Consecutive_packets_are_merged_and_split_into_the_same_packets(string source, string destination, byte protocol, int payload, int count)
    {
        byte[][] packets = [.. Enumerable.Range(0, count).Select(i => Make(source, destination, protocol, i, i == count - 1 ? payload / 2 : payload, payload))];
        if (protocol == 6)
        {
            SetFlags(packets[^1], Acknowledge | Push);
        }

        var merger = new PacketMerger(mergesUdp: true);
        Assert.All(packets, packet => Assert.True(merger.TryAdd(packet)));
        Assert.Equal(count, merger.Count);
        byte[] piece = merger.Take().ToArray();
        Assert.Equal(0, merger.Count);
        Assert.Equal(OffloadHeader.Size + packets[0].Length - payload + packets.Sum(packet => packet.Length - (packets[0].Length - payload)), piece.Length);
        AssertSame(packets, Cut(piece));
    }

    [Fact]
    public void A_single_packet_is_not_changed()
    {
        byte[] packet = Make("10.99.0.1", "10.99.0.2", 6, 0, 100, 100);
        var merger = new PacketMerger(mergesUdp: true);
        Assert.True(merger.TryAdd(packet));
        byte[] piece = merger.Take().ToArray();
        Assert.Equal(new byte[OffloadHeader.Size], piece[..OffloadHeader.Size]);
        Assert.Equal(packet, piece[OffloadHeader.Size..]);
    }

    [Fact]
    public void Packets_that_differ_in_more_than_data_are_not_merged()
    {
        byte[] Next(Action<byte[]>? change = null, int index = 1, int payload = 1000)
        {
            byte[] packet = Make("10.99.0.1", "10.99.0.2", 6, index, payload, 1000);
            change?.Invoke(packet);
            Sign(packet);
            return packet;
        }

        AssertApart(Next(packet => packet[33] = Acknowledge | Fin));
        AssertApart(Next(packet => packet[33] = Acknowledge | 0x80)); // A congestion signal (CWR).
        AssertApart(Next(packet => packet[29] ^= 1)); // Another acknowledgement.
        AssertApart(Next(packet => packet[35] ^= 1)); // Another window.
        AssertApart(Next(packet => packet[21] ^= 1)); // Another port.
        AssertApart(Next(packet => packet[1] = 3)); // Congestion was experienced.
        AssertApart(Next(packet => packet[8] = 1)); // Another hop limit.
        AssertApart(Next(packet => packet[6] = 0x20)); // A fragment.
        AssertApart(Next(index: 2)); // One is missing.
        AssertApart(Next(payload: 1001)); // A larger packet.
        AssertApart(Make("10.99.0.1", "10.99.0.2", 17, 1, 1000, 1000));
        byte[] wrong = Next();
        wrong[100] ^= 1;
        AssertApart(wrong);

        static void AssertApart(byte[] packet)
        {
            var merger = new PacketMerger(mergesUdp: true);
            Assert.True(merger.TryAdd(Make("10.99.0.1", "10.99.0.2", 6, 0, 1000, 1000)));
            Assert.False(merger.TryAdd(packet));
            Assert.Equal(1, merger.Count);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_packet_is_merged_after_a_smaller_packet_or_one_with_PSH(bool pushes)
    {
        var merger = new PacketMerger(mergesUdp: true);
        Assert.True(merger.TryAdd(Make("10.99.0.1", "10.99.0.2", 6, 0, 1000, 1000)));
        byte[] last = Make("10.99.0.1", "10.99.0.2", 6, 1, pushes ? 1000 : 999, 1000);
        if (pushes)
        {
            SetFlags(last, Acknowledge | Push);
        }

        Assert.True(merger.TryAdd(last));
        byte[] next = Make("10.99.0.1", "10.99.0.2", 6, 2, 1000, 1000);
        if (!pushes)
        {
            BinaryPrimitives.WriteUInt32BigEndian(next.AsSpan(24), 7 + 1999);
            Sign(next);
        }

        Assert.False(merger.TryAdd(next));
    }

    [Fact]
    public void UDP_is_merged_only_if_the_kernel_supports_it() =>
        Assert.False(new PacketMerger(mergesUdp: false).TryAdd(Make("10.99.0.1", "10.99.0.2", 17, 0, 100, 100)));

    [Fact]
    public void A_merged_packet_never_exceeds_the_size_of_an_IP_packet()
    {
        var merger = new PacketMerger(mergesUdp: true);
        int count = 0;
        while (merger.TryAdd(Make("10.99.0.1", "10.99.0.2", 6, count, 1000, 1000)))
        {
            count++;
        }

        Assert.Equal(65, count);
        Assert.Equal(OffloadHeader.Size + 40 + 65_000, merger.Take().Length);
    }

    [Fact]
    public void An_incomplete_checksum_is_computed()
    {
        byte[] packet = Make("10.99.0.1", "10.99.0.2", 17, 0, 101, 101);
        byte[] unfinished = [.. packet];
        BinaryPrimitives.WriteUInt16BigEndian(unfinished.AsSpan(26), InternetChecksum.Fold(PacketCutter.PseudoHeader(packet, 20, isIPv6: false, isUdp: true)));
        byte[] piece = [.. Header(new OffloadHeader { Flags = OffloadHeader.NeedsChecksum, ChecksumStart = 20, ChecksumOffset = 6 }), .. unfinished];
        AssertSame([packet], Cut(piece));
    }

    [Theory]
    [InlineData(OffloadHeader.TcpIPv4, 0, 20)] // No segment size.
    [InlineData(OffloadHeader.TcpIPv4, 100, 0)] // No IP header.
    [InlineData(OffloadHeader.TcpIPv4, 100, 1100)] // Beyond the end.
    [InlineData(OffloadHeader.Udp, 100, 1100)]
    [InlineData(3, 100, 20)] // An unknown kind.
    public void A_merged_packet_with_an_invalid_header_is_refused(byte kind, ushort size, ushort start)
    {
        byte[] packet = Make("10.99.0.1", "10.99.0.2", 6, 0, 1000, 1000);
        var header = new OffloadHeader { Flags = OffloadHeader.NeedsChecksum, Kind = kind, SegmentSize = size, ChecksumStart = start, ChecksumOffset = 16 };
        var taken = new Taken();
        Assert.False(PacketCutter.Cut(packet, header, taken, null));
        Assert.Empty(taken.Packets);
    }

    [Fact]
    public void The_checksum_equals_a_sum_word_by_word()
    {
        byte[] data = new byte[300];
        new Random(1).NextBytes(data);
        for (int length = 0; length <= data.Length; length++)
        {
            ulong sum = 0x1234;
            for (int i = 0; i < length; i++)
            {
                sum += (ulong)data[i] << (i % 2 == 0 ? 8 : 0);
            }

            Assert.Equal((ushort)~InternetChecksum.Fold(sum), InternetChecksum.Compute(data.AsSpan(0, length), 0x1234));
        }
    }

    private static byte[] Make(string source, string destination, byte protocol, int index, int payload, int size)
    {
        byte[] segment = new byte[(protocol == 6 ? 20 : 8) + payload];
        BinaryPrimitives.WriteUInt16BigEndian(segment, 4000);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), 5000);
        if (protocol == 6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(4), (uint)(7 + (index * size)));
            segment[11] = 9;
            segment[12] = 5 << 4;
            segment[13] = Acknowledge;
            segment[15] = 200;
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(4), (ushort)segment.Length);
        }

        for (int i = segment.Length - payload; i < segment.Length; i++)
        {
            segment[i] = (byte)((index * 31) + i);
        }

        byte[] packet = IpPackets.Wrap(source, destination, protocol, segment);
        if (packet[0] >> 4 == 4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(100 + index));
        }

        Sign(packet);
        return packet;
    }

    private static void Sign(byte[] packet)
    {
        bool isIPv6 = packet[0] >> 4 == 6;
        int transport = isIPv6 ? 40 : 20;
        bool isUdp = packet[isIPv6 ? 6 : 9] == 17;
        Span<byte> field = packet.AsSpan(transport + (isUdp ? 6 : 16), 2);
        field.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(field, InternetChecksum.Compute(packet.AsSpan(transport), PacketCutter.PseudoHeader(packet, transport, isIPv6, isUdp)));
        if (!isIPv6)
        {
            packet.AsSpan(10, 2).Clear();
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), InternetChecksum.Compute(packet.AsSpan(0, 20)));
        }
    }

    private static void SetFlags(byte[] packet, byte flags)
    {
        packet[(packet[0] >> 4 == 6 ? 40 : 20) + 13] = flags;
        Sign(packet);
    }

    private static byte[] Header(OffloadHeader header)
    {
        byte[] bytes = new byte[OffloadHeader.Size];
        MemoryMarshal.Write(bytes, header);
        return bytes;
    }

    private static List<byte[]> Cut(byte[] piece)
    {
        var taken = new Taken();
        Assert.True(PacketCutter.Cut(piece.AsSpan(OffloadHeader.Size), MemoryMarshal.Read<OffloadHeader>(piece), taken, null));
        return taken.Packets;
    }

    private static void AssertSame(IReadOnlyList<byte[]> expected, List<byte[]> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(Convert.ToHexString(expected[i]), Convert.ToHexString(actual[i]));
        }
    }

    private sealed class Taken : IPacketReceiver
    {
        public List<byte[]> Packets { get; } = [];

        public void OnPacket(ReadOnlySpan<byte> packet, SendBatch? batch) => Packets.Add(packet.ToArray());

        public void OnNotWritten(int packets) => Assert.Fail("Nothing is written.");
    }
}
