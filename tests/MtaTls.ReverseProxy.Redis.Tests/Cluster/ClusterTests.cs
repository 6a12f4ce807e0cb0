using System.Net;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>Several gateways with one directory. The same tests run with redis-server and with Garnet.</summary>
public abstract class ClusterTests(Func<Task<DirectoryServer>> start)
{
    [Fact]
    public async Task An_agent_of_one_gateway_is_served_through_every_gateway()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b"), c = await ClusterGateway.StartAsync(redis, "gw-c");
        await using TestApp agent = await b.AgentAsync("plant");
        await b.AgentsAsync(1);
        foreach (ClusterGateway gateway in (ClusterGateway[])[a, b, c])
        {
            await gateway.MembersAsync(1);
            using HttpClient routed = gateway.Client(), named = gateway.Client("plant7.agents.example.test");
            Assert.Equal("plant", await routed.GetStringAsync("/").Soon());
            Assert.Equal("plant", await named.GetStringAsync("/").Soon());
        }
    }

    [Fact]
    public async Task The_agent_sees_the_public_client_of_another_gateway()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync(map: static app => app.MapGet("/", static (HttpContext context) =>
            $"{context.Connection.RemoteIpAddress} {context.Request.Host} {context.Features.Get<MtaTls.Agent.IMtaTlsAgentFeature>()?.PublicClient.Port}"));
        await a.MembersAsync(1);
        int port = 0;
        using HttpClient client = new(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
            ConnectCallback = async (_, token) =>
            {
                System.Net.Sockets.Socket socket = new(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, a.Port, token);
                port = ((IPEndPoint)socket.LocalEndPoint!).Port;
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
        });
        string answer = await client.GetStringAsync(new Uri("https://plant7.example.test/")).Soon();
        Assert.Equal($"127.0.0.1 plant7.example.test {port}", answer);
    }

    [Fact]
    public async Task Local_agents_are_preferred_and_others_serve_when_they_have_gone()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp far = await b.AgentAsync("far");
        using HttpClient client = a.Client();
        await using (TestApp near = await a.AgentAsync("near"))
        {
            await a.AgentsAsync(1);
            await a.MembersAsync(2);
            await UntilServedByAsync(client, "near");
            for (int i = 0; i < 20; i++)
            {
                Assert.Equal("near", await client.GetStringAsync("/").Soon());
            }
        }

        Assert.Equal("far", await client.GetStringAsync("/").Soon());
    }

    [Fact]
    public async Task Without_LocalFirst_all_agents_share_the_requests()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"LocalFirst\": false"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp far = await b.AgentAsync("far"), near = await a.AgentAsync("near");
        await a.AgentsAsync(1);
        await a.MembersAsync(2);
        using HttpClient client = a.Client();
        await UntilServedByAsync(client, "near");
        await UntilServedByAsync(client, "far");
    }

    [Fact]
    public async Task An_agent_that_restarts_loses_no_request_that_comes_through_another_gateway()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        TestApp first = await b.AgentAsync("first"), second = await b.AgentAsync("second");
        await a.MembersAsync(2);
        await using Load load = new([() => a.Client(), () => a.Client("plant7.agents.example.test")], workersEach: 4);
        for (int i = 0; i < 4; i++)
        {
            await load.FurtherAsync(100);
            await first.StopAsync();
            await first.DisposeAsync();
            await load.FurtherAsync(100);
            first = second;
            second = await b.AgentAsync($"next{i}");
            await a.MembersAsync(2);
        }

        await load.FurtherAsync(100);
        await load.StopAsync();
        Assert.Empty(load.Failures);
        await first.DisposeAsync();
        await second.DisposeAsync();
    }

    [Fact]
    public async Task A_gateway_that_stops_moves_its_agents_to_others_and_loses_no_request()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), c = await ClusterGateway.StartAsync(redis, "gw-c");
        ClusterGateway b = await ClusterGateway.StartAsync(redis, "gw-b", agents: $"\"DrainTimeout\": \"00:00:05\", \"Alternates\": [ \"https://127.0.0.1:{c.Port}\" ]");
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        await using Load load = new([() => a.Client()], workersEach: 4);
        await load.FurtherAsync(100);
        Task stopping = b.App.App.StopAsync();
        await c.AgentsAsync(1);
        await stopping.Soon();
        await load.FurtherAsync(100);
        await load.StopAsync();
        Assert.Empty(load.Failures);
        await a.LoggedAsync("NodeDraining");
        await a.LoggedAsync("NodeGone");
        await b.DisposeAsync();
    }

    [Fact]
    public async Task Known_agents_are_served_without_Redis_and_an_empty_Redis_is_filled_again()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync("plant"), other = await a.AgentAsync("other", "other.internal");
        await a.MembersAsync(1);
        await b.MembersAsync(1, "other.internal");
        using HttpClient client = a.Client(), health = a.Client("localhost"), unknown = a.Client("plant8.agents.example.test");
        await using Load load = new([() => a.Client(), () => b.Client("other.agents.example.test")]);
        await load.FurtherAsync(50);
        Assert.Equal("Healthy", await health.GetStringAsync("/health").Soon());
        await redis.KillAsync();
        await a.LoggedAsync("DirectoryLost");
        await b.LoggedAsync("DirectoryLost");
        Assert.Equal("Degraded", await health.GetStringAsync("/health").Soon());
        // An unknown name may have agents, so the answer is not 404.
        using (HttpResponseMessage response = await unknown.GetAsync("/").Soon())
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter);
        }

        // A new agent is served by its own gateway at once.
        await using TestApp late = await b.AgentAsync("late", "late.internal");
        using HttpClient lateHere = b.Client("late.agents.example.test"), lateThere = a.Client("late.agents.example.test");
        await b.AgentsAsync(2);
        Assert.Equal("late", await lateHere.GetStringAsync("/").Soon());
        await load.FurtherAsync(50);
        await redis.StartAsync();
        await a.LoggedAsync("DirectoryReached", 2);
        await a.MembersAsync(1, "late.internal");
        Assert.Equal("late", await lateThere.GetStringAsync("/").Soon());
        await load.FurtherAsync(50);
        await load.StopAsync();
        Assert.Empty(load.Failures);
        await Wait.UntilAsync(() => health.GetStringAsync("/health").GetAwaiter().GetResult() == "Healthy");
    }

    [Fact]
    public async Task After_FLUSHALL_no_request_is_lost_and_all_agents_are_announced_again()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        await using Load load = new([() => a.Client(), () => b.Client()]);
        await load.FurtherAsync(50);
        for (int i = 1; i <= 3; i++)
        {
            await redis.CommandAsync("FLUSHALL");
            await b.LoggedAsync("LeaseLost", i);
            await b.LoggedAsync("Announced", i + 1);
            await a.LoggedAsync("LeaseLost", i);
            await a.MembersAsync(1);
            await load.FurtherAsync(50);
        }

        await load.StopAsync();
        Assert.Empty(load.Failures);
        // The data after that are new, not kept from before.
        await using ClusterGateway c = await ClusterGateway.StartAsync(redis, "gw-c");
        await c.NodesAsync(3);
        await c.MembersAsync(1);
    }

    [Fact]
    public async Task An_ended_lease_leads_to_a_new_epoch_and_removes_no_member_of_other_nodes()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", replace: LimitTests.LongLease), b = await ClusterGateway.StartAsync(redis, "gw-b", replace: LimitTests.LongLease),
            c = await ClusterGateway.StartAsync(redis, "gw-c", replace: LimitTests.LongLease);
        await using TestApp atB = await b.AgentAsync("at-b"), atC = await c.AgentAsync("at-c");
        await a.MembersAsync(2);
        long before = b.Directory.Lease.Epoch;
        // Redis does the same when a node has not renewed its lease in time.
        await redis.CommandAsync("DEL", "mtatls:{nodes}:gw-b");
        await b.LoggedAsync("LeaseLost");
        await b.LoggedAsync("Announced", 2);
        Assert.True(b.Directory.Lease.Epoch > before);
        await a.MembersAsync(2);
        string?[] members = (string?[])(await redis.CommandAsync("SMEMBERS", "mtatls:agents:plant7.internal"))!;
        Assert.Equal(2, members.Length);
        Assert.Contains(members, m => m!.StartsWith($"gw-b|{b.Directory.Lease.Epoch}|", StringComparison.Ordinal));
        Assert.Contains(members, m => m!.StartsWith($"gw-c|{c.Directory.Lease.Epoch}|", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_agent_that_has_moved_is_found_at_its_new_gateway()
    {
        await using DirectoryServer redis = await start();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b"), c = await ClusterGateway.StartAsync(redis, "gw-c");
        await using Load load = new([() => a.Client()], workersEach: 3);
        for (int i = 0; i < 5; i++)
        {
            await using TestApp agent = await (i % 2 == 0 ? b : c).AgentAsync($"a{i}");
            await load.FurtherAsync(30);
            await agent.StopAsync();
        }

        await using TestApp last = await c.AgentAsync("last");
        await load.FurtherAsync(30);
        await load.StopAsync();
        Assert.Empty(load.Failures);
    }

    private static async Task UntilServedByAsync(HttpClient client, string agent)
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (await client.GetStringAsync("/", hang.Token) != agent)
        {
        }
    }
}

public sealed class RedisClusterTests() : ClusterTests(static async () => await RedisServer.StartNewAsync());

public sealed class GarnetClusterTests() : ClusterTests(static async () => await GarnetInProcess.StartNewAsync());
