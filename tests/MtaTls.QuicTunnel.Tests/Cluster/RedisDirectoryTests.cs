using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Redis.Directory;
using MtaTls.QuicTunnel.Tests.Support;
using MtaTls.ReverseProxy.Redis.Tests.Support;
using StackExchange.Redis;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>Sessions found by the hash of their id, with the real redis-server or with Garnet: what a join at another node gets.</summary>
public abstract class RedisDirectoryTests(Func<Task<DirectoryServer>> start)
{
    internal const string Conflict = "reset 2", Unknown = "reset 1", TryAgain = "reset 0";

    [Fact]
    public async Task A_join_at_another_node_is_unknown_only_when_no_node_has_the_session()
    {
        await using DirectoryServer redis = await start();
        await using TunnelHost a = await StartAsync("gw-a", redis);
        await using TunnelHost b = await StartAsync("gw-b", redis);
        await using RawPeer peer = await RawPeer.ConnectAsync(a.EndPoint);
        byte[] id = await peer.NewSessionAsync();
        await WrittenAsync(a);
        await WrittenAsync(b);

        Assert.Equal(Conflict, await JoinAsync(b, id));
        Assert.Equal(Unknown, await JoinAsync(b, new byte[32]));
        Assert.Equal("", await JoinAsync(a, id));

        // Another identity learns nothing of it.
        await using (RawPeer thief = await RawPeer.ConnectAsync(b.EndPoint, TestCertificates.Instance.Create("CN=laptop-2", server: false)))
        {
            Assert.Equal(Unknown, await thief.JoinAsync(id));
        }

        Assert.True(a.Sessions.End(a.Sessions.List()[0].Name));
        await WrittenAsync(a);
        Assert.Equal(Unknown, await JoinAsync(b, id));
    }

    [Fact]
    public async Task Sessions_of_a_node_that_died_are_unknown_when_its_lease_has_ended()
    {
        await using DirectoryServer redis = await start();
        await using TunnelHost a = await StartAsync("gw-a", redis);
        await using TunnelHost b = await StartAsync("gw-b", redis);
        await using RawPeer peer = await RawPeer.ConnectAsync(a.EndPoint);
        byte[] id = await peer.NewSessionAsync();
        await WrittenAsync(a);
        Assert.Equal(Conflict, await JoinAsync(b, id));

        await a.Services.GetRequiredService<RedisSessionDirectory>().DisposeAsync(); // No more renewals, and no word of its end.
        await UntilAsync(b, id, Unknown);
    }

    [Fact]
    public async Task Redis_may_be_away_and_come_back_empty()
    {
        await using DirectoryServer redis = await start();
        await using TunnelHost a = await StartAsync("gw-a", redis);
        await using TunnelHost b = await StartAsync("gw-b", redis);
        await using RawPeer peer = await RawPeer.ConnectAsync(a.EndPoint);
        byte[] id = await peer.NewSessionAsync();
        await WrittenAsync(a);
        await WrittenAsync(b);

        await redis.KillAsync();
        await UntilAsync(b, id, TryAgain);
        Assert.Equal("", await JoinAsync(a, id));
        await Wait.UntilAsync(() => Health(b) == HealthStatus.Degraded, "health does not say that Redis is away");
        Assert.Contains(b.Logs.Entries, static entry => entry.Event == "TunnelDirectoryLost");

        await redis.StartAsync();
        await UntilAsync(b, id, Conflict);
        await Wait.UntilAsync(() => Health(b) == HealthStatus.Healthy, "health does not say that Redis is back");
        Assert.Contains(b.Logs.Entries, static entry => entry.Event == "TunnelLeaseLost");
    }

    [Fact]
    public async Task A_connection_that_the_app_has_disposed_is_an_error_and_the_concentrator_serves_its_sessions()
    {
        await using DirectoryServer redis = await start();
        ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        await using TunnelHost a = await TunnelHost.StartAsync(
            builder =>
            {
                builder.Services.AddSingleton<IConnectionMultiplexer>(multiplexer);
                builder.AddQuicTunnelRedisDirectory();
            },
            static options => Configure("gw-a", options));
        await WrittenAsync(a);

        await multiplexer.DisposeAsync();

        await Wait.UntilAsync(() => a.Logs.Entries.Any(static entry => entry.Event == "TunnelDirectoryFailed"), "nothing was said");
        await using RawPeer peer = await RawPeer.ConnectAsync(a.EndPoint);
        Assert.Equal("", await JoinAsync(a, await peer.NewSessionAsync()));
    }

    [Fact]
    public async Task Two_nodes_of_one_name_are_noticed()
    {
        await using DirectoryServer redis = await start();
        await using TunnelHost first = await StartAsync("gw-a", redis);
        await WrittenAsync(first);
        await using TunnelHost second = await StartAsync("gw-a", redis);
        await Wait.UntilAsync(() => first.Logs.Entries.Any(static entry => entry.Event == "TunnelNameTaken"), "nobody noticed");
        await Wait.UntilAsync(() => Health(first) == HealthStatus.Unhealthy, "health does not say so");
    }

    [Fact]
    public async Task A_node_gets_its_name_back_when_the_other_one_has_died()
    {
        await using DirectoryServer redis = await start();
        await using TunnelHost first = await StartAsync("gw-a", redis);
        await WrittenAsync(first);
        RedisSessionDirectory directory = first.Services.GetRequiredService<RedisSessionDirectory>();
        long before = directory.Epoch;
        await using ConnectionMultiplexer client = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        // The other node has a later epoch and never renews its lease.
        await client.GetDatabase().StringSetAsync("mtatls:quic-node:gw-a", "1000", TimeSpan.FromMinutes(1));
        await Wait.UntilAsync(() => directory.IsNameTaken, "nobody noticed");
        await client.GetDatabase().KeyExpireAsync("mtatls:quic-node:gw-a", TimeSpan.FromSeconds(3));
        await Wait.UntilAsync(() => !directory.IsNameTaken && directory.Epoch > before, "the name was not given back");
        await Wait.UntilAsync(() => Health(first) == HealthStatus.Healthy, "health does not say so");
    }

    [Fact]
    public async Task What_stands_in_Redis_and_is_no_session_counts_for_nothing()
    {
        await using DirectoryServer redis = await start();
        await using TunnelHost b = await StartAsync("gw-b", redis);
        await WrittenAsync(b);
        byte[] id = new byte[32];
        await using ConnectionMultiplexer client = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        string key = $"mtatls:quic-session:{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(id))}";
        foreach (string value in (string[])["", "gw-a", "gw-a|1|", "gw-a|x|", "gw-b|1|", new string('x', 100_000)])
        {
            await client.GetDatabase().StringSetAsync(key, value);
            Assert.Equal(Unknown, await JoinAsync(b, id));
        }
    }

    [Fact]
    public async Task The_directory_knows_where_a_node_is_reached_by_the_others()
    {
        await using DirectoryServer redis = await start();
        await using RelayCluster cluster = await RelayCluster.StartAsync(static (_, options) => options.Cluster.Lease = TimeSpan.FromSeconds(30), redis);
        await WrittenAsync(cluster.A);
        byte[] id = await cluster.LoneSessionAsync();
        await WrittenAsync(cluster.A);
        await WrittenAsync(cluster.B);
        Assert.Equal("", await JoinAsync(cluster.B, id));
        Assert.Contains(cluster.A.Logs.Entries, static entry => entry.Event == "RelayedJoined");
    }

    // Redis may come back without the counter of epochs: a node's epochs only grow, so that entries of its past stay invalid.
    [Fact]
    public async Task A_lost_counter_never_gives_an_old_epoch_again()
    {
        await using DirectoryServer redis = await start();
        await using TunnelHost a = await StartAsync("gw-a", redis);
        await WrittenAsync(a);
        RedisSessionDirectory directory = a.Services.GetRequiredService<RedisSessionDirectory>();
        for (int i = 0; i < 3; i++)
        {
            long before = directory.Epoch;
            await redis.CommandAsync("FLUSHALL");
            await Wait.UntilAsync(() => directory.Epoch != before, "no new epoch");
            Assert.True(directory.Epoch > before, $"epoch {directory.Epoch} after {before}");
        }

        // A node that starts now has a later epoch than the entries of the first.
        await using TunnelHost b = await StartAsync("gw-b", redis);
        await WrittenAsync(b);
        Assert.True(b.Services.GetRequiredService<RedisSessionDirectory>().Epoch > directory.Epoch);
    }

    // Another program has written another type of value to the node's key.
    [Fact]
    public async Task A_key_of_another_type_does_not_stop_a_node()
    {
        await using DirectoryServer redis = await start();
        await using TunnelHost a = await StartAsync("gw-a", redis);
        await WrittenAsync(a);
        RedisSessionDirectory directory = a.Services.GetRequiredService<RedisSessionDirectory>();
        long before = directory.Epoch;
        await redis.CommandAsync("DEL", "mtatls:quic-node:gw-a");
        await redis.CommandAsync("SADD", "mtatls:quic-node:gw-a", "nonsense");
        await Wait.UntilAsync(() => directory.Epoch > before, "no new epoch");
        await WrittenAsync(a);
        await Wait.UntilAsync(() => Health(a) == HealthStatus.Healthy, "the lease is not renewed");
    }

    private static Task<TunnelHost> StartAsync(string node, DirectoryServer redis) =>
        TunnelHost.StartAsync(builder => builder.AddQuicTunnelRedisDirectory(redis.ConnectionString), options => Configure(node, options));

    internal static void Configure(string node, QuicTunnelOptions options)
    {
        options.Cluster.Node = node;
        options.Cluster.Secret = TwoNodes.Secret;
        options.Cluster.Lease = TimeSpan.FromSeconds(3);
        options.Cluster.LookupTimeout = TimeSpan.FromSeconds(30); // The machine may be busy.
        options.Sessions.NegotiationTimeout = TimeSpan.FromMinutes(1);
    }

    private static Task WrittenAsync(TunnelHost host)
    {
        RedisSessionDirectory directory = host.Services.GetRequiredService<RedisSessionDirectory>();
        return Wait.UntilAsync(() => directory.IsWritten, "Redis does not know the sessions");
    }

    internal static async Task<string> JoinAsync(TunnelHost host, byte[] id)
    {
        await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint);
        return await peer.JoinAsync(id);
    }

    private static async Task UntilAsync(TunnelHost host, byte[] id, string answer)
    {
        for (long end = Environment.TickCount64 + (long)Wait.Timeout.TotalMilliseconds; await JoinAsync(host, id) != answer;)
        {
            Assert.True(Environment.TickCount64 < end, $"no join was answered with {answer}");
        }
    }

    private static HealthStatus Health(TunnelHost host) =>
        host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(static check => check.Name == "quic_tunnel_directory").GetAwaiter().GetResult().Status;
}

public sealed class RedisServerDirectoryTests() : RedisDirectoryTests(static async () => await RedisServer.StartNewAsync());

public sealed class GarnetDirectoryTests() : RedisDirectoryTests(static async () => await GarnetInProcess.StartNewAsync());
