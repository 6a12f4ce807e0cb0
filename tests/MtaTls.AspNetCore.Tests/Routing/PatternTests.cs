using MtaTls.AspNetCore.Routing;

namespace MtaTls.AspNetCore.Tests.Routing;

/// <summary>Patterns for hosts, ports and destinations, and what they match.</summary>
public class PatternTests
{
    [Theory]
    [InlineData("app1.internal", "APP1.internal.", true)]
    [InlineData("App1.Internal.", "app1.internal", true)]
    [InlineData("app1.internal", "app2.internal", false)]
    [InlineData("app1.internal", "app1.internal.evil.example", false)]
    [InlineData("*.internal", "app1.internal", true)]
    [InlineData("*.internal", "a.b.internal", true)]
    [InlineData("*.internal", "internal", false)]
    [InlineData("*.internal", "evilinternal", false)]
    [InlineData("*.internal", "10.0.0.1", false)]
    [InlineData("10.0.0.0/8", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8", "::ffff:10.255.0.1", true)]
    [InlineData("::ffff:10.0.0.0/104", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("10.0.0.0/8", "10.example", false)]
    [InlineData("2001:db8::/32", "2001:db8:1::1", true)]
    [InlineData("2001:db8::/32", "10.0.0.1", false)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("::1", "0:0:0:0:0:0:0:1", true)]
    [InlineData("127.0.0.1", "::ffff:7f00:1", true)]
    [InlineData("*", "anything.example", true)]
    [InlineData("*", "::1", true)]
    public void Hosts(string pattern, string host, bool matches)
    {
        Assert.True(HostPattern.TryParse(pattern, out HostPattern? parsed, out _));
        Assert.True(ChannelHost.TryParse(host, out ChannelHost channelHost));
        Assert.Equal(matches, parsed.Matches(channelHost));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("*.")]
    [InlineData("*.10.0.0.1")]
    [InlineData("*internal")]
    [InlineData("a.*.internal")]
    [InlineData("**.internal")]
    [InlineData("10.0.0.1/8")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("app1.internal/8")]
    [InlineData("::ffff:10.0.0.0/64")]
    [InlineData("bücher.example")]
    [InlineData("http://app1.internal")]
    [InlineData("app1.internal:80")]
    public void Hosts_that_are_no_pattern(string? pattern)
    {
        Assert.False(HostPattern.TryParse(pattern, out _, out string? error));
        Assert.Contains("is not a host name", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("443", 443, 443)]
    [InlineData("7000-7010", 7000, 7010)]
    [InlineData("1-65535", 1, 65535)]
    public void Ports(string text, int first, int last)
    {
        Assert.True(PortRange.TryParse(text, out PortRange range));
        Assert.Equal(new PortRange(first, last), range);
        Assert.True(range.Contains(first) && range.Contains(last));
        Assert.False(range.Contains(first - 1) || range.Contains(last + 1));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("10-1")]
    [InlineData("1-")]
    [InlineData("1-2-3")]
    [InlineData(" 80")]
    [InlineData("http")]
    public void Ports_that_are_no_range(string text) => Assert.False(PortRange.TryParse(text, out _));

    [Theory]
    [InlineData("app1.internal:80", "app1.internal", 80, true)]
    [InlineData("app1.internal:80", "app1.internal", 81, false)]
    [InlineData("app1.internal", "app1.internal", 81, true)]
    [InlineData("*.internal:80", "app1.internal", 80, true)]
    [InlineData("[::1]:80", "::1", 80, true)]
    [InlineData("[::1]", "::1", 81, true)]
    [InlineData("::1", "::1", 81, true)]
    [InlineData("fd00::/8", "fd00::1", 81, true)]
    [InlineData("10.0.0.0/8:5432", "10.1.1.1", 5432, true)]
    [InlineData("10.0.0.0/8:5432", "10.1.1.1", 5433, false)]
    public void Destinations(string pattern, string host, int port, bool matches)
    {
        Assert.True(DestinationPattern.TryParse(pattern, out DestinationPattern? parsed, out _));
        Assert.True(ChannelHost.TryParse(host, out ChannelHost channelHost));
        Assert.Equal(matches, parsed.Matches(channelHost, port));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":80")]
    [InlineData("app1.internal:")]
    [InlineData("app1.internal:0")]
    [InlineData("app1.internal:http")]
    [InlineData("[::1]:")]
    public void Destinations_that_are_no_pattern(string pattern) => Assert.False(DestinationPattern.TryParse(pattern, out _, out _));

    [Fact]
    public void The_exact_destination_is_more_specific_than_the_wildcard()
    {
        string[] fromWideToNarrow = ["*", "*:80", "*.internal", "*.app.internal", "*.app.internal:80", "x.app.internal", "x.app.internal:80"];
        int[] specificity = fromWideToNarrow.Select(text => DestinationPattern.TryParse(text, out DestinationPattern? p, out _) ? p.Specificity : -1).ToArray();
        Assert.Equal(specificity.Order(), specificity);
        Assert.Equal(specificity.Length, specificity.Distinct().Count());
    }
}
