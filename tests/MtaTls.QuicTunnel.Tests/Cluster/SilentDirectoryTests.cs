using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Cluster;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>Directories that do not answer, and a missing cluster.</summary>
public class SilentDirectoryTests
{
    // A directory that does not answer: a limit of time, and one of lookups.
    [Fact]
    public async Task A_directory_that_hangs_holds_no_more_than_its_share()
    {
        var directory = new HangingDirectory();
        await using TunnelHost b = await TunnelHost.StartAsync(
            builder => builder.Services.AddSingleton<ITunnelSessionDirectory>(directory),
            options =>
            {
                RedisDirectoryTests.Configure("gw-b", options);
                options.Cluster.MaxLookups = 1;
                options.Cluster.LookupTimeout = TimeSpan.FromMinutes(1);
                options.Sessions.NegotiationTimeout = TimeSpan.FromMinutes(2);
            });
        await using RawPeer first = await RawPeer.ConnectAsync(b.EndPoint);
        Task<string> held = first.JoinAsync(new byte[32]);
        await Wait.UntilAsync(() => directory.Asked == 1, "the directory is not asked");
        Assert.Equal(RedisDirectoryTests.TryAgain, await RedisDirectoryTests.JoinAsync(b, new byte[32]));
        Assert.Equal(1, directory.Asked);
        Assert.False(held.IsCompleted);
        directory.Answer.SetException(new IOException("The directory is broken."));
        Assert.Equal(RedisDirectoryTests.TryAgain, await held);
        await Wait.UntilAsync(() => b.Logs.Entries.Count(static entry => entry.Event == "TunnelLookupFailed") == 2, "the failures are not logged");
    }

    [Fact]
    public async Task A_directory_has_its_time()
    {
        await using TunnelHost b = await TunnelHost.StartAsync(
            static builder => builder.Services.AddSingleton<ITunnelSessionDirectory>(new HangingDirectory()),
            static options =>
            {
                RedisDirectoryTests.Configure("gw-b", options);
                options.Cluster.LookupTimeout = TimeSpan.FromMilliseconds(10);
            });
        Assert.Equal(RedisDirectoryTests.TryAgain, await RedisDirectoryTests.JoinAsync(b, new byte[32]));
    }

    [Fact]
    public async Task Failed_lookups_do_not_fill_the_log()
    {
        var directory = new HangingDirectory();
        directory.Answer.SetException(new IOException("The directory is broken."));
        var time = new FakeTimeProvider();
        var logs = new RecordingLoggerProvider();
        var locator = new SessionLocator(directory, new TunnelClusterOptions { Node = "gw-b" }, time, logs);
        foreach (int expected in (int[])[10, 20])
        {
            for (int i = 0; i < 100; i++)
            {
                Assert.Equal(QuicTunnelError.Unknown, (await locator.FindAsync(new byte[32], null, mustBeIdentity: false)).Error);
            }

            Assert.Equal(expected, logs.Entries.Count(static entry => entry.Event == "TunnelLookupFailed"));
            time.Advance(TimeSpan.FromSeconds(2));
        }
    }

    [Fact]
    public async Task It_needs_a_cluster()
    {
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(
            static () => TunnelHost.StartAsync(static builder => builder.AddQuicTunnelRedisDirectory("127.0.0.1:1"), static _ => { }));
        Assert.Contains("QuicTunnel:Cluster:SecretPath", exception.Message, StringComparison.Ordinal);
    }

    private sealed class HangingDirectory : ITunnelSessionDirectory
    {
        private int _asked;

        public TaskCompletionSource<TunnelSessionOwner?> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Asked => Volatile.Read(ref _asked);

        public void Add(string session, string? identity)
        {
        }

        public void Remove(string session)
        {
        }

        public async ValueTask<TunnelSessionOwner?> FindAsync(string session, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _asked);
            return await Answer.Task;
        }
    }
}
