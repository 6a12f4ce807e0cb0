using System.Collections.Concurrent;
using System.Net;
using System.Text.RegularExpressions;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Agents.Processes;

/// <summary>Agents and gateways as processes that are stopped, killed, suspended and disconnected during requests.</summary>
public class LossTests
{
    private static readonly string[] s_three = ["a", "b", "c"];

    [Fact]
    public async Task Three_agents_under_h2load_are_restarted_one_after_another_without_a_failed_or_repeated_POST()
    {
        await using HostProcess gateway = await HostProcess.StartGatewayAsync();
        Dictionary<string, HostProcess> agents = [];
        List<HostProcess> all = [];
        void Start(string name) => all.Add(agents[name] = HostProcess.StartAgent($"https://127.0.0.1:{gateway.Port}", name));
        try
        {
            Array.ForEach(s_three, Start);
            await gateway.AgentsAsync(s_three);
            using CancellationTokenSource restarted = new();
            Task<int> load = Task.Run(async () =>
            {
                int sent = 0;
                do
                {
                    sent += await PostAsync(gateway, 1_000);
                }
                while (!restarted.IsCancellationRequested);
                return sent;
            });
            foreach (string name in s_three)
            {
                int before = all.Sum(static a => a.Orders.Count());
                await Wait.UntilAsync(() => load.IsCompleted || all.Sum(static a => a.Orders.Count()) > before + 500);
                await agents[name].StopAsync();
                Start(name);
                await gateway.AgentsAsync(s_three);
            }

            await restarted.CancelAsync();
            int answered = await load.Soon();
            // Each POST was received once: as many as were answered, and all of those were answered with success.
            await Wait.UntilAsync(() => all.Sum(static a => a.Orders.Count()) >= answered);
            Assert.Equal(answered, all.Sum(static a => a.Orders.Count()));
        }
        finally
        {
            await DisposeAsync(all);
        }
    }

    [Fact]
    public async Task A_killed_agent_costs_the_POSTs_in_flight_there_and_no_GET()
    {
        const int Clients = 8;
        await using HostProcess gateway = await HostProcess.StartGatewayAsync();
        List<HostProcess> all = [.. s_three.Select(name => HostProcess.StartAgent($"https://127.0.0.1:{gateway.Port}", name))];
        try
        {
            await gateway.AgentsAsync(s_three);
            using CancellationTokenSource stop = new();
            ConcurrentDictionary<string, HttpStatusCode> posts = [], gets = [];
            Task[] load = [.. Enumerable.Range(0, Clients).Select(worker => Task.Run(async () =>
            {
                using HttpClient client = PublicClient.Create(gateway);
                for (int i = 0; !stop.IsCancellationRequested; i++)
                {
                    string id = $"{worker}-{i}";
                    using HttpResponseMessage get = await client.GetAsync($"/?{id}").Soon();
                    gets[id] = get.StatusCode;
                    using HttpResponseMessage post = await client.PostAsync($"/orders/{id}", null).Soon();
                    posts[id] = post.StatusCode;
                }
            }))];
            await Wait.UntilAsync(() => all.TrueForAll(static a => a.Orders.Count() > 30) || load.Any(static t => t.IsFaulted));
            await all[0].KillAsync();
            await gateway.AgentsAsync(["b", "c"]);
            int before = posts.Count;
            await Wait.UntilAsync(() => posts.Count > before + 100 || load.Any(static t => t.IsFaulted));
            await stop.CancelAsync();
            await Task.WhenAll(load).Soon();

            Assert.All(gets, static g => Assert.Equal(HttpStatusCode.OK, g.Value));
            Assert.InRange(posts.Count(static p => p.Value != HttpStatusCode.OK), 0, Clients);
            Assert.All(posts.Where(static p => p.Value != HttpStatusCode.OK), static p => Assert.Equal(HttpStatusCode.BadGateway, p.Value));
            string[] orders = [.. all.SelectMany(static a => a.Orders)];
            Assert.Equal(orders.Length, orders.Distinct(StringComparer.Ordinal).Count());
        }
        finally
        {
            await DisposeAsync(all);
        }
    }

    [Fact]
    public async Task Agents_find_a_gateway_again_that_was_killed()
    {
        int port = FreePort.Find();
        HostProcess gateway = await HostProcess.StartGatewayAsync(port: port);
        await using var agent = HostProcess.StartAgent($"https://127.0.0.1:{port}", "a");
        await gateway.AgentsAsync(["a"]);
        await agent.RegisteredAsync();
        await gateway.KillAsync();
        await gateway.DisposeAsync();
        // RegistrationLost
        await agent.LineAsync("The registration with .* has ended", 2);
        await using HostProcess again = await HostProcess.StartGatewayAsync(port: port);
        await again.AgentsAsync(["a"]);
        using HttpClient client = PublicClient.Create(again);
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
    }

    [Fact]
    public async Task With_two_gateways_the_other_serves_when_one_is_killed()
    {
        await using HostProcess one = await HostProcess.StartGatewayAsync(port: FreePort.Find()), two = await HostProcess.StartGatewayAsync();
        await using var agent = HostProcess.StartAgent($"https://127.0.0.1:{one.Port}", "a", settings: new() { ["MtaTlsAgent:Gateways:1"] = $"https://127.0.0.1:{two.Port}" });
        // The two sessions are with different gateways.
        await one.AgentsAsync(["a"], sessions: 1);
        await two.AgentsAsync(["a"], sessions: 1);
        await one.KillAsync();
        using HttpClient client = PublicClient.Create(two);
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
        // The lost session is replaced by one with the remaining gateway, and moves back when the other gateway has returned.
        await two.AgentsAsync(["a"], sessions: 2);
        await using HostProcess again = await HostProcess.StartGatewayAsync(port: one.Port);
        await again.AgentsAsync(["a"], sessions: 1);
        await two.AgentsAsync(["a"], sessions: 1);
    }

    [Fact]
    public async Task An_agent_that_hangs_is_found_and_another_serves()
    {
        await using HostProcess gateway = await HostProcess.StartGatewayAsync(AgentGateway.Settings(""" "Heartbeat": "00:00:01" """));
        await using HostProcess frozen = HostProcess.StartAgent($"https://127.0.0.1:{gateway.Port}", "frozen"), other = HostProcess.StartAgent($"https://127.0.0.1:{gateway.Port}", "other");
        await gateway.AgentsAsync(["frozen", "other"]);
        await frozen.SignalAsync("STOP");
        // AgentSilent
        await gateway.LineAsync(@"Agent frozen \(\w+\) has not answered a ping");
        await gateway.AgentsAsync(["other"]);
        using HttpClient client = PublicClient.Create(gateway);
        Assert.Equal("other", await client.GetStringAsync("/").Soon());
        // When the agent continues, its sessions have ended, and it registers again.
        await frozen.SignalAsync("CONT");
        await gateway.AgentsAsync(["frozen", "other"]);
    }

    [Fact]
    public async Task Agents_of_a_gateway_that_hangs_register_with_another()
    {
        string settings = AgentGateway.Settings(""" "Heartbeat": "00:00:01" """);
        await using HostProcess frozen = await HostProcess.StartGatewayAsync(settings), other = await HostProcess.StartGatewayAsync(settings);
        await using var agent = HostProcess.StartAgent(
            $"https://127.0.0.1:{frozen.Port}", "a", settings: new() { ["MtaTlsAgent:Gateways:1"] = $"https://127.0.0.1:{other.Port}", ["MtaTlsAgent:ConnectTimeout"] = "00:00:05" });
        await frozen.AgentsAsync(["a"], sessions: 1);
        await other.AgentsAsync(["a"], sessions: 1);
        // A gateway lists a registration before it has answered it.
        await agent.RegisteredAsync();
        await frozen.SignalAsync("STOP");
        await agent.LineAsync($"The registration with https://127.0.0.1:{frozen.Port}/ has ended");
        await other.AgentsAsync(["a"], sessions: 2);
        await frozen.SignalAsync("CONT");
    }

    [Fact]
    public async Task Both_ends_find_that_all_packets_are_dropped_and_the_agent_registers_again()
    {
        using var network = PlantNetwork.Create();
        string settings = AgentGateway.Settings(""" "Heartbeat": "00:00:01" """);
        await using HostProcess gateway = await HostProcess.StartGatewayAsync(
            settings, network.GatewayAddress,
            more: new() { ["MtaTls:KeepAlive:Tcp"] = "false" }); // It ends the session after 25 seconds too, without the message.
        await using var agent = HostProcess.StartAgent(
            $"https://{network.GatewayAddress}:{gateway.Port}", "a", network.Plant, new() { ["MtaTlsAgent:ConnectTimeout"] = "00:00:05" });
        await gateway.AgentsAsync(["a"], address: network.GatewayAddress);
        await agent.RegisteredAsync();
        network.Drop();
        await gateway.LineAsync(@"Agent a \(\w+\) has not answered a ping", 2);
        await agent.LineAsync("The registration with .* has ended", 2);
        await gateway.AgentsAsync([], address: network.GatewayAddress);
        // A request waits, and is served when the agent is back.
        using HttpClient client = PublicClient.Create(gateway, address: network.GatewayAddress);
        Task<string> waiting = client.GetStringAsync("/");
        network.Mend();
        Assert.Equal("a", await waiting.Soon());
    }

    /// <summary>Sends POSTs with h2load, all of which must succeed.</summary>
    private static async Task<int> PostAsync(HostProcess gateway, int count)
    {
        string body = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(body, "body");
            (int exitCode, string output) = await Tool.RunAsync(
                "h2load", "", "-n", $"{count}", "-c", "8", "-m", "2", "-d", body, $"--connect-to=127.0.0.1:{gateway.Port}", $"https://{PublicClient.Plant7Host}:{gateway.Port}/orders/1");
            Assert.True(exitCode == 0 && Regex.IsMatch(output, $"{count} succeeded, 0 failed, 0 errored, 0 timeout") && Regex.IsMatch(output, $"status codes: {count} 2xx"), output + gateway.Log);
            return count;
        }
        finally
        {
            File.Delete(body);
        }
    }

    private static async Task DisposeAsync(List<HostProcess> processes)
    {
        foreach (HostProcess process in processes)
        {
            await process.DisposeAsync();
        }
    }
}
