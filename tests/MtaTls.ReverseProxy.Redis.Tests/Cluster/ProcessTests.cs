using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using MtaTls.FunctionalTests.Agents;
using MtaTls.FunctionalTests.Agents.Processes;
using MtaTls.FunctionalTests.Liveness;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>Gateways and agents as processes, with the real Redis and HAProxy: they are killed, stopped and restarted while requests go on.</summary>
public sealed class ProcessTests
{
    private const string Check = "check check-ssl verify none inter 200ms fastinter 100ms fall 1 rise 1";

    /// <summary>The most time from the kill to the last failure.</summary>
    private static readonly TimeSpan s_recovery = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task Kill_9_of_a_gateway_fails_only_what_was_in_flight_on_it()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ProcessGateways gateways = await ProcessGateways.StartAsync(redis, 3);
        await using HaProxy balancer = await HaProxy.StartAsync([.. gateways.Ports], check: Check);
        await gateways.UpAsync(balancer);
        await using HostProcess first = gateways.Agent(balancer, "first"), second = gateways.Agent(balancer, "second");
        await first.RegisteredAsync();
        await second.RegisteredAsync();
        await gateways.SpreadAsync();
        await using Load load = new([() => Client(balancer)], workersEach: 8);
        await load.FurtherAsync(200);
        Task<(int ExitCode, string Output)> h2load = Tool.RunAsync(
            "h2load", "", "-c", "12", "-m", "2", "-D", "12", "--warm-up-time=1", $"--connect-to=127.0.0.1:{balancer.Port}", $"https://plant7.example.test/");
        await load.FurtherAsync(500);
        DateTime killed = DateTime.UtcNow;
        await gateways.KillAsync(1);
        await load.FurtherAsync(2_000);
        (_, string report) = await h2load;
        await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Answered} answered, {load.Failures.Length} failed: {string.Join('\n', load.Failures)}");
        // Each worker has at most one request in flight, and h2load two a connection.
        Assert.InRange(load.Failures.Length, 0, 8);
        Assert.All(load.Failures, f => Assert.InRange(TimeOf(f) - killed, TimeSpan.FromSeconds(-1), s_recovery));
        Match requests = Regex.Match(report, @"(\d+) succeeded, (\d+) failed, (\d+) errored");
        Assert.True(int.Parse(requests.Groups[1].Value, CultureInfo.InvariantCulture) > 500, report);
        Assert.InRange(int.Parse(requests.Groups[2].Value, CultureInfo.InvariantCulture), 0, 12 * 2);
        // All names through all that are left.
        foreach (int i in (int[])[0, 2])
        {
            using HttpClient client = ClusterGateway.Client(gateways.Ports[i]);
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/").Soon()).StatusCode);
        }
    }

    [Fact]
    public async Task An_agent_with_one_session_is_served_again_when_its_gateway_was_killed()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ProcessGateways gateways = await ProcessGateways.StartAsync(redis, 3);
        await using HaProxy balancer = await HaProxy.StartAsync([.. gateways.Ports], check: Check);
        await gateways.UpAsync(balancer);
        await using var agent = HostProcess.StartAgent($"https://127.0.0.1:{balancer.Port}", "plant", settings: new() { ["MtaTlsAgent:Sessions"] = "1" });
        await agent.RegisteredAsync(1);
        int killed = await gateways.NodeOfAsync("plant");
        int[] left = [.. Enumerable.Range(0, 3).Where(i => i != killed)];
        HttpClient[] clients = [.. left.Select(i => ClusterGateway.Client(gateways.Ports[i]))];
        await Task.WhenAll(clients.Select(ClusterGateway.ServedAsync));
        Func<HttpClient>[] toLeft = [() => ClusterGateway.Client(gateways.Ports[left[0]]), () => ClusterGateway.Client(gateways.Ports[left[1]])];
        await using Load load = new(toLeft);
        await load.FurtherAsync(100);
        await gateways.KillAsync(killed);
        // The agent registers elsewhere, and each gateway that is left finds it there.
        await agent.RegisteredAsync(2);
        await gateways.NodeOfAsync("plant", killed);
        await Task.WhenAll(clients.Select(ClusterGateway.ServedAsync));
        await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Answered} answered, {load.Failures.Length} failed: {string.Join('\n', load.Failures)}");
        // What was in flight has failed (502), what found no agent for a while is told so (503), and no connection to a living gateway has broken.
        Assert.All(load.Failures, static f => Assert.Matches(@"^\S+ (GET|POST) \d+: 50[23] ", f));
        // Nothing that begins from now on fails.
        await using Load after = new(toLeft);
        await after.FurtherAsync(200);
        await after.StopAsync();
        Assert.Empty(after.Failures);
        Array.ForEach(clients, static c => c.Dispose());
    }

    [Fact]
    public async Task A_rolling_restart_of_all_gateways_loses_nothing()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ProcessGateways gateways = await ProcessGateways.StartAsync(redis, 3);
        await using HaProxy balancer = await HaProxy.StartAsync([.. gateways.Ports], check: Check);
        await gateways.UpAsync(balancer);
        await using HostProcess first = gateways.Agent(balancer, "first"), second = gateways.Agent(balancer, "second");
        await first.RegisteredAsync();
        await second.RegisteredAsync();
        await using Load load = new([() => Client(balancer)], workersEach: 8);
        for (int i = 0; i < 3; i++)
        {
            await load.FurtherAsync(300);
            await gateways.RestartAsync(i);
            await balancer.WaitForAsync(i, "UP");
        }

        await load.FurtherAsync(300);
        await load.StopAsync();
        Assert.Empty(load.Failures);
    }

    [Fact]
    public async Task A_gateway_that_is_paused_for_longer_than_its_lease_comes_back_with_a_new_epoch()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ProcessGateways gateways = await ProcessGateways.StartAsync(redis, 3);
        await using HostProcess own = gateways.Agent(gateways.Ports[1], "own"), other = gateways.Agent(gateways.Ports[2], "other");
        await own.RegisteredAsync();
        await other.RegisteredAsync();
        using HttpClient client = ClusterGateway.Client(gateways.Ports[0]);
        await ClusterGateway.ServedAsync(client);
        await gateways.Processes[1].SignalAsync("STOP");
        await gateways.Processes[0].LineAsync("Gateway gw-1 has gone");
        // Only the other agent is left, and what is sent reaches it.
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("other", await client.GetStringAsync("/").Soon());
        }

        await gateways.Processes[1].SignalAsync("CONT");
        await gateways.Processes[1].LineAsync("The lease of gateway gw-1 with epoch");
        await gateways.Processes[0].LineAsync("Gateway gw-1 has come", 2);
        await ClusterGateway.ServedAsync(client);
        string?[] members = (string?[])(await redis.CommandAsync("SMEMBERS", "mtatls:agents:plant7.internal"))!;
        Assert.Contains(members, static m => m!.StartsWith("gw-2|", StringComparison.Ordinal));
        for (int i = 0; i < 50; i++)
        {
            Assert.Contains(await client.GetStringAsync("/").Soon(), (string[])["own", "other"]);
        }
    }

    [Fact]
    public async Task Agents_behind_one_address_spread_their_sessions_over_gateways()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ProcessGateways gateways = await ProcessGateways.StartAsync(redis, 3);
        await using HaProxy balancer = await HaProxy.StartAsync([.. gateways.Ports], check: Check);
        await gateways.UpAsync(balancer);
        await using HostProcess agent = gateways.Agent(balancer, "plant");
        await agent.RegisteredAsync();
        await gateways.SpreadAsync();
    }

    private static HttpClient Client(HaProxy balancer)
    {
        HttpClient client = ClusterGateway.Client(balancer.Port);
        client.DefaultRequestVersion = HttpVersion.Version20;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return client;
    }

    private static TimeSpan TimeOfDay(string failure) => TimeSpan.Parse(failure.Split(' ')[0], CultureInfo.InvariantCulture);

    private static DateTime TimeOf(string failure) => DateTime.UtcNow.Date + TimeOfDay(failure);
}
