using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Liveness;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.ProxyProtocol;

/// <summary>Load balancers that send the client's address with the PROXY protocol (MtaTls:ProxyProtocol).</summary>
public sealed class ProxyProtocolTests
{
    private static readonly IPAddress s_client = IPAddress.Parse("127.0.0.5");

    private static Task<TestApp> StartAsync(Action<MtaTlsOptions>? mtaTls = null, DataMultiplexingMode mode = DataMultiplexingMode.Allowed) => TestApp.StartAsync(
        static app =>
        {
            app.MapGet("/", static (HttpContext c) => $"{c.Connection.RemoteIpAddress} {c.Connection.LocalPort}");
            app.MapGet("/session", static (HttpContext c) => c.GetMtaTlsSession()!.RemoteEndPoint!.ToString());
            app.MapGet("/header", static (HttpContext c) => c.Features.Get<IMtaTlsProxyProtocolFeature>() is { } header
                ? $"{header.Version} {header.Authority} {Encoding.ASCII.GetString(header.UniqueId.Span)} {Encoding.ASCII.GetString(header.ApplicationProtocol.Span)} {header.TryGetTlv(0xE5, out _)}"
                : "none");
            app.MapGet("/health", static () => "healthy");
        },
        o =>
        {
            o.EndpointDefaults.Mode = mode;
            o.ProxyProtocol.Networks.Add("127.0.0.0/8");
            // A busy machine takes its time.
            o.ProxyProtocol.HeaderTimeout = o.Limits.HandshakeTimeout = TimeSpan.FromSeconds(100);
            mtaTls?.Invoke(o);
        });

    [Theory]
    [InlineData("send-proxy")]
    [InlineData("send-proxy-v2")]
    [InlineData("send-proxy-v2 proxy-v2-options crc32c")]
    public async Task Behind_HAProxy_requests_sessions_and_logs_see_the_client(string send)
    {
        await using TestApp app = await StartAsync();
        await using HaProxy balancer = await HaProxy.StartAsync([app.Port], check: send);
        await using RawClient client = await RawClient.ConnectAsync(balancer.Port, from: s_client);
        Assert.Equal($"127.0.0.5 {balancer.Port}", await client.GetAsync());
        Assert.Equal(client.Socket.LocalEndPoint!.ToString(), await client.GetAsync("/session"));
        Assert.Equal($"127.0.0.1 {balancer.Port}", await OrdinaryClient.GetAsync(balancer.Port));
        string[] read = await app.LoggedAsync("ProxyHeaderRead", 2);
        Assert.Contains(read, m => m.Contains($"gives {client.Socket.LocalEndPoint} as the client's address", StringComparison.Ordinal));
    }

    // The endpoint is ordinary HTTPS, with the header before TLS.
    [Fact]
    public async Task An_endpoint_without_MTA_TLS_sees_the_client_too()
    {
        await using TestApp app = await StartAsync(mode: DataMultiplexingMode.Disabled);
        await using HaProxy balancer = await HaProxy.StartAsync([app.Port], check: "send-proxy-v2");
        Assert.Equal($"127.0.0.1 {balancer.Port}", await OrdinaryClient.GetAsync(balancer.Port));
    }

    [Fact]
    public async Task HAProxys_health_checks_keep_its_own_address()
    {
        await using TestApp app = await StartAsync();
        await using HaProxy balancer = await HaProxy.StartAsync([app.Port], check: "send-proxy-v2 check check-send-proxy check-ssl verify none inter 2s");
        await balancer.WaitForAsync(0, "UP");
        Assert.Contains(await app.LoggedAsync("ProxyHeaderRead"), static m => m.Contains("local: True", StringComparison.Ordinal));
        Assert.Empty(app.Messages("ProxyHeadersRefused"));
    }

    [Fact]
    public async Task Curl_sends_its_address_in_version_1()
    {
        await using TestApp app = await StartAsync();
        string root = Path.Combine(app.ContentRoot, "root.pem");
        await File.WriteAllTextAsync(root, TestCertificates.Root.ExportCertificatePem());
        (int exitCode, string output) = await Tool.RunAsync("curl", "", "-sS", "--cacert", root, "--haproxy-protocol", "--interface", "127.0.0.9", "--resolve", $"localhost:{app.Port}:127.0.0.1", $"https://localhost:{app.Port}/");
        Assert.Equal((0, $"127.0.0.9 {app.Port}"), (exitCode, output));
    }

    [Fact]
    public async Task Limits_per_address_count_the_clients_and_not_the_load_balancer()
    {
        await using TestApp app = await StartAsync(static o => o.Limits.MaxSessionsPerAddress = 1);
        await using HaProxy balancer = await HaProxy.StartAsync([app.Port], check: "send-proxy-v2");
        await using RawClient one = await RawClient.ConnectAsync(balancer.Port, from: s_client);
        await using RawClient other = await RawClient.ConnectAsync(balancer.Port, from: IPAddress.Parse("127.0.0.6"));
        Assert.StartsWith("127.0.0.5", await one.GetAsync(), StringComparison.Ordinal);
        Assert.StartsWith("127.0.0.6", await other.GetAsync(), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => RawClient.ConnectAsync(balancer.Port, from: s_client));
        Assert.Contains(await app.LoggedAsync("ConnectionRejected"), static m => m.Contains("MaxSessionsPerAddress", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_content_of_the_header_is_a_feature_of_every_channel()
    {
        await using TestApp app = await StartAsync();
        byte[] header = ProxyHeaders.V2("192.0.2.1", 1234, "198.51.100.7", 443, (0x01, "h2"), (0x02, "shop.example"), (0x05, "id-1"), (0xE5, ""));
        await using RawClient client = await RawClient.ConnectAsync(app.Port, header: header);
        Assert.Equal("192.0.2.1 443", await client.GetAsync());
        Assert.Equal("2 shop.example id-1 h2 True", await client.GetAsync("/header"));
        Assert.Equal("2 shop.example id-1 h2 True", await client.GetAsync("/header"));
        await using RawClient six = await RawClient.ConnectAsync(app.Port, header: Encoding.ASCII.GetBytes("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"));
        Assert.Equal("2001:db8::1 2", await six.GetAsync());
    }

    [Fact]
    public async Task Without_an_address_in_the_header_a_connection_keeps_its_own()
    {
        await using TestApp app = await StartAsync();
        await using RawClient client = await RawClient.ConnectAsync(app.Port, from: s_client, header: Encoding.ASCII.GetBytes("PROXY UNKNOWN\r\n"));
        Assert.Equal($"127.0.0.5 {app.Port}", await client.GetAsync());
    }

    // The whole header and the first TLS bytes, in single bytes.
    [Fact]
    public async Task A_header_may_come_byte_by_byte()
    {
        await using TestApp app = await StartAsync();
        byte[] header = ProxyHeaders.V2("192.0.2.1", 1234, "198.51.100.7", 443);
        await using var relay = TcpServer.Start(async socket =>
        {
            using Socket to = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await to.ConnectAsync(IPAddress.Loopback, app.Port);
            foreach (byte b in header)
            {
                await to.SendAsync(new[] { b });
                await Task.Yield();
            }

            await using NetworkStream client = new(socket), server = new(to);
            await Task.WhenAny(client.CopyToAsync(server), server.CopyToAsync(client));
        });
        await using RawClient client = await RawClient.ConnectAsync(relay.Port);
        Assert.Equal("192.0.2.1 443", await client.GetAsync());
    }

    [Theory]
    [InlineData("missing", "missing")]
    [InlineData("invalid", "invalid")]
    [InlineData("too long", "too_long")]
    [InlineData("late", "timeout")]
    public async Task Only_a_connection_without_a_valid_header_is_closed(string fault, string error)
    {
        await using TestApp app = await StartAsync(o => (o.ProxyProtocol.HeaderTimeout, o.ProxyProtocol.MaxHeaderLength) = (TimeSpan.FromSeconds(fault == "late" ? 15 : 100), 200)); // It is the time of the valid headers too.
        using MetricCollector<long> headers = new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.proxy_protocol.headers");
        byte[] header = ProxyHeaders.V2("192.0.2.1", 1234, "198.51.100.7", 443);
        await using RawClient before = await RawClient.ConnectAsync(app.Port, header: header);
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, app.Port);
        await socket.SendAsync(fault switch
        {
            "missing" => [0x16, 0x03, 0x01],
            "invalid" => ProxyHeaders.V2("192.0.2.1", 1234, "198.51.100.7", 443, (0x03, "wrong")),
            "too long" => ProxyHeaders.V2("192.0.2.1", 1234, "198.51.100.7", 443, (0xE0, new string('x', 200)))[..16],
            _ => header[..20],
        });
        Assert.Equal(0, await ReceiveAsync(socket));
        Assert.Contains(await app.LoggedAsync("ProxyHeadersRefused"), m => m.Contains($"header is {fault}", StringComparison.Ordinal));
        Assert.Single(await app.LoggedAsync("ProxyHeaderRefused"));
        await Wait.UntilAsync(() => headers.GetMeasurementSnapshot().Any(m => Equals(m.Tags.GetValueOrDefault("error.type"), error)));

        Assert.Equal("192.0.2.1 443", await before.GetAsync());
        await using RawClient after = await RawClient.ConnectAsync(app.Port, header: header);
        Assert.Equal("192.0.2.1 443", await after.GetAsync());
    }

    [Theory]
    [InlineData("too long", "ProxyProtocol:MaxHeaderLength")]
    [InlineData("late", "ProxyProtocol:HeaderTimeout")]
    public async Task An_exceeded_limit_is_counted_by_its_option(string fault, string limit)
    {
        await using TestApp app = await StartAsync(o => (o.ProxyProtocol.HeaderTimeout, o.ProxyProtocol.MaxHeaderLength) = (TimeSpan.FromSeconds(fault == "late" ? 1 : 100), 107));
        using MetricCollector<long> limits = new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.limits.exceeded");
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, app.Port);
        if (fault == "too long")
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes("PROXY UNKNOWN ".PadRight(107, 'x')));
        }

        Assert.Equal(0, await ReceiveAsync(socket));
        await Wait.UntilAsync(() => limits.GetMeasurementSnapshot().Any(m => Equals(m.Tags.GetValueOrDefault("mtatls.limit"), limit)));
    }

    // A client that sends a header itself.
    [Fact]
    public async Task Clients_outside_the_listed_networks_cannot_send_a_header()
    {
        await using TestApp app = await StartAsync(static o =>
        {
            o.ProxyProtocol.Networks.Clear();
            o.ProxyProtocol.Networks.Add("127.0.0.99");
            o.ProxyProtocol.Networks.Add("2001:db8::/32");
        });
        await Assert.ThrowsAnyAsync<Exception>(() => RawClient.ConnectAsync(app.Port, from: s_client, header: ProxyHeaders.V2("192.0.2.1", 1, "192.0.2.2", 2)));
        await using RawClient client = await RawClient.ConnectAsync(app.Port, from: s_client);
        Assert.Equal($"127.0.0.5 {app.Port}", await client.GetAsync());
        Assert.Equal("none", await client.GetAsync("/header"));
        await using RawClient balanced = await RawClient.ConnectAsync(app.Port, from: IPAddress.Parse("127.0.0.99"), header: ProxyHeaders.V2("192.0.2.1", 1, "192.0.2.2", 2));
        Assert.Equal("192.0.2.1 2", await balanced.GetAsync());
    }

    [Fact]
    public async Task Endpoints_that_are_not_named_expect_no_header_and_an_unknown_name_is_logged()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            static builder => builder.WebHost.UseMtaTls(),
            static a => a.MapGet("/", static (HttpContext c) => $"{c.Connection.RemoteIpAddress}"),
            files: static directory =>
            {
                PemFiles.Write(directory, "server", TestCertificates.Server);
                Gateway.Write(directory, """
                    { "MtaTls": {
                      "Endpoints": {
                        "Direct": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "server.pem", "KeyPath": "server.key" } },
                        "Balanced": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "server.pem", "KeyPath": "server.key" } } },
                      "ProxyProtocol": { "Networks": [ "127.0.0.0/8" ], "Endpoints": [ "balanced", "Balancde" ] } } }
                    """);
            });
        List<string> answers = [];
        foreach (int port in app.Ports)
        {
            foreach (byte[]? header in new[] { null, ProxyHeaders.V2("192.0.2.1", 1, "192.0.2.2", 2) })
            {
                try
                {
                    await using RawClient client = await RawClient.ConnectAsync(port, header: header);
                    answers.Add(await client.GetAsync());
                }
                catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
                {
                    answers.Add("closed");
                }
            }
        }

        answers.Sort(StringComparer.Ordinal);
        Assert.Equal(["127.0.0.1", "192.0.2.1", "closed", "closed"], answers);
        Assert.Contains("'Balancde'", Assert.Single(await app.LoggedAsync("EndpointOfProxyProtocolUnknown")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_with_the_settings_is_said_at_the_start()
    {
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => Gateway.StartAsync("""
            { "MtaTls": {
              "ProxyProtocol": { "Networks": [ "10.0.0.1/8", "balancer" ], "MaxHeaderLength": 106, "HeaderTimeout": "00:10:00" },
              "Channels": [ { "Action": "Reject", "ProxyProtocol": "V2" }, { "Action": "Tcp", "AllowAnonymous": true, "ProxyProtocol": "V3" } ] } }
            """));
        Assert.Contains("MtaTls:ProxyProtocol:Networks:0: '10.0.0.1/8' is neither", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:ProxyProtocol:Networks:1: 'balancer' is neither", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:ProxyProtocol:MaxHeaderLength: '106' is not", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:ProxyProtocol:HeaderTimeout: '00:10:00' is not", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:Channels:0:ProxyProtocol: is for the action Tcp", e.Message, StringComparison.Ordinal);
        Assert.Contains("MtaTls:Channels:1:ProxyProtocol: 'V3' is none of None, V1, V2", e.Message, StringComparison.Ordinal);
    }

    private static async Task<int> ReceiveAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1]).Soon();
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
