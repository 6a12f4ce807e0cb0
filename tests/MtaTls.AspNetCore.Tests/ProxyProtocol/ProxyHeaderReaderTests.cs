using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using System.Text;
using MtaTls.AspNetCore.ProxyProtocol;

namespace MtaTls.AspNetCore.Tests.ProxyProtocol;

/// <summary>Headers of the PROXY protocol, byte by byte (proxy-protocol.txt, sections 2.1 and 2.2).</summary>
public sealed class ProxyHeaderReaderTests
{
    private static readonly byte[] s_signature = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "192.0.2.1:56324", "198.51.100.2:443")]
    [InlineData("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", "255.255.255.255:65535")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 0 1\r\n", "[2001:db8::1]:0", "[2001:db8::2]:1")]
    [InlineData("PROXY UNKNOWN\r\n", null, null)]
    [InlineData("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", null, null)]
    public void A_header_of_version_1_is_read(string text, string? source, string? destination)
    {
        ProxyHeader header = Read(Encoding.ASCII.GetBytes(text));
        Assert.Equal((1, false, source, destination), (header.Version, header.IsLocal, header.SourceEndPoint?.ToString(), header.DestinationEndPoint?.ToString()));
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 1\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1  198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.01 198.51.100.2 56324 443\r\n")]
    [InlineData("PROXY TCP4 2001:db8::1 2001:db8::2 1 1\r\n")]
    [InlineData("PROXY TCP6 192.0.2.1 198.51.100.2 1 1\r\n")]
    [InlineData("PROXY TCP6 fe80::1%eth0 2001:db8::2 1 1\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 0443 443\r\n")]
    [InlineData("PROXY TCP4\r\n")]
    [InlineData("PROXY \r\n")]
    [InlineData("PROXY tcp4 192.0.2.1 198.51.100.2 1 1\r\n")]
    [InlineData("PROXY UDP4 192.0.2.1 198.51.100.2 1 1\r\n")]
    public void An_invalid_header_of_version_1_is_refused(string text)
        => Assert.Equal(ProxyHeaderStatus.Invalid, Status(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void A_line_that_does_not_end_is_too_long()
    {
        Assert.Equal(ProxyHeaderStatus.NeedMore, Status(Encoding.ASCII.GetBytes("PROXY UNKNOWN ".PadRight(106, 'x'))));
        Assert.Equal(ProxyHeaderStatus.TooLong, Status(Encoding.ASCII.GetBytes("PROXY UNKNOWN ".PadRight(107, 'x'))));
    }

    [Fact]
    public void Addresses_and_TLVs_of_version_2_are_read()
    {
        byte[] tlvs = [.. Tlv(0x01, "h2"), .. Tlv(0x02, "app.example"), .. Tlv(0xE0, ""), .. Tlv(0x05, "id-7"), .. Tlv(0xE0, "second")];
        ProxyHeader header = Read(V2(0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 0x01, 0xBB, .. tlvs]));
        Assert.Equal((2, false, "192.0.2.1:56324", "198.51.100.2:443"), (header.Version, header.IsLocal, header.SourceEndPoint!.ToString(), header.DestinationEndPoint!.ToString()));
        Assert.Equal("h2"u8, header.ApplicationProtocol.Span);
        Assert.Equal("app.example", header.Authority);
        Assert.Equal("id-7"u8, header.UniqueId.Span);
        Assert.True(header.TryGetTlv(0xE0, out ReadOnlyMemory<byte> first) && first.IsEmpty);
        Assert.False(header.TryGetTlv(0xE1, out _));

        header = Read(V2(0x21, 0x21, [.. IPAddress.Parse("2001:db8::1").GetAddressBytes(), .. IPAddress.Parse("2001:db8::2").GetAddressBytes(), 0, 1, 0, 2]));
        Assert.Equal(("[2001:db8::1]:1", "[2001:db8::2]:2"), (header.SourceEndPoint!.ToString(), header.DestinationEndPoint!.ToString()));
    }

    [Theory]
    [InlineData(0x21, 0x00, 0)] // UNSPEC
    [InlineData(0x21, 0x01, 0)]
    [InlineData(0x21, 0x10, 12)] // an unspecified protocol
    [InlineData(0x21, 0x31, 216)] // Unix
    public void Without_an_address_in_the_header_the_connection_keeps_its_own(byte command, byte family, int length)
    {
        ProxyHeader header = Read(V2(command, family, new byte[length]));
        Assert.Equal((false, (IPEndPoint?)null, (IPEndPoint?)null), (header.IsLocal, header.SourceEndPoint, header.DestinationEndPoint));
    }

    [Theory]
    [InlineData(0x00, 0)]
    [InlineData(0x11, 0)]
    [InlineData(0x11, 12)]
    [InlineData(0x11, 5)]
    [InlineData(0xFF, 3)]
    public void The_addresses_of_a_LOCAL_header_are_ignored(byte family, int length)
    {
        ProxyHeader header = Read(V2(0x20, family, [.. Enumerable.Repeat((byte)0xFF, length)]));
        Assert.Equal((true, (IPEndPoint?)null), (header.IsLocal, header.SourceEndPoint));
    }

    [Theory]
    [InlineData(0x11, 0x11, 12)] // version 1 in binary
    [InlineData(0x22, 0x11, 12)] // an unknown command
    [InlineData(0x21, 0x12, 12)] // datagrams
    [InlineData(0x21, 0x41, 12)] // an unknown family
    [InlineData(0x21, 0x11, 11)] // addresses cut off
    [InlineData(0x21, 0x21, 35)]
    [InlineData(0x21, 0x11, 14)] // a TLV cut off
    public void An_invalid_header_of_version_2_is_refused(byte command, byte family, int length)
        => Assert.Equal(ProxyHeaderStatus.Invalid, Status(V2(command, family, new byte[length])));

    [Fact]
    public void A_TLV_longer_than_the_header_makes_it_invalid()
        => Assert.Equal(ProxyHeaderStatus.Invalid, Status(V2(0x21, 0x11, [.. new byte[12], 0x02, 0, 2, 1])));

    [Fact]
    public void A_wrong_checksum_makes_the_header_invalid()
    {
        byte[] header = V2(0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 2, 0, 1, 0, 2, .. Tlv(0x03, "\0\0\0\0")]);
        uint crc = ~header.Aggregate(uint.MaxValue, BitOperations.Crc32C);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(^4), crc);
        Assert.Equal(ProxyHeaderStatus.Complete, Status(header));
        header[20] ^= 1;
        Assert.Equal(ProxyHeaderStatus.Invalid, Status(header));
        Assert.Equal(ProxyHeaderStatus.Invalid, Status(V2(0x21, 0x11, [.. new byte[12], .. Tlv(0x03, "123")])));
    }

    [Fact]
    public void A_header_is_refused_as_too_long_by_its_length_field()
    {
        Assert.Equal(ProxyHeaderStatus.TooLong, Status([.. s_signature, 0x21, 0x11, 0xFF, 0xFF]));
        byte[] longest = V2(0x21, 0x00, [0xE0, .. Length(2048 - 19), .. new byte[2048 - 19]]);
        Assert.Equal((2048, ProxyHeaderStatus.Complete), (longest.Length, Status(longest)));
        Assert.Equal(ProxyHeaderStatus.TooLong, Status(V2(0x21, 0x00, [0xE0, .. Length(2048 - 18), .. new byte[2048 - 18]])));
    }

    [Theory]
    [InlineData("\u0016\u0003\u0001")] // a ClientHello
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PROXI")]
    [InlineData("\r\n\r\n\r")]
    public void Bytes_that_are_no_header_are_recognized_at_the_first_different_byte(string text) => Assert.Equal(ProxyHeaderStatus.Absent, Status(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void A_header_in_any_pieces_is_read_the_same_and_later_bytes_are_no_part_of_it()
    {
        byte[][] headers = [Encoding.ASCII.GetBytes("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n"), V2(0x21, 0x11, [192, 0, 2, 1, 198, 51, 100, 2, 0, 1, 0, 2, .. Tlv(0x02, "x")]), V2(0x20, 0, [])];
        foreach (byte[] header in headers)
        {
            for (int length = 0; length < header.Length; length++)
            {
                Assert.Equal(ProxyHeaderStatus.NeedMore, Status(header[..length]));
            }

            byte[] more = [.. header, .. header];
            Assert.Equal(ProxyHeaderStatus.Complete, ProxyHeaderReader.TryRead(new(more), 2048, out _, out int read));
            Assert.Equal(header.Length, read);
        }
    }

    private static byte[] V2(byte command, byte family, byte[] rest) => [.. s_signature, command, family, .. Length(rest.Length), .. rest];

    private static byte[] Tlv(byte type, string value) => [type, .. Length(value.Length), .. Encoding.ASCII.GetBytes(value)];

    private static byte[] Length(int length) => [(byte)(length >> 8), (byte)length];

    private static ProxyHeader Read(byte[] octets)
    {
        Assert.Equal(ProxyHeaderStatus.Complete, ProxyHeaderReader.TryRead(new(octets), 2048, out ProxyHeader? header, out int length));
        Assert.Equal(octets.Length, length);
        return header!;
    }

    private static ProxyHeaderStatus Status(byte[] octets) => ProxyHeaderReader.TryRead(new(octets), 2048, out _, out _);
}
