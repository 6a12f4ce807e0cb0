using System.Net;

namespace MtaTls.Protocol.Tests;

/// <summary>docs/mta-tls-wire.md "Packets": which addresses are refused.</summary>
public class ChannelAddressTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("app1.internal")]
    [InlineData("my_host-2.example.")]
    [InlineData("192.0.2.1")]
    [InlineData("2001:db8::1")]
    [InlineData("::ffff:192.0.2.1")]
    [InlineData("::")]
    public void Valid(string host)
    {
        Assert.True(ChannelAddress.IsValidHost(host));
        Assert.Equal(host, new ChannelAddress(host, 1).Host);
        string? recent = null;
        Assert.True(ChannelAddress.TryCreate(System.Text.Encoding.ASCII.GetBytes(host), 1, ref recent, out ChannelAddress read));
        Assert.Equal(new ChannelAddress(host, 1), read);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData("a\0")]
    [InlineData("a\r\nX: y")]
    [InlineData("a/b")]
    [InlineData("a:80")]
    [InlineData("user@host")]
    [InlineData("[::1]")]
    [InlineData("fe80::1%eth0")]
    [InlineData("::g")]
    [InlineData(":")]
    [InlineData("bücher.example")]
    [InlineData("a\u0080")]
    public void Invalid(string host)
    {
        Assert.False(ChannelAddress.IsValidHost(host));
        Assert.Throws<ArgumentException>(() => new ChannelAddress(host, 1));
        string? recent = null;
        Assert.False(ChannelAddress.TryCreate(System.Text.Encoding.UTF8.GetBytes(host), 1, ref recent, out _));
    }

    [Fact]
    public void A_name_has_at_most_253_octets()
    {
        Assert.True(ChannelAddress.IsValidHost(new string('a', 253)));
        Assert.False(ChannelAddress.IsValidHost(new string('a', 254)));
        Assert.False(ChannelAddress.IsValidHost(new string('a', 65_000)));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(65_536)]
    public void A_port_has_16_bits(int port) => Assert.Throws<ArgumentOutOfRangeException>(() => new ChannelAddress("a", port));

    [Fact]
    public void Of_an_endpoint_and_as_text()
    {
        Assert.Equal("192.0.2.1:80", new ChannelAddress(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 80)).ToString());
        Assert.Equal("[fe80::1]:443", new ChannelAddress(new IPEndPoint(IPAddress.Parse("fe80::1%7"), 443)).ToString());
        Assert.Equal("0.0.0.0:0", default(ChannelAddress).ToString());
    }

    [Fact]
    public void Many_channels_to_one_host_share_its_string()
    {
        string? recent = null;
        ChannelAddress.TryCreate("host.example"u8, 1, ref recent, out ChannelAddress first);
        ChannelAddress.TryCreate("host.example"u8, 2, ref recent, out ChannelAddress second);
        Assert.Same(first.Host, second.Host);
    }
}
