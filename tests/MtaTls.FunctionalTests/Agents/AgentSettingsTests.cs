using System.Net;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.ReverseProxy.Agents;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>The effects of settings at both ends.</summary>
public class AgentSettingsTests
{
    [Fact]
    public async Task An_agent_with_three_times_the_weight_counts_three_times()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp light = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: "light");
        await using TestApp heavy = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, configure: static o => o.Weight = 3, agent: "heavy");
        IProxyStateLookup lookup = gateway.Services.GetRequiredService<IProxyStateLookup>();
        int Count(string agent) => lookup.TryGetCluster("plant7", out ClusterState? cluster) ? cluster.Destinations.Keys.Count(k => k.StartsWith($"agents/{agent}/", StringComparison.Ordinal)) : 0;
        await Wait.UntilAsync(() => (Count("light"), Count("heavy")) == (1, 3));
    }

    [Fact]
    public async Task The_gateway_sends_its_node_and_heartbeat_and_pings_at_that_interval()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings(""" "Node": "gw-a", "Heartbeat": "00:00:01" """));
        await using RawAgent agent = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        Assert.Contains("\"heartbeat\":1,\"node\":\"gw-a\"", agent.Body, StringComparison.Ordinal);
        Assert.Contains("event: ping", await agent.ReadEventAsync(), StringComparison.Ordinal);
        Assert.Contains("event: ping", await agent.ReadEventAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agents_of_a_gateway_that_stops_go_to_its_alternates()
    {
        await using TestApp second = await AgentGateway.StartAsync();
        TestApp first = await AgentGateway.StartAsync(AgentGateway.Settings($""" "DrainTimeout": "00:00:02", "Alternates": [ "https://127.0.0.1:{second.Port}" ] """));
        await using TestApp app = await AgentApp.StartAsync(first.Port, AgentGateway.Plant7);
        await first.AgentsAsync(1);
        await first.App.StopAsync();
        await second.AgentsAsync(1);
        await first.DisposeAsync();
    }

    [Fact]
    public async Task An_agent_that_is_refused_logs_it_once_and_tries_again()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, "plant9.internal");
        await Wait.UntilAsync(() => gateway.Messages("NameRefused").Length >= 3);
        string message = Assert.Single(app.Messages("RegistrationRefused"));
        Assert.Contains("403", message, StringComparison.Ordinal);
        Assert.Contains("plant9.internal (not allowed)", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_that_asks_an_agent_to_leave_again_and_again_is_not_followed_without_pause()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7,
            configure: static o =>
            {
                (o.Reconnect.MaxDelay, o.Reconnect.InitialDelay, o.Reconnect.Jitter) = (TimeSpan.FromHours(1), TimeSpan.FromHours(1), 0);
                // An attempt that fails would be followed by that hour too.
                o.ConnectTimeout = Wait.Timeout;
            });
        IMtaTlsAgents agents = gateway.Services.GetRequiredService<IMtaTlsAgents>();
        for (int i = 1; i <= 2; i++)
        {
            await gateway.AgentsAsync(1);
            await agents.DrainAsync(gateway.Agents().Single(static a => !a.IsDraining).Id, TimeSpan.Zero);
            await Wait.UntilAsync(() => app.Messages("GatewayDrains").Length == i);
        }

        // Now the agent waits for an hour. Its session continues meanwhile.
        await Task.Delay(200);
        Assert.All(gateway.Agents(), static a => Assert.True(a.IsDraining));
        Assert.NotEmpty(gateway.Agents());
    }

    [Fact]
    public async Task A_cluster_that_gets_agents_reaches_them_without_a_restart()
    {
        await using TestApp direct = await TestApp.StartBareAsync(
            static builder => builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0)), static app => app.Map("/{**path}", static () => "direct"));
        string settings = AgentGateway.Settings(""" "WaitForAgent": "00:01:00" """);
        string before = settings.Replace("""{ "Address": "http://plant7.internal", "Metadata": { "MtaTls:Agent": "plant7.internal" } }""", $$"""{ "Address": "http://127.0.0.1:{{direct.Port}}" }""", StringComparison.Ordinal);
        Assert.NotEqual(settings, before);
        await using TestApp gateway = await AgentGateway.StartAsync(before);
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7);
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Assert.Equal("direct", await client.GetStringAsync("/").Soon());
        Gateway.Write(gateway.ContentRoot, settings);
        HttpResponseMessage response;
        while ((await (response = await client.GetAsync("/").Soon()).Content.ReadAsStringAsync()) == "direct")
        {
            response.Dispose();
        }

        using (response)
        {
            Assert.Equal((HttpStatusCode.OK, "a"), (response.StatusCode, await response.Content.ReadAsStringAsync()));
        }
    }

    [Fact]
    public async Task The_configuration_is_reloaded_while_agents_come_and_go_and_no_request_fails()
    {
        static string Settings(string policy) => AgentGateway.Settings(""" "WaitForAgent": "00:01:00" """, $""" "LoadBalancingPolicy": "{policy}", """);
        await using TestApp gateway = await AgentGateway.StartAsync(Settings("RoundRobin"));
        await using TestApp stays = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: "stays");
        await gateway.AgentsAsync(1);
        using CancellationTokenSource stop = new();
        int answered = 0;
        Task[] load = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            using HttpClient client = gateway.Client();
            while (!stop.IsCancellationRequested)
            {
                using HttpResponseMessage response = await client.PostAsync("/", new StringContent("body")).Soon();
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                Interlocked.Increment(ref answered);
            }
        }))];
        for (int i = 0; i < 4; i++)
        {
            await using TestApp comes = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: $"comes{i}");
            Gateway.Write(gateway.ContentRoot, Settings(i % 2 == 0 ? "PowerOfTwoChoices" : "RoundRobin"));
            await gateway.AgentsAsync(2);
            int before = Volatile.Read(ref answered);
            await Wait.UntilAsync(() => Volatile.Read(ref answered) > before + 100 || load.Any(static t => t.IsCompleted));
            await comes.StopAsync();
        }

        await stop.CancelAsync();
        await Task.WhenAll(load).Soon();
    }
}
