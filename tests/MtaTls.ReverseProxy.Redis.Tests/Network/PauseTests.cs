using MtaTls.FunctionalTests.Agents.Processes;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Network;

/// <summary>A gateway whose host is paused, as a virtual machine that is moved.</summary>
[Collection(NetworkCollection.Name)]
public sealed class PauseTests
{
    /// <summary>With the default lease, of which the pause is more than two.</summary>
    [Fact]
    public async Task A_gateway_paused_for_40_s_leaves_no_stale_route_and_removes_nobody_elses_member()
    {
        using var network = ClusterNetwork.Create();
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(network);
        // One stays with the gateway, one is somewhere else, and one moves while the gateway sleeps.
        await cluster.LocalAgentAsync("stays", "stays.internal", gateway: 1);
        await cluster.LocalAgentAsync("other", "other.internal", gateway: 2);
        await cluster.LocalAgentAsync("moves", "moves.internal", gateway: 1);
        string[] hosts = ["stays.agents.example.test", "other.agents.example.test", "moves.agents.example.test"];
        await Task.WhenAll(hosts.SelectMany(h => (Task[])[cluster.ServedAsync(0, h), cluster.ServedAsync(2, h)]));
        string[] other = Assert.Single(await cluster.MembersAsync("other.internal"));
        string epoch = Assert.Single(await cluster.MembersAsync("stays.internal"))[1];

        await cluster.Gateways[1].SignalAsync("STOP");
        var paused = Task.Delay(TimeSpan.FromSeconds(40), TestContext.Current.CancellationToken);
        foreach (int i in (int[])[0, 2])
        {
            await cluster.Gateways[i].LineAsync("Gateway gw-1 has left the cluster");
        }

        await cluster.LocalAgentAsync("moved", "moves.internal", gateway: 2);
        await cluster.ServedAsync(0, "moves.agents.example.test");
        await paused;
        await using Load load = new([() => cluster.Client(0, hosts[1]), () => cluster.Client(2, hosts[1]), () => cluster.Client(0, hosts[2]), () => cluster.Client(2, hosts[2])], workersEach: 1);
        await load.FurtherAsync(100);

        await cluster.Gateways[1].SignalAsync("CONT");
        await cluster.Gateways[1].LineAsync("The lease of this gateway, gw-1 with epoch");
        foreach (int i in (int[])[0, 2])
        {
            await cluster.Gateways[i].LineAsync("Gateway gw-1 has joined the cluster", 2);
        }

        // All that stands in Redis in the end is true: each member is of an epoch that lives.
        await cluster.MembersAsync(m => m is [["gw-1", ..]] && m[0][1] != epoch, "stays.internal");
        await cluster.ServedAsync(0, hosts[0]);
        string[][] nodes = [.. await cluster.MembersAsync("stays.internal")];
        Assert.Equal(other, Assert.Single(await cluster.MembersAsync("other.internal")));
        await cluster.MembersAsync(m => m.All(f => f[0] == "gw-2" || f[1] == nodes[0][1]), "moves.internal");
        await load.FurtherAsync(200);
        await load.StopAsync();
        Assert.Empty(load.Failures);
    }
}
