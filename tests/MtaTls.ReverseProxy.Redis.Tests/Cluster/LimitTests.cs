using System.Globalization;
using Microsoft.Extensions.Options;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Directory;
using MtaTls.ReverseProxy.Redis.Tests.Support;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>The limits of the directory, and errors in its settings.</summary>
public sealed class LimitTests
{
    /// <summary>With a short one a busy machine may let it end, after which names that are not found may exist.</summary>
    internal const string LongLease = "\"Lease\": \"00:00:30\"";

    /// <summary>The default is a second, in which a busy machine may not get the answer.</summary>
    internal const string LongLookup = "\"LookupTimeout\": \"00:01:00\"";

    [Fact]
    public async Task Names_without_agents_are_removed_before_names_with_agents()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"MaxNames\": 32, " + LongLookup, replace: LongLease), b = await ClusterGateway.StartAsync(redis, "gw-b");
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
    public async Task Requests_that_wait_for_lookups_are_limited()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"MaxLookups\": 4, " + LongLookup, replace: LongLease);
        await a.NodesAsync(1);
        await redis.SignalAsync("STOP");
        Task<bool>[] lookups = [.. Enumerable.Range(0, 10).Select(i => a.Directory.LoadAsync($"n{i}.internal").AsTask())];
        await a.LoggedAsync("TooManyLookups", 6);
        Assert.Equal(4, lookups.Count(static l => !l.IsCompleted));
        await redis.SignalAsync("CONT");
        bool[] found = await Task.WhenAll(lookups).Soon();
        Assert.Equal(4, found.Count(static f => f));
    }

    [Theory]
    [InlineData("00:00:20", 20_000)]
    [InlineData("00:00:01", 5_000)] // The client library's own limit, which also holds for other commands.
    public async Task The_client_library_waits_as_long_as_a_lookup_may_take(string lookupTimeout, int expected)
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: $"\"LookupTimeout\": \"{lookupTimeout}\"", replace: LongLease);
        await a.NodesAsync(1);
        string settings = a.App.Services.GetRequiredService<RedisConnection>().Database.Multiplexer.Configuration;
        Assert.Equal(expected, ConfigurationOptions.Parse(settings).AsyncTimeout);
    }

    [Fact]
    public async Task The_first_connection_which_the_library_may_report_late_leaves_no_doubt_about_names()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: LongLookup, replace: LongLease);
        await a.NodesAsync(1);
        a.App.Services.GetRequiredService<RedisConnection>().OnRestored(null, null!);
        Assert.True(await a.Directory.LoadAsync("plant9.internal"));
    }

    [Fact]
    public async Task A_lookup_that_Redis_does_not_answer_ends_in_time()
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
    public async Task Members_and_nodes_are_read_up_to_their_limits_and_invalid_entries_are_ignored()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", cluster: "\"MaxAgentsPerName\": 10, \"MaxNodes\": 3, " + LongLookup, replace: LongLease),
            b = await ClusterGateway.StartAsync(redis, "gw-b", replace: LongLease);
        await a.NodesAsync(2);
        object[] members = [.. Enumerable.Range(0, 50).Select(i => string.Create(CultureInfo.InvariantCulture, $"gw-b|{b.Directory.Lease.Epoch}|{i:x16}|1|agent"))];
        await redis.CommandAsync("SADD", ["mtatls:agents:many.internal", .. members]);
        await a.MembersAsync(10, "many.internal");
        await redis.CommandAsync("SADD", "mtatls:agents:strange.internal", "gw-b|1\r\n|x", "|||||", "gw-z|5|a|1|b");
        Assert.True(await a.Directory.LoadAsync("strange.internal"));
        Assert.Empty(a.Directory.Find("strange.internal"));
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
    public async Task Of_two_gateways_with_one_name_the_older_one_reports_an_error()
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

    [Fact]
    public async Task A_gateway_gets_its_name_back_when_the_other_one_has_died()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway first = await ClusterGateway.StartAsync(redis, "gw-a");
        await first.NodesAsync(1);
        long before = first.Directory.Lease.Epoch;
        // The other gateway has a later epoch and never renews its lease.
        await redis.CommandAsync("SET", "mtatls:{nodes}:gw-a", "1000|https://127.0.0.1:1/|serving", "PX", "60000");
        await first.LoggedAsync("NameTaken");
        await redis.CommandAsync("PEXPIRE", "mtatls:{nodes}:gw-a", "3000");
        await Wait.UntilAsync(() => first.Directory.Lease is { IsNameTaken: false } lease && lease.Epoch > before);
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

        // The gateway must not close it.
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
        await using RedisServer redis = await RedisServer.StartNewAsync("--cluster-enabled", "yes", "--cluster-port", $"{FreePort.Find()}", "--cluster-config-file", Path.Combine(Path.GetTempPath(), $"mtatls-nodes-{Guid.NewGuid():N}.conf"));
        await redis.CommandAsync("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        using HttpClient client = a.Client();
        Assert.Equal("plant", await client.GetStringAsync("/").Soon());
    }
}
