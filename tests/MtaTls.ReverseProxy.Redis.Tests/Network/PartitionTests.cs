using System.Diagnostics;
using System.Net;
using MtaTls.FunctionalTests.Agents.Processes;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Network;

/// <summary>Gateways that do not reach each other, on hosts of their own. Packets vanish without a word; both sides see Redis.</summary>
[Collection(NetworkCollection.Name)]
public sealed class PartitionTests
{
    private const string Suspected = "Gateway gw-1 can't be reached at";
    private const string Reached = "This gateway has a session with gateway gw-1 at";
    private const string Alone = "alone.agents.example.test";

    [Fact]
    public async Task Two_gateways_that_cannot_reach_each_other_use_other_agents_else_answer_503_and_nothing_flaps()
    {
        using var network = ClusterNetwork.Create();
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(network, settings: new() { ["MtaTls:Agents:WaitForAgent"] = "00:00:02", ["MtaTls:Cluster:SuspectTime"] = "00:00:01" });
        await cluster.LocalAgentAsync("at-1", ClusterGateway.Plant7, gateway: 1);
        await cluster.LocalAgentAsync("at-2", ClusterGateway.Plant7, gateway: 2);
        await cluster.LocalAgentAsync("alone", "alone.internal", gateway: 1);
        using HttpClient plant = cluster.Client(0), alone = cluster.Client(0, Alone), aloneBy2 = cluster.Client(2, Alone);
        await cluster.ServedAsync(0, Alone);
        await cluster.ServedAsync(2, Alone);
        await ServedByAsync(plant, "at-1");
        await ServedByAsync(plant, "at-2");

        // A busy machine may have made it suspect before.
        int before = Count(cluster.Gateways[0], Suspected), reached = Count(cluster.Gateways[0], Reached);
        long begin = Stopwatch.GetTimestamp();
        network.Cut(network.Gateway(0), network.Gateway(1));
        await cluster.Gateways[0].LineAsync(Suspected, before + 1);
        Report("gw-1 is suspect", begin);
        // Each attempt to reach it again is dropped, and its dropped packet is seen. Nothing changes for requests meanwhile.
        while (network.Attempts() < 10)
        {
            Assert.Equal("at-2", await plant.GetStringAsync("/").Soon());
            Assert.Equal("alone", await aloneBy2.GetStringAsync("/").Soon());
            using HttpResponseMessage refused = await alone.GetAsync("/").Soon();
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        Assert.Equal((before + 1, reached), (Count(cluster.Gateways[0], Suspected), Count(cluster.Gateways[0], Reached)));
        network.Mend();
        await cluster.Gateways[0].LineAsync(Reached, reached + 1);
        await cluster.ServedAsync(0, Alone);
        await ServedByAsync(plant, "at-1");
    }

    /// <summary>With all defaults. A request that waits for its answer there ends with the session, others go elsewhere long before, and both ends give back what they held.</summary>
    [Fact]
    public async Task A_black_hole_below_an_established_session_is_found_by_both_gateways()
    {
        using var network = ClusterNetwork.Create();
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(network);
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously), aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await cluster.LocalAgentAsync("at-1", ClusterGateway.Plant7, gateway: 1, map: app =>
        {
            app.MapGet("/", static () => "at-1");
            app.MapPost("/stuck", async (HttpContext context) =>
            {
                context.RequestAborted.Register(aborted.SetResult);
                arrived.SetResult();
                await aborted.Task;
            });
        });
        using HttpClient client = cluster.Client(0);
        await ServedByAsync(client, "at-1");
        // A GET would be sent to another agent.
        Task<HttpResponseMessage> stuck = client.PostAsync("/stuck", null);
        await arrived.Task.Soon();
        await cluster.LocalAgentAsync("at-2", ClusterGateway.Plant7, gateway: 2);
        await ServedByAsync(client, "at-2");

        int before = Count(cluster.Gateways[0], Suspected), reached = Count(cluster.Gateways[0], Reached);
        long begin = Stopwatch.GetTimestamp();
        network.Cut(network.Gateway(0), network.Gateway(1));
        // One that is opened there is not answered, so another agent gets it.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ => Assert.Equal("at-2", await client.GetStringAsync("/")))).Soon();
        Report("20 requests answered", begin);
        await cluster.Gateways[0].LineAsync(Suspected, before + 1);
        Report("gw-1 is suspect", begin);
        using HttpResponseMessage failed = await stuck.Soon();
        Assert.Equal(HttpStatusCode.BadGateway, failed.StatusCode);
        Report("the request that waited has failed", begin);
        await aborted.Task.Soon();
        Report("its agent knows", begin);
        network.Mend();
        await cluster.Gateways[0].LineAsync(Reached, reached + 1);
        await ServedByAsync(client, "at-1");
    }

    private static int Count(HostProcess gateway, string text) => gateway.Lines.Count(l => l.Contains(text, StringComparison.Ordinal));

    private static async Task ServedByAsync(HttpClient client, string agent)
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        string answer;
        do
        {
            using HttpResponseMessage response = await client.GetAsync("/", hang.Token);
            answer = response.IsSuccessStatusCode ? await response.Content.ReadAsStringAsync(hang.Token) : "";
        }
        while (answer != agent);
    }

    private static void Report(string what, long begin) => TestContext.Current.TestOutputHelper?.WriteLine($"{what} after {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s");
}
