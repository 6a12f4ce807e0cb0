using System.Net;
using MtaTls.ReverseProxy.Redis.Tests.Support;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>A gateway that can't reach Redis for longer than MaxStale.</summary>
public sealed class StaleTests
{
    [Fact]
    public async Task After_MaxStale_without_Redis_only_own_agents_are_used_and_all_when_it_is_back()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using Relay relay = new(redis.Port);
        await using ClusterGateway a = await ClusterGateway.StartAsync(
            redis, "gw-a", cluster: "\"MaxStale\": \"00:00:01\"", agents: "\"WaitForAgent\": \"00:00:00.200\"", replace: "\"Lease\": \"00:02:00\"",
            use: proxy => proxy.UseRedisDirectory($"127.0.0.1:{relay.Port}")),
            b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp own = await a.AgentAsync("own", "own.internal"), plant = await b.AgentAsync("plant");
        await a.AgentsAsync(1);
        await a.MembersAsync(1);
        // Through a YARP cluster, and through the host pattern.
        using HttpClient destinations = a.Client(), forwarder = a.Client("plant7.agents.example.test"), local = a.Client("own.agents.example.test"), there = b.Client();
        await ClusterGateway.ServedAsync(destinations);
        await ClusterGateway.ServedAsync(forwarder);
        await Wait.UntilAsync(() => HasDestination(a, "plant"));
        relay.Cut();
        await a.LoggedAsync("DirectoryStale");
        await Wait.UntilAsync(() => !HasDestination(a, "plant"));
        for (int i = 0; i < 3; i++)
        {
            foreach (HttpClient client in (HttpClient[])[destinations, forwarder])
            {
                using HttpResponseMessage response = await client.GetAsync("/").Soon();
                Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            }

            Assert.Equal("own", await local.GetStringAsync("/").Soon());
        }

        // The other gateway has always reached Redis, the agent has never left it, and this gateway's lease has not ended. So nothing in Redis has changed when this gateway is back.
        Assert.Equal("plant", await there.GetStringAsync("/").Soon());
        relay.Mend();
        await a.LoggedAsync("DirectoryReached", 2);
        await Wait.UntilAsync(() => HasDestination(a, "plant"));
        await ClusterGateway.ServedAsync(destinations);
        await ClusterGateway.ServedAsync(forwarder);
        Assert.Equal("own", await local.GetStringAsync("/").Soon());
        Assert.Single(a.Messages("DirectoryStale"));
    }

    private static bool HasDestination(ClusterGateway gateway, string agent)
        => gateway.App.Services.GetRequiredService<IProxyStateLookup>().TryGetCluster("plant7", out ClusterState? cluster) && cluster.Destinations.Keys.Any(k => k.Split('/').Contains(agent));
}
