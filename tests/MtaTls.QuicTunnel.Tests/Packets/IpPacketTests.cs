using System.Buffers.Binary;
using System.Net;
using FsCheck.Xunit;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Packets;

public sealed class IpPacketTests
{
    [Fact]
    public void IPv4_with_options_is_read()
    {
        // The Router Alert option (RFC 2113), which IGMP uses.
        byte[] packet = IpPackets.Wrap("10.99.0.2", "10.99.0.1", 17, [1, 2, 3], options: [0x94, 4, 0, 0]);
        Assert.True(IpHeader.TryRead(packet, out IpHeader header));
        Assert.Equal(24, header.Length);
        Assert.Equal(IPAddress.Parse("10.99.0.2"), IpHeader.ToAddress(header.Source));
        Assert.Equal(IPAddress.Parse("10.99.0.1"), IpHeader.ToAddress(header.Destination));
        Assert.Equal(ProtocolType.IPv4, header.ProtocolType);
    }

    [Fact]
    public void IPv6_is_read()
    {
        Assert.True(IpHeader.TryRead(IpPackets.Udp("fd99::2", "fd99::1", 10), out IpHeader header));
        Assert.Equal(IPAddress.Parse("fd99::2"), IpHeader.ToAddress(header.Source));
        Assert.Equal(IPAddress.Parse("fd99::1"), IpHeader.ToAddress(header.Destination));
        Assert.Equal(ProtocolType.IPv6, header.ProtocolType);
        Assert.Equal(64, header.HopLimit);
    }

    [Theory]
    [InlineData(new byte[] { 0x83, 7, 4, 10, 0, 0, 1, 0 })] // loose source route
    [InlineData(new byte[] { 0x89, 7, 4, 10, 0, 0, 1, 0 })] // strict source route
    [InlineData(new byte[] { 0x94, 0, 0, 0 })] // an option with length 0
    [InlineData(new byte[] { 0x94, 9, 0, 0 })] // an option that is longer than the header
    [InlineData(new byte[] { 1, 1, 1, 0x94 })] // cut off
    public void Unsafe_or_broken_options_are_refused(byte[] options) =>
        Assert.False(IpHeader.TryRead(IpPackets.Wrap("10.99.0.2", "10.99.0.1", 17, [1], options: options), out _));

    [Fact]
    public void Truncated_and_overlong_packets_are_refused()
    {
        foreach (byte[] packet in new[] { IpPackets.Udp("10.99.0.2", "10.99.0.1", 20), IpPackets.Udp("fd99::2", "fd99::1", 20) })
        {
            for (int length = 0; length < packet.Length; length++)
            {
                Assert.False(IpHeader.TryRead(packet.AsSpan(0, length), out _));
            }

            Assert.False(IpHeader.TryRead([.. packet, 0], out _));
        }
    }

    [Theory]
    [InlineData(0x05)]
    [InlineData(0x55)]
    [InlineData(0xF5)]
    [InlineData(0x44)] // a header of 16 bytes
    public void Wrong_versions_and_header_lengths_are_refused(byte first)
    {
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", 20);
        packet[0] = first;
        Assert.False(IpHeader.TryRead(packet, out _));
    }

    [Fact]
    public void An_IPv4_address_cannot_be_claimed_in_an_IPv6_header()
    {
        byte[] packet = IpPackets.Udp("fd99::2", "fd99::1", 4);
        IPAddress.Parse("::ffff:10.99.0.2").GetAddressBytes().CopyTo(packet, 8);
        Assert.False(IpHeader.TryRead(packet, out _));
    }

    [Property(MaxTest = 1000)]
    public bool Any_input_is_parsed_or_refused(byte[] octets) => !IpHeader.TryRead(octets, out IpHeader header) || header.Length <= octets.Length;

    [Fact]
    public void The_checksum_matches_RFC_1071_section_3() =>
        Assert.Equal((ushort)(0xFFFF ^ 0xddf2), InternetChecksum.Compute([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]));

    [Theory]
    [InlineData("10.99.0.2", "10.99.0.1")]
    [InlineData("fd99::2", "fd99::1")]
    public void A_forwarded_packet_loses_a_hop_and_its_checksum_stays_right(string source, string destination)
    {
        for (int hops = 2; hops <= 255; hops++)
        {
            byte[] packet = IpPackets.Udp(source, destination, [9], (byte)hops);
            Assert.True(IpHeader.TryRead(packet, out IpHeader header));
            Assert.True(HopLimit.TryDecrement(packet, header));
            Assert.True(IpHeader.TryRead(packet, out header));
            Assert.Equal(hops - 1, header.HopLimit);
            if (!header.IsIPv6)
            {
                Assert.Equal(0, InternetChecksum.Compute(packet.AsSpan(0, 20)));
            }
        }
    }

    [Theory]
    [InlineData((byte)0)]
    [InlineData((byte)1)]
    public void A_packet_with_its_last_hop_is_not_forwarded(byte hops)
    {
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", [9], hops);
        Assert.True(IpHeader.TryRead(packet, out IpHeader header));
        Assert.False(HopLimit.TryDecrement(packet, header));
    }

    [Fact]
    public void Fragmentation_needed_RFC_1191_section_4()
    {
        byte[] packet = IpPackets.Udp("10.99.0.1", "10.99.0.2", 1400);
        IpHeader.TryRead(packet, out IpHeader header);
        Span<byte> error = new byte[IcmpError.MaxLength];
        error = error[..IcmpError.WriteTooBig(packet, header, 1240, error)];
        Assert.True(IpHeader.TryRead(error, out IpHeader icmp));
        Assert.Equal(576, error.Length);
        Assert.Equal(header.Source, icmp.Destination);
        Assert.Equal(1, icmp.Protocol);
        Assert.Equal(3, error[20]);
        Assert.Equal(4, error[21]);
        Assert.Equal(1240, BinaryPrimitives.ReadUInt16BigEndian(error[26..]));
        Assert.Equal(0, InternetChecksum.Compute(error[..20]));
        Assert.Equal(0, InternetChecksum.Compute(error[20..]));
        Assert.True(error[28..].SequenceEqual(packet.AsSpan(0, 576 - 28)));
    }

    [Fact]
    public void Packet_too_big_RFC_4443_section_3_2()
    {
        byte[] packet = IpPackets.Udp("fd99::1", "fd99::2", 1400);
        IpHeader.TryRead(packet, out IpHeader header);
        Span<byte> error = new byte[IcmpError.MaxLength];
        error = error[..IcmpError.WriteTooBig(packet, header, 1280, error)];
        Assert.True(IpHeader.TryRead(error, out IpHeader icmp));
        Assert.Equal(1280, error.Length);
        Assert.Equal(header.Source, icmp.Destination);
        Assert.Equal(2, error[40]);
        Assert.Equal(0, error[41]);
        Assert.Equal(1280u, BinaryPrimitives.ReadUInt32BigEndian(error[44..]));
        // The pseudo-header: both addresses, the length, the next header.
        byte[] pseudo = [.. error[8..40], 0, 0, 0x04, 0xD8, 0, 0, 0, 58, .. error[40..]];
        Assert.Equal(0, InternetChecksum.Compute(pseudo));
    }

    [Fact]
    public void No_error_is_sent_for_an_error_a_fragment_or_a_multicast_packet()
    {
        Span<byte> error = new byte[IcmpError.MaxLength];
        foreach (byte[] packet in new[]
        {
            IpPackets.Wrap("10.99.0.1", "10.99.0.2", 1, [3, 4, 0, 0, 0, 0, 0, 0]),
            IpPackets.Wrap("fd99::1", "fd99::2", 58, [2, 0, 0, 0, 0, 0, 0, 0]),
            IpPackets.Udp("10.99.0.1", "224.0.0.1", 4),
            IpPackets.Udp("fd99::1", "ff02::1", 4),
        })
        {
            Assert.True(IpHeader.TryRead(packet, out IpHeader header));
            Assert.Equal(0, IcmpError.WriteTooBig(packet, header, 1280, error));
        }

        byte[] fragment = IpPackets.Udp("10.99.0.1", "10.99.0.2", 40);
        fragment[7] = 5;
        IpHeader.TryRead(fragment, out IpHeader later);
        Assert.Equal(0, IcmpError.WriteTooBig(fragment, later, 1280, error));
        byte[] echo = IpPackets.Wrap("10.99.0.1", "10.99.0.2", 1, [8, 0, 0, 0, 0, 0, 0, 0]);
        IpHeader.TryRead(echo, out IpHeader request);
        Assert.NotEqual(0, IcmpError.WriteTooBig(echo, request, 1280, error));
    }
}
