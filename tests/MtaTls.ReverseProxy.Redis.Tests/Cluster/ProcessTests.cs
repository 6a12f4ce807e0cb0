using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using MtaTls.FunctionalTests.Agents.Processes;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>Gateways and agents as processes, with the real Redis and HAProxy. They are killed, stopped and restarted under load.</summary>
public sealed class ProcessTests
{
    [Fact]
    public async Task Kill_9_of_a_gateway_fails_only_what_was_in_flight_on_it()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync();
        await cluster.AgentAsync("first");
        await cluster.AgentAsync("second");
        await cluster.SpreadAsync();
        await using Load load = new([() => cluster.Client()], workersEach: 8);
        await load.FurtherAsync(200);
        Task<(int ExitCode, string Output)> h2load = Tool.RunAsync(
            "h2load", "", "-c", "12", "-m", "2", "-D", "12", "--warm-up-time=1", $"--connect-to=127.0.0.1:{cluster.Balancer.Port}", $"https://plant7.example.test/");
        await load.FurtherAsync(500);
        await cluster.Gateways[1].KillAsync();
        await load.FurtherAsync(2_000);
        (_, string report) = await h2load;
        await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Answered} answered, {load.Failures.Length} failed: {string.Join('\n', load.Failures)}");
        // Each worker has at most one request in flight, h2load has two for each connection.
        Assert.InRange(load.Failures.Length, 0, 8);
        Match requests = Regex.Match(report, @"(\d+) succeeded, (\d+) failed, (\d+) errored");
        Assert.True(int.Parse(requests.Groups[1].Value, CultureInfo.InvariantCulture) > 0, report);
        Assert.InRange(int.Parse(requests.Groups[2].Value, CultureInfo.InvariantCulture), 0, 12 * 2);
        // All names are served through all remaining gateways.
        foreach (int i in (int[])[0, 2])
        {
            using HttpClient client = cluster.Client(i);
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/").Soon()).StatusCode);
        }
    }

    [Fact]
    public async Task An_agent_with_one_session_is_served_again_when_its_gateway_was_killed()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync();
        HostProcess agent = await cluster.AgentAsync("plant", sessions: 1);
        int killed = await cluster.NodeOfAsync("plant");
        int[] left = [.. Enumerable.Range(0, 3).Where(i => i != killed)];
        await Task.WhenAll(left.Select(i => cluster.ServedAsync(i)));
        Func<HttpClient>[] toLeft = [() => cluster.Client(left[0]), () => cluster.Client(left[1])];
        await using Load load = new(toLeft);
        await load.FurtherAsync(100);
        await cluster.Gateways[killed].KillAsync();
        // The agent registers elsewhere, and each gateway that is left finds it there.
        await agent.RegisteredAsync(2);
        await cluster.NodeOfAsync("plant", killed);
        await Task.WhenAll(left.Select(i => cluster.ServedAsync(i)));
        await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Answered} answered, {load.Failures.Length} failed: {string.Join('\n', load.Failures)}");
        // Requests in flight have failed (502), requests without an agent got 503, and no connection to a live gateway has broken.
        Assert.All(load.Failures, static f => Assert.Matches(@"^\S+ (GET|POST) \d+: 50[23] ", f));
        // No request that begins from now on fails.
        await using Load after = new(toLeft);
        await after.FurtherAsync(200);
        await after.StopAsync();
        Assert.Empty(after.Failures);
    }

    [Fact]
    public async Task A_rolling_restart_of_all_gateways_loses_nothing()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync();
        await cluster.AgentAsync("first");
        await cluster.AgentAsync("second");
        await using Load load = new([() => cluster.Client()], workersEach: 8);
        for (int i = 0; i < 3; i++)
        {
            await load.FurtherAsync(300);
            await cluster.RestartAsync(i);
        }

        await load.FurtherAsync(300);
        await load.StopAsync();
        Assert.True(load.Failures is [], $"{string.Join('\n', load.Failures)}\n\n{cluster.Log}");
    }

    /// <summary>The pace of the long run in MtaTls.Stress (<c>moves</c>), for a short time.</summary>
    [Fact]
    public async Task An_agent_that_moves_every_second_fails_no_request()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync();
        TestApp agent = await cluster.LocalAgentAsync("agent-0", ClusterGateway.Plant7, gateway: 0);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => cluster.ServedAsync(i)));
        await using Load load = new([() => cluster.Client(0), () => cluster.Client(1), () => cluster.Client(2)]);
        for (int i = 1; i <= 20; i++)
        {
            var second = Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
            TestApp next = await cluster.LocalAgentAsync($"agent-{i}", ClusterGateway.Plant7, gateway: i % 3);
            await agent.App.StopAsync(TestContext.Current.CancellationToken).Soon();
            agent = next;
            await second;
        }

        await load.FurtherAsync(100);
        await load.StopAsync();
        Assert.Empty(load.Failures);
        await cluster.MembersAsync(static members => members.Length == 1);
    }

    [Fact]
    public async Task A_gateway_that_is_paused_for_longer_than_its_lease_comes_back_with_a_new_epoch()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync();
        await cluster.AgentAsync("own", gateway: 1);
        await cluster.AgentAsync("other", gateway: 2);
        using HttpClient client = cluster.Client(0);
        await ClusterGateway.ServedAsync(client);
        await cluster.Gateways[1].SignalAsync("STOP");
        await cluster.Gateways[0].LineAsync("Gateway gw-1 has left the cluster");
        // Only the other agent is left, and what is sent reaches it.
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("other", await client.GetStringAsync("/").Soon());
        }

        await cluster.Gateways[1].SignalAsync("CONT");
        await cluster.Gateways[1].LineAsync("The lease of this gateway, gw-1 with epoch");
        await cluster.Gateways[0].LineAsync("Gateway gw-1 has joined the cluster", 2);
        await ClusterGateway.ServedAsync(client);
        Assert.Contains(await cluster.MembersAsync(), static m => m[0] == "gw-2");
        for (int i = 0; i < 50; i++)
        {
            Assert.Contains(await client.GetStringAsync("/").Soon(), (string[])["own", "other"]);
        }
    }

    [Fact]
    public async Task Agents_behind_one_address_spread_their_sessions_over_gateways()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync();
        await cluster.AgentAsync("plant");
        await cluster.SpreadAsync();
    }
}
