using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Client;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>Sessions and channels between gateways, and who may open them.</summary>
public sealed class PeerTests
{
    [Fact]
    public async Task A_gateway_that_cannot_be_reached_is_suspect_once_and_back_when_it_answers()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        int port = FreePort.Find();
        await using Relay relay = new(port);
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", agents: "\"WaitForAgent\": \"00:00:00.200\""),
            b = await ClusterGateway.StartAsync(redis, "gw-b", peersPort: port, advertise: $"https://127.0.0.1:{relay.Port}");
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        using HttpClient client = a.Client(), there = b.Client();
        await ClusterGateway.ServedAsync(client);
        // A busy machine may have made it suspect before.
        int suspected = a.Messages("PeerSuspected").Length, reached = a.Messages("PeerReached").Length;
        relay.Cut();
        await a.LoggedAsync("PeerSuspected", suspected + 1);
        int tried = relay.Connections;
        for (int i = 0; i < 3; i++)
        {
            using HttpResponseMessage response = await client.GetAsync("/").Soon();
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        }

        // Both gateways reach Redis, and the agent's own gateway serves it. The other one retries, and its state does not flap.
        Assert.Equal("plant", await there.GetStringAsync("/").Soon());
        await Wait.UntilAsync(() => relay.Connections >= tried + 3);
        Assert.Equal(suspected + 1, a.Messages("PeerSuspected").Length);
        await using (TestApp here = await a.AgentAsync("here"))
        {
            await a.AgentsAsync(1);
            Assert.Equal("here", await client.GetStringAsync("/").Soon());
        }

        relay.Mend();
        await a.LoggedAsync("PeerReached", reached + 1);
        await ClusterGateway.ServedAsync(client);
    }

    [Theory]
    [InlineData("plant7.example.test")]
    [InlineData("plant7.agents.example.test")]
    public async Task A_gateway_that_accepts_connections_and_never_answers_is_suspect_and_others_serve(string host)
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using BlackHole hole = new();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"ConnectTimeout\": \"00:00:05\""), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        using HttpClient client = a.Client(host);
        // The session with the other gateway exists.
        await ClusterGateway.ServedAsync(client);
        await redis.CommandAsync("SET", "mtatls:{nodes}:gw-hole", $"1000|https://127.0.0.1:{hole.Port}/|serving");
        await redis.CommandAsync("SADD", "mtatls:{nodes}", "gw-hole");
        await redis.CommandAsync("SADD", "mtatls:agents:plant7.internal", "gw-hole|1000|0123456789abcdef|1|ghost");
        await redis.CommandAsync("PUBLISH", "mtatls:changes", "gw-hole|a|plant7.internal");
        await a.MembersAsync(2);
        // Many requests at a time: some choose the agent that can't be reached, wait until connecting has failed, and go to another agent.
        while (Suspected() == 0)
        {
            string[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.GetStringAsync("/"))).Soon();
            Assert.All(answers, static text => Assert.Equal("plant", text));
        }

        // Meanwhile the gateway retries. No request waits for that, or fails first before it finds another agent.
        int tried = hole.Connections, passed = a.Messages("AnotherAgent").Length;
        await Wait.UntilAsync(() =>
        {
            Assert.Equal("plant", client.GetStringAsync("/").GetAwaiter().GetResult());
            return hole.Connections >= tried + 2;
        });
        Assert.Equal(passed, a.Messages("AnotherAgent").Length);
        Assert.Equal(1, Suspected());

        int Suspected() => a.Messages("PeerSuspected").Count(static m => m.Contains("gw-hole", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stale_route_costs_one_refused_open_and_is_removed()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b"), c = await ClusterGateway.StartAsync(redis, "gw-c");
        await using TestApp agent = await c.AgentAsync("plant");
        await a.MembersAsync(1);
        string stale = $"gw-b|{b.Directory.Lease.Epoch}|0123456789abcdef|1|ghost";
        await redis.CommandAsync("SADD", "mtatls:agents:plant7.internal", stale);
        await redis.CommandAsync("PUBLISH", "mtatls:changes", "gw-b|a|plant7.internal");
        await a.MembersAsync(2);
        await using Load load = new([() => a.Client("plant7.agents.example.test")]);
        await a.LoggedAsync("StaleRoute");
        await a.MembersAsync(1);
        await load.StopAsync();
        Assert.Empty(load.Failures);
        await Wait.UntilAsync(() => (bool)redis.CommandAsync("SISMEMBER", "mtatls:agents:plant7.internal", stale).GetAwaiter().GetResult() == false);
    }

    [Fact]
    public async Task A_gateway_connects_peers_to_its_own_agents_and_never_to_a_third_gateway()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp own = await a.AgentAsync("own"), other = await b.AgentAsync("other");
        await a.MembersAsync(2);
        string ownId = a.Agents[0].Id, otherId = b.Agents[0].Id;
        await using MtaTlsClient peer = await ConnectAsync(a.PeersPort, NodeCertificates.Gateway);
        MtaTlsClientChannel channel = await peer.OpenChannelAsync(Address(ownId)).Soon();
        await channel.DisposeAsync();
        MtaTlsChannelRefusedException refused = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => peer.OpenChannelAsync(Address(otherId)).Soon());
        Assert.Equal("unknown-agent", refused.Reason);
    }

    [Fact]
    public async Task A_gateways_certificate_reaches_agents_on_the_endpoint_Peers_and_nothing_else()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a");
        await using TestApp agent = await a.AgentAsync();
        await a.AgentsAsync(1);
        await using (MtaTlsClient peer = await ConnectAsync(a.PeersPort, NodeCertificates.Gateway))
        {
            // It reaches neither the application nor a channel route.
            foreach (ChannelAddress destination in (ChannelAddress[])[new("localhost", a.PeersPort), new("plant7.internal", 80), new("tcp.internal", 22)])
            {
                await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => peer.OpenChannelAsync(destination).Soon());
            }
        }

        // On the public endpoint the certificate has no special meaning: the request goes to the application, which does not know the host.
        await using MtaTlsClient client = await ConnectAsync(a.Port, NodeCertificates.Gateway);
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync(Address(a.Agents[0].Id)).Soon();
        await channel.WriteAsync("GET / HTTP/1.1\r\nHost: plant7.internal\r\n\r\n"u8.ToArray());
        byte[] answer = new byte[64];
        int count = await channel.ReadAsync(answer).Soon();
        Assert.Matches("^HTTP/1.1 4(04|21) ", System.Text.Encoding.ASCII.GetString(answer, 0, count));
        Assert.Equal(0, a.Agents[0].TotalChannels);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("stranger")]
    [InlineData("agent")]
    [InlineData("authority")]
    public async Task A_peer_that_is_not_a_gateway_opens_nothing_on_the_endpoint_Peers(string kind)
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a");
        await using TestApp agent = await a.AgentAsync();
        await a.AgentsAsync(1);
        X509Certificate2? certificate = kind switch { "stranger" => NodeCertificates.Stranger, "agent" => TestCertificates.Client, "authority" => NodeCertificates.OtherAuthority, _ => null };
        // With TLS 1.3 the client may learn of the refusal only when it reads.
        Exception e = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await using MtaTlsClient peer = await ConnectAsync(a.PeersPort, certificate);
            await peer.OpenChannelAsync(Address(a.Agents[0].Id)).Soon();
        });
        Assert.True(e is IOException or AuthenticationException, e.ToString());
        Assert.Equal(0, a.Agents[0].TotalChannels);
        await a.LoggedAsync("HandshakeFailed");
    }

    [Fact]
    public async Task Nothing_is_sent_to_a_gateway_with_another_certificate()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", agents: "\"WaitForAgent\": \"00:00:00.200\""),
            b = await ClusterGateway.StartAsync(redis, "gw-b", certificate: NodeCertificates.Stranger);
        await using TestApp agent = await b.AgentAsync();
        await a.MembersAsync(1);
        using HttpClient client = a.Client();
        using HttpResponseMessage response = await client.GetAsync("/").Soon();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        string suspected = (await a.LoggedAsync("PeerSuspected"))[0];
        Assert.All(["gw-b", $":{b.PeersPort}", "certificate"], part => Assert.Contains(part, suspected, StringComparison.Ordinal));
        Assert.Equal(0, b.Agents[0].TotalChannels);
    }

    [Fact]
    public async Task The_endpoint_Peers_does_not_serve_ordinary_HTTPS()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a");
        using HttpClient client = new(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true, ClientCertificates = [NodeCertificates.Gateway] },
        });
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri($"https://127.0.0.1:{a.PeersPort}/health")).Soon());
    }

    [Fact]
    public async Task A_reader_that_stops_blocks_one_channel_between_gateways_and_limited_memory()
    {
        const long Large = 256L << 20;
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        long sent = 0;
        await using TestApp agent = await b.AgentAsync(map: app =>
        {
            app.MapGet("/", static () => "small");
            app.MapGet("/large", async (HttpContext context) =>
            {
                byte[] block = new byte[64 * 1024];
                for (long i = 0; i < Large; i += block.Length)
                {
                    await context.Response.Body.WriteAsync(block, context.RequestAborted);
                    Interlocked.Add(ref sent, block.Length);
                }
            });
        });
        await a.MembersAsync(1);
        using HttpClient client = a.Client();
        using HttpResponseMessage stuck = await client.GetAsync("/large", HttpCompletionOption.ResponseHeadersRead).Soon();
        long before = -1;
        while (before != Interlocked.Read(ref sent))
        {
            before = Interlocked.Read(ref sent);
            for (int i = 0; i < 50; i++)
            {
                Assert.Equal("small", await client.GetStringAsync("/").Soon());
            }
        }

        // Only windows, the buffers of three hops and sockets: far less than the data to send.
        Assert.InRange(before, 1, Large / 4);
        long read = 0;
        await using Stream body = await stuck.Content.ReadAsStreamAsync();
        byte[] buffer = new byte[1 << 20];
        while (await body.ReadAsync(buffer).Soon() is var count && count > 0)
        {
            read += count;
        }

        Assert.Equal(Large, read);
    }

    [Fact]
    public async Task A_channel_with_any_protocol_reaches_an_agent_of_another_gateway()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        using System.Net.Sockets.TcpListener echo = new(IPAddress.Loopback, 0);
        echo.Start();
        _ = Task.Run(async () =>
        {
            using System.Net.Sockets.Socket socket = await echo.AcceptSocketAsync();
            byte[] buffer = new byte[1024];
            while (await socket.ReceiveAsync(buffer) is var count && count > 0)
            {
                await socket.SendAsync(buffer.AsMemory(0, count));
            }
        });
        await using TestApp agent = await b.AgentAsync(configure: o =>
        {
            o.Names.Clear();
            o.Forward.Add(new() { Name = "tcp.internal:22", Upstream = $"127.0.0.1:{((IPEndPoint)echo.LocalEndpoint).Port}" });
        });
        await a.MembersAsync(1, "tcp.internal:22");
        await using MtaTlsClient client = await ConnectAsync(a.Port, TestCertificates.Client);
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("tcp.internal", 22).Soon();
        await channel.WriteAsync("hello"u8.ToArray());
        byte[] answer = new byte[5];
        await channel.ReadExactlyAsync(answer).AsTask().Soon();
        Assert.Equal("hello"u8.ToArray(), answer);
    }

    internal static ChannelAddress Address(string id) => new(MtaTls.ReverseProxy.Agents.AgentAuthority.Of(id, new MtaTls.Agents.AgentName("plant7.internal", 80)), 80);

    internal static async Task<MtaTlsClient> ConnectAsync(int port, X509Certificate2? certificate)
    {
        MtaTlsClientOptions options = new() { Host = "localhost", Port = port, Mode = MtaTlsClientMode.Required, ApplicationProtocols = [SslApplicationProtocol.Http11], CertificateChainPolicy = TestCertificates.TrustRoot() };
        options.ClientCertificate.Certificate = certificate;
        return await MtaTlsClient.ConnectAsync(options).Soon();
    }
}
