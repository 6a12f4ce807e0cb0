using System.Net;
using System.Net.WebSockets;
using System.Text;
using MtaTls.Agent;
using MtaTls.Client;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>TCP services that an agent forwards in addition to its app, and names without clusters.</summary>
public class AgentForwardTests
{
    private const string Route = """
        { "MtaTls": {
            "Channels": [ { "Hosts": [ "*.plant7.internal" ], "Action": "Agent", "ClientCertificate": { "SubjectAlternativeNames": [ "other-client.test" ] } } ],
            "AllowHostMismatch": true,
            "Agents": { "WaitForAgent": "00:00:01", "Rules": [ { "Names": [ "plant7.internal", "*.plant7.internal" ], "ClientCertificate": { "SubjectAlternativeNames": [ "client.test" ] } } ] } } }
        """;

    [Fact]
    public async Task A_channel_reaches_a_TCP_service_beside_the_app()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(Route);
        using System.Net.Sockets.TcpListener service = new(IPAddress.Loopback, 0);
        service.Start();
        int port = ((IPEndPoint)service.LocalEndpoint).Port;
        var serving = Task.Run(async () =>
        {
            using System.Net.Sockets.TcpClient connection = await service.AcceptTcpClientAsync();
            await connection.GetStream().CopyToAsync(connection.GetStream());
        });
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7, configure: o => o.Forward.Add(new MtaTlsAgentForwardOptions { Name = "echo.plant7.internal:7", Upstream = $"127.0.0.1:{port}" }));
        await gateway.AgentsAsync(1);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(GatewayClient.Options(gateway.Port, TestCertificates.OtherClient)).Soon();
        await using (MtaTlsClientChannel channel = await client.OpenChannelAsync("echo.plant7.internal", 7).Soon())
        {
            byte[] sent = new byte[1_000_000];
            Random.Shared.NextBytes(sent);
            byte[] received = new byte[sent.Length];
            await Task.WhenAll(channel.WriteAsync(sent).AsTask(), channel.ReadExactlyAsync(received).AsTask()).Soon();
            Assert.Equal(sent, received);
        }

        await serving.Soon();
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(async () => await client.OpenChannelAsync("echo.plant7.internal", 8).Soon());
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(async () => await client.OpenChannelAsync("nobody.plant7.internal", 7).Soon());
    }

    [Fact]
    public async Task Redis_beside_the_app_is_reached_through_the_gateway()
    {
        using RedisTests.Redis redis = await RedisTests.StartAsync();
        await using TestApp gateway = await AgentGateway.StartAsync(Route);
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7, configure: o => o.Forward.Add(new MtaTlsAgentForwardOptions { Name = "redis.plant7.internal:6379", Upstream = $"127.0.0.1:{redis.Port}" }));
        await gateway.AgentsAsync(1);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(GatewayClient.Options(gateway.Port, TestCertificates.OtherClient)).Soon();
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("redis.plant7.internal", 6379).Soon();
        string value = new('v', 1_000_000);
        await channel.WriteAsync(Encoding.ASCII.GetBytes($"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${value.Length}\r\n{value}\r\nSTRLEN big\r\nGET big\r\nQUIT\r\n"));
        using StreamReader reader = new(channel, Encoding.ASCII);
        // Redis closes the connection after QUIT, and all its data arrives.
        Assert.Equal($"+OK\r\n:{value.Length}\r\n${value.Length}\r\n{value}\r\n+OK\r\n", await reader.ReadToEndAsync().Soon());
    }

    [Fact]
    public async Task Every_short_connection_to_an_agent_is_answered()
    {
        await using TestApp gateway = await AgentGateway.StartAsync("""
            { "MtaTls": {
                "Channels": [ { "Hosts": [ "plant7.internal" ], "Action": "Agent", "AllowAnonymous": true } ],
                "Agents": { "Rules": [ { "Names": [ "plant7.internal" ], "ClientCertificate": { "SubjectAlternativeNames": [ "client.test" ] } } ] } } }
            """);
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7);
        await gateway.AgentsAsync(1);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(GatewayClient.Options(gateway.Port)).Soon();
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 200; i++)
            {
                await using MtaTlsClientChannel channel = await client.OpenChannelAsync("plant7.internal", 80);
                await channel.WriteAsync("GET / HTTP/1.1\r\nHost: plant7.internal\r\nConnection: close\r\n\r\n"u8.ToArray());
                using StreamReader reader = new(channel);
                string answer = await reader.ReadToEndAsync().Soon();
                if (!answer.StartsWith("HTTP/1.1 200 OK", StringComparison.Ordinal) || !answer.EndsWith("\r\n1\r\na\r\n0\r\n\r\n", StringComparison.Ordinal))
                {
                    return $"{i}: '{answer}'";
                }
            }

            return "";
        }))).Soon();
        Assert.True(Array.TrueForAll(answers, static a => a == ""), string.Join('\n', answers));
    }

    [Fact]
    public async Task Hosts_of_a_pattern_go_to_the_agents_that_have_the_name_and_others_are_not_found()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(
            $$"""{ "MtaTls": { "Agents": { {{AgentGateway.Rules}} } } }""", map: static app => app.MapMtaTlsAgentForwarder("{name}.agents.example.test", "{name}.internal"));
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, a => a.Map("/", (HttpContext context) => $"{context.Request.Host} {context.Connection.RemoteIpAddress}"));
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client("plant7.agents.example.test");
        using HttpRequestMessage request = new(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", "192.0.2.99");
        request.Headers.TryAddWithoutValidation("Forwarded", "for=192.0.2.99");
        using HttpResponseMessage response = await client.SendAsync(request).Soon();
        Assert.Equal("plant7.agents.example.test 127.0.0.1", await response.Content.ReadAsStringAsync());
        foreach (string host in (string[])["plant9.agents.example.test", "plant7.other.test", "x.plant7.agents.example.test"])
        {
            using HttpClient other = gateway.Client(host);
            Assert.Equal(HttpStatusCode.NotFound, (await other.GetAsync("/").Soon()).StatusCode);
        }
    }

    [Fact]
    public async Task WebSockets_and_HTTP2_go_through()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings(cluster: """ "HttpRequest": { "Version": "2", "VersionPolicy": "RequestVersionExact" }, """));
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7,
            a =>
            {
                a.UseWebSockets();
                a.MapGet("/", (HttpContext context) => context.Request.Protocol);
                a.Map("/ws", async (HttpContext context) =>
                {
                    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
                    byte[] buffer = new byte[100];
                    WebSocketReceiveResult message = await socket.ReceiveAsync(buffer, default);
                    await socket.SendAsync(buffer.AsMemory(0, message.Count), WebSocketMessageType.Text, true, default);
                    await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
                });
            });
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client(version: HttpVersion.Version20);
        Assert.Equal("HTTP/2", await client.GetStringAsync("/").Soon());
        using ClientWebSocket socket = new();
        using HttpClient invoker = gateway.Client();
        await socket.ConnectAsync(new Uri("wss://plant7.example.test/ws"), invoker, default).Soon();
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, default).Soon();
        byte[] received = new byte[100];
        WebSocketReceiveResult result = await socket.ReceiveAsync(received, default).Soon();
        Assert.Equal("hello", Encoding.UTF8.GetString(received, 0, result.Count));
    }
}
