using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>If channels are routed by destination, every request must name its channel's destination, else the answer is 421 (RFC 9110, section 15.5.20).</summary>
public class HostMatchingTests
{
    private const string Routed = """{ "MtaTls": { "Channels": [ { "Hosts": [ "closed.internal" ], "Action": "Reject" } ] } }""";

    [Theory]
    [InlineData("app.internal", 80, "Host: app.internal", 200)]
    [InlineData("app.internal", 443, "Host: app.internal", 200)]
    [InlineData("app.internal", 80, "Host: APP.internal.", 200)]
    [InlineData("app.internal", 80, "Host: app.internal:80", 200)]
    [InlineData("app.internal", 8080, "Host: app.internal:8080", 200)]
    [InlineData("192.0.2.1", 80, "Host: 192.0.2.1", 200)]
    [InlineData("2001:db8::1", 80, "Host: [2001:DB8::1]", 200)]
    [InlineData("2001:db8::1", 8080, "Host: [2001:db8:0::1]:8080", 200)]
    [InlineData("xn--bcher-kva.test", 80, "Host: xn--bcher-kva.test", 200)]
    [InlineData("XN--bcher-kva.test", 443, "Host: xn--BCHER-kva.test", 200)]
    [InlineData("app.internal", 80, "Host: xn--bcher-kva.test", 421)]
    [InlineData("xn--bcher-kva.test", 80, "Host: bcher-kva.test", 421)]
    [InlineData("app.internal", 80, "Host: closed.internal", 421)]
    [InlineData("app.internal", 80, "Host: app.internal:443", 421)]
    [InlineData("app.internal", 8080, "Host: app.internal", 421)]
    [InlineData("app.internal", 80, "Host: app.internal.closed.internal", 421)]
    [InlineData("app.internal", 80, "Host: 192.0.2.1", 421)]
    [InlineData("192.0.2.1", 80, "Host: app.internal", 421)]
    [InlineData("2001:db8::1", 80, "Host: [2001:db8::2]", 421)]
    [InlineData("app.internal", 80, "Host:", 421)]
    public async Task A_request_names_its_channels_destination(string host, int port, string header, int status)
    {
        await using TestApp gateway = await Gateway.StartAsync(Routed);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal(status, (await GatewayClient.SendAsync(client, host, port, $"GET / HTTP/1.1\r\n{header}")).Status);
    }

    // HttpRequest.Host throws for it, and so does the request log of hosting, which is off here as in most applications.
    [Theory]
    [InlineData("app.internal", false)]
    [InlineData("xn--0.test", false)]
    [InlineData("app.internal", true)]
    public async Task A_Host_that_cannot_be_decoded_is_answered_400(string destination, bool allowMismatch)
    {
        await using TestApp gateway = await TestApp.StartAsync(
            static a => a.MapGet("/", (HttpContext context) => context.Request.Host.Value),
            o =>
            {
                o.Channels.Add(new ChannelRouteOptions { Hosts = { "closed.internal" }, Action = ChannelRouteAction.Reject });
                o.AllowHostMismatch = allowMismatch;
            },
            configure: static b => b.Logging.AddFilter("Microsoft.AspNetCore.Hosting", LogLevel.Warning));
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal(400, (await GatewayClient.SendAsync(client, destination, 80, "GET / HTTP/1.1\r\nHost: xn--0.test")).Status);
        Assert.DoesNotContain(gateway.Logs.GetSnapshot(), static r => r.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task Every_request_of_a_channel_is_checked()
    {
        await using TestApp gateway = await Gateway.StartAsync(Routed);
        using var misdirected = new MetricCollector<long>(gateway.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.requests.misdirected");
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await using HttpChannel channel = await client.OpenAsync("app.internal");
        var statuses = new List<int>();
        foreach (string host in (string[])["app.internal", "closed.internal", "app.internal", "closed.internal"])
        {
            await channel.SendAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            statuses.Add((await channel.ReadResponseAsync()).Status);
        }

        Assert.Equal([200, 421, 200, 421], statuses);
        await Wait.UntilAsync(() => misdirected.GetMeasurementSnapshot().Count >= 2);
        Assert.Equal(2, misdirected.GetMeasurementSnapshot().Sum(m => m.Value));
        Assert.All(gateway.Messages("RequestMisdirected"), m => Assert.Contains("app.internal:80", m, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pipelined_requests_are_checked_one_by_one()
    {
        await using TestApp gateway = await Gateway.StartAsync(Routed);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await using HttpChannel channel = await client.OpenAsync("app.internal");
        await channel.SendAsync("GET / HTTP/1.1\r\nHost: app.internal\r\n\r\nGET / HTTP/1.1\r\nHost: closed.internal\r\n\r\n");
        Assert.Equal(200, (await channel.ReadResponseAsync()).Status);
        Assert.Equal(421, (await channel.ReadResponseAsync()).Status);
    }

    [Fact]
    public async Task An_absolute_URI_does_not_evade_the_check()
    {
        await using TestApp gateway = await Gateway.StartAsync(Routed);
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        HttpChannel.Response response = await GatewayClient.SendAsync(client, "app.internal", 80, "GET http://closed.internal/ HTTP/1.1\r\nHost: closed.internal");
        Assert.Equal(421, response.Status);
        response = await GatewayClient.SendAsync(client, "app.internal", 80, "GET http://closed.internal/ HTTP/1.1\r\nHost: app.internal");
        Assert.Equal(400, response.Status);
    }

    [Fact]
    public async Task The_authority_of_HTTP_2_counts_like_a_Host()
    {
        await using TestApp gateway = await Gateway.StartAsync(Routed);
        using HttpClient client = GatewayClient.Create(gateway.Port, HttpVersion.Version20);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri("https://app.internal:80/"))).StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://app.internal:80/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Host = "closed.internal";
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await client.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task AllowHostMismatch_turns_the_check_off()
    {
        await using TestApp gateway = await Gateway.StartAsync("""{ "MtaTls": { "AllowHostMismatch": true, "Channels": [ { "Hosts": [ "closed.internal" ], "Action": "Reject" } ] } }""");
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal(200, (await GatewayClient.SendAsync(client, "app.internal", 80, "GET / HTTP/1.1\r\nHost: closed.internal")).Status);
    }

    [Fact]
    public async Task Without_routes_a_channel_serves_every_name_as_a_connection_does()
    {
        await using TestApp gateway = await Gateway.StartAsync("{}");
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        Assert.Equal(200, (await GatewayClient.SendAsync(client, "app.internal", 80, "GET / HTTP/1.1\r\nHost: other.internal")).Status);
    }

    [Fact]
    public async Task Ordinary_connections_are_not_checked()
    {
        await using TestApp gateway = await Gateway.StartAsync(Routed);
        Assert.Equal("app", await OrdinaryClient.GetAsync(gateway.Port));
    }
}
