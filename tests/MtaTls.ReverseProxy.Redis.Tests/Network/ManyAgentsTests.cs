using System.Diagnostics;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Network;

/// <summary>Twenty agents on hosts of their own, behind HAProxy on three gateways: ten with one session, ten with two.</summary>
[Collection(NetworkCollection.Name)]
public sealed class ManyAgentsTests
{
    private const int Agents = 20;

    [Fact]
    public async Task Every_name_is_found_through_every_gateway_and_again_when_one_was_killed()
    {
        using var network = ClusterNetwork.Create(agents: Agents);
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(network);
        long begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Agents).Select(i => cluster.LocalAgentAsync(Name(i), $"{Name(i)}.internal", host: i, sessions: Sessions(i))));
        Report($"{Agents} agents are registered", begin);
        for (int i = 0; i < Agents; i++)
        {
            int sessions = Sessions(i);
            await cluster.MembersAsync(m => m.Length == sessions && m.Select(static f => f[0]).Distinct().Count() == sessions, $"{Name(i)}.internal");
        }

        Report("all stand in Redis, each session with another gateway", begin);
        begin = Stopwatch.GetTimestamp();
        await AllAsync(cluster, 0, 1, 2);
        Report("every name is served through every gateway", begin);

        // Not the gateway that has no agent with one session.
        int killed = await cluster.NodeOfAsync(Name(0), name: $"{Name(0)}.internal");
        int[] left = [.. Enumerable.Range(0, 3).Where(i => i != killed)];
        int[] alone = [.. await OnlyAtAsync(cluster, killed)];
        Assert.NotEmpty(alone);
        await using Load load = new([.. left.SelectMany(g => Enumerable.Range(0, Agents).Select(i => (Func<HttpClient>)(() => cluster.Client(g, Host(i)))))], workersEach: 1, posts: false);
        await load.FurtherAsync(200);
        begin = Stopwatch.GetTimestamp();
        await cluster.Gateways[killed].KillAsync();
        await AllAsync(cluster, left);
        Report($"every name is served through both gateways that are left, {alone.Length} agents had their only session with the killed one", begin);
        await load.StopAsync();
        // What was in flight has failed, and what found no agent until it had come back.
        Assert.All(load.Failures, static f => Assert.Matches(@"^\S+ GET \d+: 50[234] ", f));
        TestContext.Current.TestOutputHelper?.WriteLine($"{load.Answered} answered, {load.Failures.Length} failed");
        await using Load after = new([.. left.SelectMany(g => Enumerable.Range(0, Agents).Select(i => (Func<HttpClient>)(() => cluster.Client(g, Host(i)))))], workersEach: 1, posts: false);
        await after.FurtherAsync(400);
        await after.StopAsync();
        Assert.Empty(after.Failures);
    }

    private static string Name(int agent) => $"plant{agent}";

    private static string Host(int agent) => $"{Name(agent)}.agents.example.test";

    private static int Sessions(int agent) => agent < Agents / 2 ? 1 : 2;

    /// <summary>Waits until each name is served by its agent through each of these gateways.</summary>
    private static Task AllAsync(ProcessCluster cluster, params int[] gateways)
        => Task.WhenAll(gateways.SelectMany(g => Enumerable.Range(0, Agents).Select(async i =>
        {
            using HttpClient client = cluster.Client(g, Host(i));
            using CancellationTokenSource hang = new(Wait.Timeout);
            HttpResponseMessage response = await client.GetAsync("/", hang.Token);
            while (!response.IsSuccessStatusCode)
            {
                response.Dispose();
                await Task.Delay(20, hang.Token);
                response = await client.GetAsync("/", hang.Token);
            }

            Assert.Equal(Name(i), await response.Content.ReadAsStringAsync(hang.Token));
            response.Dispose();
        })));

    private static async Task<List<int>> OnlyAtAsync(ProcessCluster cluster, int gateway)
    {
        List<int> alone = [];
        for (int i = 0; i < Agents; i++)
        {
            if ((await cluster.MembersAsync($"{Name(i)}.internal")).All(m => m[0] == $"gw-{gateway}"))
            {
                alone.Add(i);
            }
        }

        return alone;
    }

    private static void Report(string what, long begin) => TestContext.Current.TestOutputHelper?.WriteLine($"{what} after {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s");
}
