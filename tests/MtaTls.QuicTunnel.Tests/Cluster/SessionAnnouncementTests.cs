using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Redis;
using MtaTls.QuicTunnel.Redis.Directory;
using StackExchange.Redis;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>What a concentrator writes to Redis and what it concludes from what is there, with a clock of the test.</summary>
public sealed class SessionAnnouncementTests : IAsyncLifetime
{
    private const string Session = "5e55", OwnKey = "mtatls:quic-node:gw-b";

    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(6);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly QuicTunnelOptions _options = new();
    private readonly FakeRedis _redis;
    private readonly RedisSessionDirectory _directory;

    public SessionAnnouncementTests()
    {
        _options.Cluster.Node = "gw-b";
        _options.Cluster.Secret = TwoNodes.Secret;
        _options.Cluster.Lease = s_lease;
        _redis = new FakeRedis(_time) { Lease = s_lease };
        ServiceProvider services = new ServiceCollection().AddSingleton(_redis.Multiplexer).BuildServiceProvider();
        _directory = new RedisSessionDirectory(Options.Create(_options), new QuicTunnelRedisOptions(), services, _time, NullLoggerFactory.Instance);
    }

    public async ValueTask InitializeAsync()
    {
        await _directory.StartingAsync(TestContext.Current.CancellationToken);
        await Wait.UntilAsync(() => _directory.IsWritten, "there is no lease");
    }

    public ValueTask DisposeAsync() => _directory.DisposeAsync();

    // Each write takes a second, and meanwhile there is another change.
    [Fact]
    public async Task The_lease_is_renewed_while_changes_keep_coming()
    {
        int written = 0, ended = 0;
        _redis.Writing = () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            if (_redis.Get(OwnKey) is null)
            {
                Interlocked.Increment(ref ended);
            }

            if (Interlocked.Increment(ref written) < 30)
            {
                _directory.Add($"{written:x4}", null);
            }
        };
        _directory.Add("ffff", null);
        await Wait.UntilAsync(() => Volatile.Read(ref written) >= 30 && _directory.IsWritten, "not everything was written");
        Assert.Equal(0, ended);
    }

    [Fact]
    public async Task Sessions_that_come_and_go_while_Redis_is_away_are_not_remembered()
    {
        _directory.Add(Session, null);
        await WrittenAsync();
        int before = _redis.SessionCommands;
        _redis.IsAway = true;
        await UntilAsync(() => !_directory.IsReached);
        for (int i = 0; i < 100_000; i++)
        {
            _directory.Add($"{i:x8}", null);
            _directory.Remove($"{i:x8}");
        }

        // One that the others know is removed when Redis is back.
        _directory.Remove(Session);
        _redis.IsAway = false;
        await WrittenAsync();
        Assert.Equal(before + 1, _redis.SessionCommands);
        Assert.Null(_redis.Get($"mtatls:quic-session:{Session}"));
    }

    [Fact]
    public async Task A_change_that_could_not_be_written_is_written_later()
    {
        _redis.Writing = () => _redis.IsAway = true;
        _directory.Add(Session, null);
        await Wait.UntilAsync(() => !_directory.IsReached, "the failure was not noticed");
        Assert.False(_directory.IsWritten);
        _redis.Writing = null;
        _redis.Clear();
        _redis.IsAway = false;
        await WrittenAsync();
        Assert.NotNull(_redis.Get($"mtatls:quic-session:{Session}"));
    }

    // The other concentrator is silent: it has not announced its sessions again yet.
    [Fact]
    public async Task When_Redis_has_lost_its_data_no_session_is_unknown_until_all_had_time_to_announce_theirs()
    {
        _redis.Set("mtatls:quic-node:gw-a", "1", s_lease);
        _redis.Set($"mtatls:quic-session:{Session}", new SessionText("gw-a", 1, null).Format());
        Assert.Equal("gw-a", (await _directory.FindAsync(Session))?.Node);
        long epoch = _directory.Epoch;

        _redis.Clear();
        await Assert.ThrowsAsync<IOException>(async () => await _directory.FindAsync(Session));
        await RenewAsync();
        Assert.True(_directory.Epoch > epoch);
        await Assert.ThrowsAsync<IOException>(async () => await _directory.FindAsync(Session));
        // A lease later it counts again.
        for (int i = 0; i < 3; i++)
        {
            await RenewAsync();
        }

        Assert.Null(await _directory.FindAsync(Session));
    }

    [Fact]
    public async Task A_node_without_a_session_of_its_epoch_is_asked_itself()
    {
        string identity = new('1', 64);
        _redis.Set("mtatls:quic-node:gw-a", "2|10.0.0.11:4434", s_lease);
        _redis.Set($"mtatls:quic-session:{Session}", new SessionText("gw-a", 1, identity).Format());
        // This concentrator relays to no other, so it can't ask.
        Assert.Null(await _directory.FindAsync(Session));

        _options.Cluster.Relay.Listen.Add("127.0.0.1:0");
        Assert.Equal(new TunnelSessionOwner("gw-a", identity, "10.0.0.11:4434"), await _directory.FindAsync(Session));

        // One that relays to nobody can't be asked, unless its address is configured.
        _redis.Set("mtatls:quic-node:gw-a", "2", s_lease);
        Assert.Null(await _directory.FindAsync(Session));
        _options.Cluster.Relay.Nodes["gw-a"] = "10.0.0.11:4434";
        Assert.Equal("gw-a", (await _directory.FindAsync(Session))?.Node);
    }

    private Task WrittenAsync() => UntilAsync(() => _directory.IsWritten);

    /// <summary>Lets a third of the lease pass. A change wakes the loop, which renews the lease first.</summary>
    private async Task RenewAsync()
    {
        int renewals = _redis.Renewals;
        _time.Advance(s_lease / 3);
        _directory.Add($"{renewals:x4}", null);
        await Wait.UntilAsync(() => _redis.Renewals > renewals && _directory.IsWritten, "the lease is not renewed");
    }

    /// <summary>Waits for a state while the clock goes on.</summary>
    private Task UntilAsync(Func<bool> condition) => Wait.UntilAsync(
        () =>
        {
            if (condition())
            {
                return true;
            }

            _time.Advance(TimeSpan.FromMilliseconds(500));
            return false;
        },
        "the state was not reached");
}
