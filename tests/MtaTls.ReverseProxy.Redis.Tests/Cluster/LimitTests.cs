using System.Globalization;
using Microsoft.Extensions.Options;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Tests.Support;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>What bounds the directory, and what is wrong with its settings.</summary>
public sealed class LimitTests
{
    [Fact]
    public async Task Names_that_nobody_has_are_forgotten_before_those_that_somebody_has()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"MaxNames\": 32"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync("one", "one.internal");
        await a.MembersAsync(1, "one.internal");
        for (int i = 0; i < 500; i++)
        {
            Assert.True(await a.Directory.LoadAsync($"made-up-{i}.internal"));
        }

        Assert.InRange(a.Directory.KnownNames, 1, 32);
        Assert.Single(a.Directory.Find("one.internal"));
    }

    [Fact]
    public async Task Requests_that_wait_for_look_ups_are_bounded()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"MaxLookups\": 4, \"LookupTimeout\": \"00:00:20\"");
        await a.NodesAsync(1);
        await redis.SignalAsync("STOP");
        Task<bool>[] lookups = [.. Enumerable.Range(0, 10).Select(i => a.Directory.LoadAsync($"n{i}.internal").AsTask())];
        await a.LoggedAsync("TooManyLookups", 6);
        await redis.SignalAsync("CONT");
        bool[] found = await Task.WhenAll(lookups).Soon();
        Assert.Equal(4, found.Count(static f => f));
    }

    [Fact]
    public async Task A_look_up_that_Redis_does_not_answer_ends_in_time()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"LookupTimeout\": \"00:00:00.100\"");
        await a.NodesAsync(1);
        await redis.SignalAsync("STOP");
        Assert.False(await a.Directory.LoadAsync("plant9.internal").Soon());
        await a.LoggedAsync("LookupFailed");
        await redis.SignalAsync("CONT");
    }

    [Fact]
    public async Task Members_and_nodes_are_looked_at_up_to_their_limits_and_what_is_not_understood_is_ignored()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"MaxAgentsPerName\": 10, \"MaxNodes\": 3"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await a.NodesAsync(2);
        object[] members = [.. Enumerable.Range(0, 50).Select(i => string.Create(CultureInfo.InvariantCulture, $"gw-b|{b.Directory.Lease.Epoch}|{i:x16}|1|agent")), "gw-b|1\r\n|x", "|||||", "gw-z|5|a|1|b"];
        await redis.CommandAsync("SADD", ["mtatls:agents:many.internal", .. members]);
        await a.MembersAsync(10, "many.internal");
        await a.LoggedAsync("EntriesIgnored");
        await a.LoggedAsync("TooManyEntries");
        await redis.CommandAsync("SADD", ["mtatls:{nodes}", .. Enumerable.Range(0, 20).Select(static i => (object)$"x{i}"), "bad\r\nname"]);
        foreach (int i in Enumerable.Range(0, 20))
        {
            await redis.CommandAsync("SET", $"mtatls:{{nodes}}:x{i}", $"{i + 100}|https://127.0.0.1:1/|serving");
        }

        await redis.CommandAsync("PUBLISH", "mtatls:changes", "x1|n");
        await a.NodesAsync(3);
    }

    [Fact]
    public async Task Two_gateways_of_one_name_are_an_error_of_the_older_one()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway first = await ClusterGateway.StartAsync(redis, "gw-a");
        await first.NodesAsync(1);
        await using ClusterGateway second = await ClusterGateway.StartAsync(redis, "gw-a");
        await first.LoggedAsync("NameTaken");
        using HttpClient client = first.Client("localhost");
        using HttpResponseMessage response = await client.GetAsync("/health").Soon();
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.False(second.Directory.Lease.IsNameTaken);
    }

    [Theory]
    [InlineData("\"Node\": \"a|b\"", "MtaTls:Cluster:Node")]
    [InlineData("\"Advertise\": \"http://10.0.0.1\"", "MtaTls:Cluster:Advertise")]
    [InlineData("\"Advertise\": \"https://10.0.0.1/path\"", "MtaTls:Cluster:Advertise")]
    [InlineData("\"Endpoint\": \"Others\"", "MtaTls:Cluster:Endpoint")]
    [InlineData("\"PeerCertificates\": { \"SubjectAlternativeNames\": [ ] }", "MtaTls:Cluster:PeerCertificates")]
    [InlineData("\"Lease\": \"00:00:01\"", "MtaTls:Cluster:Lease")]
    [InlineData("\"MaxNames\": 1", "MtaTls:Cluster:MaxNames")]
    [InlineData("\"Nodes\": 1", "MtaTls:Cluster:Nodes")]
    public async Task A_wrong_setting_fails_startup_with_its_key(string setting, string key)
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        Exception e = await Assert.ThrowsAnyAsync<Exception>(() => ClusterGateway.StartAsync(redis, "gw-a", replace: setting));
        Assert.Contains(key, e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_check_their_ranges()
    {
        MtaTlsClusterOptions options = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Lease = TimeSpan.FromSeconds(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxStale = TimeSpan.FromSeconds(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxNodes = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxSessionsPerPeer = 101);
        Assert.Throws<ArgumentNullException>(() => options.Endpoint = null!);
        Assert.Throws<ArgumentException>(static () => new MtaTlsRedisDirectoryOptions { Prefix = "a b" });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_applications_own_connection_is_used(bool isKeyed)
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        await using (ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", use: builder => builder.UseRedisDirectory(o => o.ServiceKey = isKeyed ? "redis" : null), configure: builder =>
        {
            if (isKeyed)
            {
                builder.Services.AddKeyedSingleton<IConnectionMultiplexer>("redis", multiplexer);
            }
            else
            {
                builder.Services.AddSingleton<IConnectionMultiplexer>(multiplexer);
            }
        }))
        {
            await a.NodesAsync(1);
        }

        // It is not the gateway's to close.
        Assert.True(multiplexer.IsConnected);
    }

    [Fact]
    public async Task Without_a_connection_startup_fails()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => ClusterGateway.StartAsync(redis, "gw-a", use: static builder => builder.UseRedisDirectory()));
        Assert.Contains("IConnectionMultiplexer", e.Message, StringComparison.Ordinal);
        e = await Assert.ThrowsAsync<InvalidOperationException>(() => ClusterGateway.StartAsync(redis, "gw-a", use: static builder => builder.UseRedisDirectory(static o => o.ConnectionName = "redis")));
        Assert.Contains("ConnectionStrings:redis", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Redis_Cluster_is_used_too()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync("--cluster-enabled", "yes", "--cluster-config-file", Path.Combine(Path.GetTempPath(), $"mtatls-nodes-{Guid.NewGuid():N}.conf"));
        await redis.CommandAsync("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        using HttpClient client = a.Client();
        Assert.Equal("plant", await client.GetStringAsync("/").Soon());
    }
}
