using System.Net;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.AspNetCore.Tests.Routing;

/// <summary>Spellings of hosts: all spellings of one host are equal, and texts that resolvers could read differently are refused.</summary>
public class ChannelHostTests
{
    [Theory]
    [InlineData("app1.internal", "app1.internal")]
    [InlineData("APP1.Internal", "app1.internal")]
    [InlineData("app1.internal.", "app1.internal")]
    [InlineData("db_primary.internal", "db_primary.internal")]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("192.0.2.1.", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("::FFFF:c000:201", "192.0.2.1")]
    [InlineData("2001:DB8:0:0::1", "2001:db8::1")]
    [InlineData("a", "a")]
    [InlineData("4.example", "4.example")]
    [InlineData("0xample", "0xample")]
    public void Spellings_of_one_host_are_equal(string text, string expected)
    {
        Assert.True(ChannelHost.TryParse(text, out ChannelHost host));
        Assert.Equal(expected, host.ToString());
        Assert.True(ChannelHost.TryParse(expected, out ChannelHost same));
        Assert.Equal(same, host);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData("a.internal..")]
    [InlineData(".a")]
    [InlineData("-a.internal")]
    [InlineData("a-.internal")]
    [InlineData("a b")]
    [InlineData("a\0b")]
    [InlineData("a\r\nb")]
    [InlineData("a\tb")]
    [InlineData("a/b")]
    [InlineData("a@b")]
    [InlineData("a%41")]
    [InlineData("bücher.example")]
    [InlineData("ａpp.internal")]
    [InlineData("127.0.0.1%lo")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fe80::1%1")]
    [InlineData("[::1]")]
    [InlineData("::1/128")]
    [InlineData("127.1")]
    [InlineData("127.0.1")]
    [InlineData("2130706433")]
    [InlineData("0177.0.0.1")]
    [InlineData("127.0.0.01")]
    [InlineData("0x7f000001")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("127.0.0.0x1")]
    [InlineData("1.2.3.4.5")]
    [InlineData("256.0.0.1")]
    [InlineData("app.0x")]
    [InlineData(":")]
    [InlineData("1:2")]
    [InlineData(":::")]
    public void Hosts_that_resolvers_could_read_differently_are_refused(string text) => Assert.False(ChannelHost.TryParse(text, out _));

    [Fact]
    public void A_name_has_at_most_253_octets_and_a_label_63()
    {
        string longest = string.Join('.', Enumerable.Repeat(new string('a', 62), 4)) + "a";
        Assert.Equal(252, longest.Length);
        Assert.True(ChannelHost.TryParse(longest[..63].TrimEnd('.'), out _));
        string label63 = new string('a', 63);
        Assert.True(ChannelHost.TryParse($"{label63}.{label63}.{label63}.{new string('a', 61)}", out _));
        Assert.False(ChannelHost.TryParse($"{label63}.{label63}.{label63}.{new string('a', 62)}", out _));
        Assert.False(ChannelHost.TryParse(new string('a', 64), out _));
        Assert.False(ChannelHost.TryParse(new string('a', 65_000), out _));
    }

    [Fact]
    public void In_an_authority_IPv6_is_in_brackets()
    {
        Assert.True(ChannelHost.TryParseUriHost("[::1]", out ChannelHost host));
        Assert.Equal(IPAddress.IPv6Loopback, host.Address);
        Assert.Equal("[::1]", host.ToUriHost());
        Assert.False(ChannelHost.TryParseUriHost("::1", out _));
        Assert.False(ChannelHost.TryParseUriHost("[127.0.0.1]", out _));
        Assert.False(ChannelHost.TryParseUriHost("[a.internal]", out _));
        Assert.False(ChannelHost.TryParseUriHost("[]", out _));
        Assert.True(ChannelHost.TryParseUriHost("a.internal", out _));
    }
}
