using System.Diagnostics;
using MtaTls.FunctionalTests.Agents.Processes;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Network;

/// <summary>Redis on a host of its own that is cut off, or loses all it knew.</summary>
[Collection(NetworkCollection.Name)]
public sealed class DirectoryLossTests
{
    /// <summary>Every lease has ended in Redis meanwhile, and then Redis loses even what is left.</summary>
    [Fact]
    public async Task Redis_away_for_60_s_and_emptied_then_loses_no_request_and_new_agents_are_found_soon()
    {
        using var network = ClusterNetwork.Create();
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(network);
        await cluster.LocalAgentAsync("one", ClusterGateway.Plant7, gateway: 1);
        await cluster.LocalAgentAsync("two", ClusterGateway.Plant7, gateway: 2);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => cluster.ServedAsync(i)));
        await using Load load = new([() => cluster.Client(0), () => cluster.Client(1), () => cluster.Client(2)]);
        await load.FurtherAsync(100);

        network.CutOff(network.Redis);
        await Task.WhenAll(cluster.Gateways.Select(static g => g.LineAsync("Redis can't be reached")));
        await Task.Delay(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        await load.FurtherAsync(100);
        // An agent that comes meanwhile is served by its own gateway.
        await cluster.LocalAgentAsync("late", "late.internal", gateway: 1);
        await cluster.ServedAsync(1, "late.agents.example.test");

        network.Mend();
        await cluster.Redis.CommandAsync("FLUSHALL");
        long begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(cluster.Gateways.Select(static g => g.LineAsync("Redis can be reached", 2)));
        Report("Redis is reached by all", begin);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => cluster.ServedAsync(i, "late.agents.example.test")));
        Report("an agent that came meanwhile is found by all", begin);
        await cluster.LocalAgentAsync("new", "new.internal", gateway: 2);
        begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => cluster.ServedAsync(i, "new.agents.example.test")));
        Report("a new agent that has registered is found by all", begin);
        // What was held over the loss is let go after one lease: nothing changes with that.
        await cluster.MembersAsync(static members => members.Length == 2);
        await Task.Delay(TimeSpan.FromSeconds(16), TestContext.Current.CancellationToken);
        await load.FurtherAsync(100);
        await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Answered} answered");
        Assert.Empty(load.Failures);
    }

    [Fact]
    public async Task Redis_cut_off_from_one_gateway_for_longer_than_its_lease_costs_no_request_there_and_heals()
    {
        using var network = ClusterNetwork.Create();
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(network);
        await cluster.LocalAgentAsync("own", "own.internal", gateway: 1);
        await cluster.LocalAgentAsync("other", "other.internal", gateway: 2);
        await cluster.ServedAsync(1, "other.agents.example.test");
        await cluster.ServedAsync(0, "own.agents.example.test");
        await using Load load = new([() => cluster.Client(1, "own.agents.example.test"), () => cluster.Client(1, "other.agents.example.test")]);
        string[] before = Assert.Single(await cluster.MembersAsync("other.internal"));

        network.Cut(network.Redis, network.Gateway(1));
        await cluster.Gateways[1].LineAsync("Redis can't be reached");
        await cluster.Gateways[0].LineAsync("Gateway gw-1 has left the cluster");
        await cluster.Gateways[2].LineAsync("Gateway gw-1 has left the cluster");
        await load.FurtherAsync(200);
        network.Mend();
        await cluster.Gateways[1].LineAsync("The lease of this gateway, gw-1 with epoch");
        await cluster.Gateways[0].LineAsync("Gateway gw-1 has joined the cluster", 2);
        await cluster.ServedAsync(0, "own.agents.example.test");
        await load.FurtherAsync(200);
        await load.StopAsync();
        Assert.Empty(load.Failures);
        Assert.Equal(before, Assert.Single(await cluster.MembersAsync("other.internal")));
        Assert.Single(await cluster.MembersAsync("own.internal"));
    }

    [Fact]
    public async Task FLUSHALL_loses_no_request_and_every_name_is_found_through_every_gateway_again()
    {
        using var network = ClusterNetwork.Create();
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(network);
        string[] names = ["one", "two", "three"];
        for (int i = 0; i < names.Length; i++)
        {
            await cluster.LocalAgentAsync(names[i], $"{names[i]}.internal", gateway: i);
        }

        (int Gateway, string Host)[] ways = [.. from gateway in Enumerable.Range(0, 3) from name in names select (gateway, $"{name}.agents.example.test")];
        await Task.WhenAll(ways.Select(w => cluster.ServedAsync(w.Gateway, w.Host)));
        await using Load load = new([.. ways.Select(w => (Func<HttpClient>)(() => cluster.Client(w.Gateway, w.Host)))], workersEach: 1, posts: false);
        for (int i = 1; i <= 3; i++)
        {
            await load.FurtherAsync(200);
            await cluster.Redis.CommandAsync("FLUSHALL");
            await Task.WhenAll(cluster.Gateways.Select(g => g.LineAsync("The lease of this gateway", i)));
            foreach (string name in names)
            {
                await cluster.MembersAsync(static members => members.Length == 1, $"{name}.internal");
            }
        }

        await load.FurtherAsync(200);
        await load.StopAsync();
        Assert.Empty(load.Failures);
    }

    private static void Report(string what, long begin) => TestContext.Current.TestOutputHelper?.WriteLine($"{what} after {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s");
}
