using System.Globalization;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Tests.Support;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>Somebody who may write to Redis and means harm.</summary>
public sealed class HostileDirectoryTests
{
    [Fact]
    public async Task A_name_of_another_type_holds_up_no_other_name()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await b.NodesAsync(2);
        await redis.CommandAsync("SET", "mtatls:agents:bad.internal", "not a set");
        await using TestApp bad = await b.AgentAsync("bad", "bad.internal");
        await b.LoggedAsync("MembersRefused");
        await using TestApp good = await b.AgentAsync("good", "good.internal");
        await a.MembersAsync(1, "good.internal");
        Assert.False(await a.Directory.LoadAsync("bad.internal").Soon());
        using HttpClient own = b.Client("bad.agents.example.test");
        Assert.Equal("bad", await own.GetStringAsync("/").Soon());
        // It is announced as soon as the key is free.
        await redis.CommandAsync("DEL", "mtatls:agents:bad.internal");
        await a.MembersAsync(1, "bad.internal");
    }

    [Fact]
    public async Task A_gateways_key_of_another_type_is_written_over()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await a.NodesAsync(2);
        long before = b.Directory.Lease.Epoch;
        await redis.CommandAsync("DEL", "mtatls:{nodes}:gw-b");
        await redis.CommandAsync("LPUSH", "mtatls:{nodes}:gw-b", "x");
        await b.LoggedAsync("LeaseLost");
        await Wait.UntilAsync(() => b.Directory.Lease.Epoch > before && a.Directory.FindNode("gw-b")?.Epoch == b.Directory.Lease.Epoch);
        await Wait.UntilAsync(() => b.Directory.Lease.IsReached);
    }

    [Fact]
    public async Task Epochs_that_go_back_hide_no_agent()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await redis.CommandAsync("SET", "mtatls:epoch", "1000");
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        long before = b.Directory.Lease.Epoch;
        foreach (string epoch in (string[])["0", "-9000000000000000000"])
        {
            await redis.CommandAsync("SET", "mtatls:epoch", epoch);
            await redis.CommandAsync("DEL", "mtatls:{nodes}:gw-b");
            await Wait.UntilAsync(() => b.Directory.Lease.Epoch > before);
            before = b.Directory.Lease.Epoch;
            await a.MembersAsync(1);
        }

        using HttpClient client = a.Client();
        Assert.Equal("plant", await client.GetStringAsync("/").Soon());
    }

    [Fact]
    public async Task A_gateway_whose_epoch_is_less_than_that_of_its_former_process_is_found()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a");
        await a.NodesAsync(1);
        // As another process had left it, before Redis lost the counter.
        await redis.CommandAsync("SET", "mtatls:{nodes}:gw-b", "500|https://127.0.0.1:1/|serving");
        await redis.CommandAsync("SADD", "mtatls:{nodes}", "gw-b");
        await a.NodesAsync(2);
        await redis.CommandAsync("DEL", "mtatls:{nodes}:gw-b");
        await using ClusterGateway b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync("plant");
        Assert.True(b.Directory.Lease.Epoch < 500);
        await a.MembersAsync(1);
        using HttpClient client = a.Client();
        await ClusterGateway.ServedAsync(client);
    }

    /// <summary>No more of it is received than this gateway can use, and the true ones go on.</summary>
    [Fact]
    public async Task A_hundred_thousand_members_and_nodes_are_not_received()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"MaxAgentsPerName\": 10, \"MaxNodes\": 3", replace: LimitTests.LongLease),
            b = await ClusterGateway.StartAsync(redis, "gw-b", replace: LimitTests.LongLease);
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        await using (ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString))
        {
            IDatabase database = multiplexer.GetDatabase();
            foreach (int chunk in Enumerable.Range(0, 10))
            {
                await database.SetAddAsync("mtatls:agents:many.internal", [.. Enumerable.Range(chunk * 10_000, 10_000).Select(i => (RedisValue)string.Create(CultureInfo.InvariantCulture, $"gw-b|{b.Directory.Lease.Epoch}|{i:x16}|1|ghost"))]);
                await database.SetAddAsync("mtatls:{nodes}", [.. Enumerable.Range(chunk * 10_000, 10_000).Select(static i => (RedisValue)string.Create(CultureInfo.InvariantCulture, $"a{i}"))]);
            }
        }

        long before = await SentAsync(redis);
        await a.MembersAsync(10, "many.internal");
        await a.LoggedAsync("TooManyEntries", 2);
        // The set alone is more than 4 MB.
        Assert.InRange(await SentAsync(redis) - before, 1, 1_000_000);
        // The gateway that was known before is not pushed out by those that are listed.
        using HttpClient client = a.Client();
        for (int i = 0; i < 3; i++)
        {
            await redis.CommandAsync("PUBLISH", "mtatls:changes", "gw-b|n");
            Assert.Equal("plant", await client.GetStringAsync("/").Soon());
        }

        Assert.Contains(a.App.Services.GetRequiredService<INodeDirectory>().ListNodes(), static n => n.Name == "gw-b");
        Assert.Empty(a.Messages("NodeGone"));
    }

    [Fact]
    public async Task Messages_without_end_make_a_gateway_read_no_more_than_its_rate_and_changes_are_seen_all_the_same()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"MaxReloadsPerSecond\": 5, " + LimitTests.LongLookup, replace: LimitTests.LongLease), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        string names = string.Join('|', Enumerable.Range(0, 100).Select(static i => $"n{i}.internal"));
        foreach (string name in names.Split('|'))
        {
            Assert.True(await a.Directory.LoadAsync(name));
        }

        await using ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        ISubscriber publisher = multiplexer.GetSubscriber();
        long readsBefore = await ReadsAsync(redis), begin = TimeProvider.System.GetTimestamp();
        for (int i = 0; i < 2_000; i++)
        {
            await publisher.PublishAsync(RedisChannel.Literal("mtatls:changes"), $"gw-x|a|{names}");
        }

        // Each has been received when one that is sent after them has its effect.
        await using ClusterGateway c = await ClusterGateway.StartAsync(redis, "gw-c");
        await a.NodesAsync(3);
        double seconds = TimeProvider.System.GetElapsedTime(begin).TotalSeconds;
        // 200,000 names were said to have changed. Each gateway reads its nodes too, and a new one its own name.
        Assert.InRange(await ReadsAsync(redis) - readsBefore, 1, (int)(30 * (seconds + 2)));
        await using TestApp other = await b.AgentAsync("other");
        await a.MembersAsync(2);
    }

    private static async Task<long> ReadsAsync(RedisServer redis) => await InfoAsync(redis, "commandstats", "cmdstat_srandmember:calls=");

    private static async Task<long> SentAsync(RedisServer redis) => await InfoAsync(redis, "stats", "total_net_output_bytes:");

    private static async Task<long> InfoAsync(RedisServer redis, string section, string name)
    {
        string text = (string)(await redis.CommandAsync("INFO", section))!;
        int begin = text.IndexOf(name, StringComparison.Ordinal);
        return begin < 0 ? 0 : long.Parse(text[(begin + name.Length)..].Split(',', '\r')[0], CultureInfo.InvariantCulture);
    }
}
