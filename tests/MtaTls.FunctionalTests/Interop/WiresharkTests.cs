using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using MtaTls.Client;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Interop;

/// <summary>tools/wireshark/mtatls.lua in tshark, with traffic that is recorded during the test.</summary>
public class WiresharkTests
{
    private const int BigSize = 3_000_000;

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Packets_and_the_HTTP_of_each_channel_are_shown(SslProtocols version)
    {
        string? keys = null;
        await using TestApp app = await TestApp.StartAsync(
            static a =>
            {
                a.MapGet("/{name}", static (string name) => name);
                a.MapGet("/big", static () => Results.Bytes(new byte[BigSize]));
                a.MapPost("/echo", static (HttpContext c) => c.Request.Body.CopyToAsync(c.Response.Body));
            },
            configure: _ => keys = Path.GetTempFileName(),
            mtaTls: o => o.KeyLogFile = keys);
        await using Capture capture = await Capture.StartAsync($"tcp port {app.Port}");
        long received;
        await using (RawClient client = await RawClient.ConnectAsync(app.Port, o => o.EnabledSslProtocols = version))
        {
            Assert.Equal("one", await client.GetAsync("/one"));

            // Two requests, with a response between them that is longer than the dissector reassembles.
            await using (HttpChannel channel = await client.OpenAsync())
            {
                Assert.Equal(BigSize, (await channel.GetAsync("/big")).Body.Length);
                Assert.Equal("two", (await channel.GetAsync("/two")).Body);
                await channel.SendAsync("POST /echo HTTP/1.1\r\nHost: app.test\r\nContent-Length: 40000\r\n\r\n" + new string('e', 40_000));
                Assert.Equal(40_000, (await channel.ReadResponseAsync()).Body.Length);
            }

            await Wait.UntilAsync(() => client.Session.GetStatistics().ActiveChannels == 0);
            received = client.Session.GetStatistics().BytesReceived;
        }

        File.Copy(keys!, capture.Keys);
        File.Delete(keys!);
        await capture.UntilAsync("mtatls.type == 5", "mtatls.type", static types => types.Count(static t => t == "5") == 2);
        Assert.Equal(["/one", "/big", "/two", "/echo"], await capture.ReadAsync("http.request", "http.request.uri"));
        Assert.Equal(["200", "200", "200", "200"], await capture.ReadAsync("http.response", "http.response.code"));
        Assert.Equal(["app.test", "app.test"], await capture.ReadAsync("mtatls.type == 1", "mtatls.destination_address_machine"));
        string[] types = await capture.ReadAsync("mtatls", "mtatls.type");
        Assert.All((string[])["1", "2", "4", "5"], type => Assert.Equal(2, types.Count(t => t == type)));
        Assert.Contains("8", types);
        Assert.InRange(received, BigSize, long.MaxValue);
        Assert.Empty(await capture.ReadAsync("mtatls.malformed || mtatls.unknown_type || mtatls.window_overrun || mtatls.packet_too_long || _ws.malformed", "frame.number"));
        // With shortened messages the packets are the same.
        Assert.Equal(types, await capture.ReadAsync("mtatls", "mtatls.type", "mtatls.longest:100"));
    }

    [Fact]
    public async Task HTTP_2_is_shown_for_each_channel_and_ordinary_HTTPS_as_before()
    {
        string? keys = null;
        await using TestApp app = await TestApp.StartAsync(
            static a => a.MapGet("/{name}", static (string name) => name), configure: _ => keys = Path.GetTempFileName(), mtaTls: o => o.KeyLogFile = keys);
        await using Capture capture = await Capture.StartAsync($"tcp port {app.Port}");
        using (var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(o =>
        {
            (o.Host, o.Port) = ("localhost", app.Port);
            o.ApplicationProtocols = [SslApplicationProtocol.Http2];
            o.CertificateChainPolicy = TestCertificates.TrustRoot();
        }))
        { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact })
        {
            Assert.Equal("over-h2", await http.GetStringAsync(new Uri($"https://localhost:{app.Port}/over-h2")));
        }

        // curl does not offer the extension, and writes its own key log.
        string own = Path.GetTempFileName();
        (int exitCode, string output) = await Tool.RunAsync("env", "", $"SSLKEYLOGFILE={own}", "curl", "-sSk", "--http1.1", $"https://127.0.0.1:{app.Port}/plain");
        Assert.True(exitCode == 0, output);

        await File.WriteAllTextAsync(capture.Keys, await File.ReadAllTextAsync(keys!) + await File.ReadAllTextAsync(own));
        File.Delete(keys!);
        File.Delete(own);
        await capture.UntilAsync("http.response");
        Assert.Equal(["/plain"], await capture.ReadAsync("http.request", "http.request.uri"));
        Assert.Empty(await capture.ReadAsync("http && mtatls", "frame.number"));
        Assert.Equal(["/over-h2"], await capture.ReadAsync("mtatls && http2", "http2.headers.path"));
        Assert.Equal(["200"], await capture.ReadAsync("mtatls && http2", "http2.headers.status"));
    }

    [Fact]
    public async Task Other_protocols_are_dissected_by_the_destinations_port_and_errors_are_marked()
    {
        await using var server = TcpServer.Start(static async socket =>
        {
            byte[] buffer = new byte[100];
            await socket.ReceiveAsync(buffer);
            await socket.SendAsync("+PONG\r\n"u8.ToArray());
        });
        string keys = Path.GetTempFileName();
        await using TestApp gateway = await Gateway.StartAsync($$"""
            { "MtaTls": { "KeyLogFile": "{{keys}}", "Channels": [
              { "Hosts": [ "cache.internal" ], "Action": "Tcp", "Upstream": "127.0.0.1:{{server.Port}}", "AllowAnonymous": true },
              { "Hosts": [ "closed.internal" ], "Action": "Reject" } ] } }
            """);
        await using Capture capture = await Capture.StartAsync($"tcp port {gateway.Port}");
        await using (RawClient client = await RawClient.ConnectAsync(gateway.Port))
        {
            await using (HttpChannel channel = await client.OpenAsync("cache.internal", 6379))
            {
                await channel.SendAsync("*1\r\n$4\r\nPING\r\n");
                Assert.Equal("+PONG\r\n", await channel.ReadToEndAsync());
            }

            await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync("closed.internal", 80));
        }

        await using (RawClient client = await RawClient.HandshakeAsync(gateway.Port))
        {
            // A confirmation of two bytes, then a packet type that the draft reserves.
            client.Tls.Write([5, 0, 2, 0, 0]);
            client.Tls.Write([9, 1, 2, 3]);
            await client.Tls.FlushAsync();
            Assert.Null(await new RawPackets(client.Tls).ReadAsync());
        }

        File.Copy(keys, capture.Keys);
        File.Delete(keys);
        await capture.UntilAsync("mtatls.unknown_type");
        Assert.Contains("50494e47", await capture.ReadAsync("resp && mtatls", "resp.bulk_string.value"));
        Assert.Contains("PONG", await capture.ReadAsync("resp && mtatls", "resp.string"));
        Assert.Single(await capture.ReadAsync("mtatls.refused", "mtatls.error"));
        Assert.Single(await capture.ReadAsync("mtatls.malformed", "frame.number"));
        Assert.Single(await capture.ReadAsync("mtatls.unknown_type", "frame.number"));
    }
}
