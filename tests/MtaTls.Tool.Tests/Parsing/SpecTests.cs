using System.Net;
using MtaTls.Tool.Forwarding;
using MtaTls.Tool.Gateways;

namespace MtaTls.Tool.Tests.Parsing;

public sealed class SpecTests
{
    [Theory]
    [InlineData("5432:db.internal:5433", "127.0.0.1:5432", "db.internal:5433")]
    [InlineData("0.0.0.0:1:h:2", "0.0.0.0:1", "h:2")]
    [InlineData("*:1:h:2", "[::]:1", "h:2")]
    [InlineData("[::1]:1:[fd00::1]:2", "[::1]:1", "[fd00::1]:2")]
    [InlineData("localhost:0:10.0.0.1:2", "127.0.0.1:0", "10.0.0.1:2")]
    public void A_local_forward_is_read_as_ssh_reads_it(string text, string local, string destination)
    {
        Assert.True(ForwardSpec.TryParseLocal(text, out ForwardSpec? spec));
        Assert.Equal(IPEndPoint.Parse(local), spec.Local);
        Assert.Equal(destination, spec.Destination.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("5432")]
    [InlineData("5432:db")]
    [InlineData("x:db:1")]
    [InlineData("70000:db:1")]
    [InlineData("1:db:70000")]
    [InlineData("1:a b:2")]
    [InlineData("name:1:h:2")]
    [InlineData("1:2:3:4:5")]
    public void Invalid_local_forwards_are_rejected(string text) => Assert.False(ForwardSpec.TryParseLocal(text, out _));

    [Theory]
    [InlineData("1080", "127.0.0.1:1080")]
    [InlineData("[::]:1080", "[::]:1080")]
    public void A_proxy_port_is_read_as_ssh_reads_it(string text, string local)
    {
        Assert.True(ForwardSpec.TryParseDynamic(text, out ForwardSpec? spec));
        Assert.Equal(IPEndPoint.Parse(local), spec.Local);
        Assert.Null(spec.Destination);
    }

    [Theory]
    [InlineData("app:80=5000", "app", 80, "127.0.0.1:5000")]
    [InlineData("App.Internal:22=[::1]:22", "app.internal", 22, "[::1]:22")]
    [InlineData("a:1=db.lan:2", "a", 1, "db.lan:2")]
    public void A_published_server_is_read(string text, string name, int port, string upstream)
    {
        Assert.True(PublishSpec.TryParse(text, out PublishSpec? spec));
        Assert.Equal((name, port, upstream), (spec.Name.Host, spec.Name.Port, spec.Upstream.ToString()));
    }

    [Theory]
    [InlineData("app=5000")]
    [InlineData("app:80")]
    [InlineData("*.x:80=1")]
    [InlineData("app:80=0")]
    [InlineData("app:80=host")]
    public void Invalid_published_servers_are_rejected(string text) => Assert.False(PublishSpec.TryParse(text, out _));

    [Theory]
    [InlineData("30", 30_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("500ms", 500)]
    [InlineData("5m", 300_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("00:00:10", 10_000)]
    public void Durations_are_read_as_people_write_them(string text, double milliseconds)
    {
        Assert.True(Duration.TryParse(text, out TimeSpan value));
        Assert.Equal(milliseconds, value.TotalMilliseconds);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1s")]
    [InlineData("2d")]
    [InlineData("25h")]
    [InlineData("s")]
    [InlineData("-00:00:01")]
    public void Invalid_durations_are_rejected(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData("gw.example", "gw.example:443")]
    [InlineData("gw.example:8443", "gw.example:8443")]
    [InlineData("[::1]:8443", "[::1]:8443")]
    [InlineData("[::1]", "[::1]:443")]
    public void Hosts_and_ports_are_read(string text, string expected)
    {
        Assert.True(HostAndPort.TryParse(text, 443, out HostAndPort value));
        Assert.Equal(expected, value.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(":1")]
    [InlineData("::1")]
    [InlineData("[::1")]
    [InlineData("[1.2.3.4]:1")]
    [InlineData("h:")]
    [InlineData("h:1x")]
    [InlineData("h:-1")]
    [InlineData("h ost:1")]
    public void Invalid_hosts_and_ports_are_rejected(string text) => Assert.False(HostAndPort.TryParse(text, 443, out _));
}
