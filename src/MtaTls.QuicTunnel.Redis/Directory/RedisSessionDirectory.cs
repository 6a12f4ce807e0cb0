using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.QuicTunnel.Redis.Diagnostics;
using MtaTls.Redis;
using StackExchange.Redis;

namespace MtaTls.QuicTunnel.Redis.Directory;

/// <summary>
/// The directory in Redis. All its data is soft state. A session is valid only while its node's key exists with the epoch that the session was announced with. That key expires with the lease. Data
/// that Redis loses is announced again.
/// </summary>
internal sealed class RedisSessionDirectory : ITunnelSessionDirectory, IHostedLifecycleService, IAsyncDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(2);

    // After this time Redis removes a session, unless its node writes it again. So nothing remains of nodes that have died.
    private static readonly TimeSpan s_entryLife = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_entryRefresh = TimeSpan.FromMinutes(20);

    private const int Batch = 256;

    private readonly QuicTunnelOptions _options;
    private readonly QuicTunnelRedisOptions _redis;
    private readonly IServiceProvider _services;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();

    // Guarded by _lock: this concentrator's sessions; those that have changed; those of them that the loop takes first; and how many it writes now.
    private readonly Dictionary<string, OwnSession> _own = new(StringComparer.Ordinal);
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private readonly Queue<string> _next = new();
    private int _writing;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private IConnectionMultiplexer? _multiplexer;
    private bool _isOwn;
    private Task _running = Task.CompletedTask;
    private readonly NodeLease _lease;
    private long _renewed, _refreshed; // used only by the loop, as is _isLossLogged
    private bool _isLossLogged;
    private long _holdBegan; // 0: not yet
    private int _disposed;
    private volatile bool _isReached;
    private volatile bool _wasLost; // the connection, at least once

    public RedisSessionDirectory(IOptions<QuicTunnelOptions> options, QuicTunnelRedisOptions redis, IServiceProvider services, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _redis, _services, _time) = (options.Value, redis, services, time);
        _log = loggers.CreateLogger(SessionDirectoryLog.Category);
        _lease = new NodeLease(
            NodeKey(Node), $"{redis.Prefix}:quic-epoch", Lease, time, static text => LeaseText.Parse(text)?.Epoch ?? 0, epoch => new LeaseText(epoch, _options.Cluster.Relay.AdvertisedAddress).Format())
        {
            Lost = (epoch, wasTaken) =>
            {
                _log.LeaseLost(Node, epoch);
                if (!wasTaken)
                {
                    Hold();
                }
            },
        };
    }

    /// <summary>The epoch; 0: none yet.</summary>
    public long Epoch => _lease.Epoch;

    public bool IsReached => _isReached;

    /// <summary>Whether a concentrator that started later has the same name.</summary>
    public bool IsNameTaken => _lease.IsNameTaken;

    /// <summary>Whether all changes are written to Redis.</summary>
    public bool IsWritten => _isReached && !HasChanges;

    private string Node => _options.Cluster.NodeName;

    private TimeSpan Lease => _options.Cluster.Lease;

    public void Add(string session, string? identity)
    {
        lock (_lock)
        {
            _own[session] = new OwnSession(identity);
            _changed.Add(session);
        }

        Wake();
    }

    public void Remove(string session)
    {
        lock (_lock)
        {
            if (!_own.Remove(session, out OwnSession? own) || !own.IsAnnounced)
            {
                // Redis does not know it. So sessions that come and go while Redis is away are not remembered.
                _changed.Remove(session);
                return;
            }

            _changed.Add(session);
        }

        Wake();
    }

    public async ValueTask<TunnelSessionOwner?> FindAsync(string session, CancellationToken cancellationToken = default)
    {
        if (_multiplexer is not { IsConnected: true } multiplexer)
        {
            throw new TimeoutException("Redis can't be reached.");
        }

        IDatabase database = multiplexer.GetDatabase();
        if (SessionText.Parse(await database.StringGetAsync(SessionKey(session)).WaitAsync(cancellationToken)) is { } found
            && LeaseText.Parse(await database.StringGetAsync(NodeKey(found.Node)).WaitAsync(cancellationToken)) is { } lease
            && (lease.Epoch == found.Epoch || CanAsk(found.Node, lease)))
        {
            return new TunnelSessionOwner(found.Node, found.Identity, lease.Address);
        }

        // The hold begins before this concentrator's key is written again, so it is checked after the key.
        if ((await database.StringGetAsync(NodeKey(Node)).WaitAsync(cancellationToken)).IsNull || IsHolding)
        {
            throw new IOException("Redis may have lost data, and the other concentrators may not have announced their sessions again yet.");
        }

        return null;
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (!_options.Cluster.IsSet)
        {
            throw new InvalidOperationException("AddQuicTunnelRedisDirectory() needs a cluster: set QuicTunnel:Cluster:Node and QuicTunnel:Cluster:SecretPath.");
        }

        if (_redis.ConnectionString is null && _services.GetService<IConnectionMultiplexer>() is null)
        {
            throw new InvalidOperationException(
                "AddQuicTunnelRedisDirectory() without a connection string needs an IConnectionMultiplexer in the services. Write AddQuicTunnelRedisDirectory(\"redis:6379\"), or add one.");
        }

        _running = Task.Run(RunAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Ends the lease, so that clients get new sessions elsewhere at once.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await StopLoopAsync();
        if (_multiplexer is not { IsConnected: true } multiplexer || Epoch == 0)
        {
            return;
        }

        try
        {
            IDatabase database = multiplexer.GetDatabase();
            if (await _lease.IsOwnAsync(database).WaitAsync(s_stopTimeout, _time, cancellationToken))
            {
                await database.KeyDeleteAsync(NodeKey(Node)).WaitAsync(s_stopTimeout, _time, cancellationToken);
            }
        }
        catch (Exception e) when (e is RedisException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            // The lease expires without further commands.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await StopLoopAsync();
        if (_multiplexer is { } multiplexer)
        {
            multiplexer.ConnectionRestored -= OnRestored;
            multiplexer.ConnectionFailed -= OnFailed;
            if (_isOwn)
            {
                await multiplexer.DisposeAsync();
            }
        }

        _stopping.Dispose();
    }

    /// <summary>Whether a missing session proves nothing: Redis has probably lost its data. Other concentrators announce their sessions again within a lease.</summary>
    private bool IsHolding => Volatile.Read(ref _holdBegan) is var began and not 0 && _time.GetElapsedTime(began) < Lease;

    private void Hold() => Volatile.Write(ref _holdBegan, _time.GetTimestamp());

    /// <summary>
    /// Whether this concentrator can ask another one, which has begun anew with another epoch, for a session. It may still have the session, and not have announced it again yet.
    /// </summary>
    private bool CanAsk(string node, LeaseText lease) =>
        _options.Cluster.Relay is { IsSet: true } relay && (relay.Nodes.Count > 0 ? relay.Nodes.ContainsKey(node) : lease.Address is not null);

    private RedisKey NodeKey(string node) => $"{_redis.Prefix}:quic-node:{node}";

    private RedisKey SessionKey(string session) => $"{_redis.Prefix}:quic-session:{session}";

    private bool HasChanges
    {
        get
        {
            lock (_lock)
            {
                return _changed.Count + _next.Count + _writing > 0;
            }
        }
    }

    private void Wake() => _wake.Writer.TryWrite(true);

    private void OnFailed(object? sender, ConnectionFailedEventArgs e) => _wasLost = true;

    private void OnRestored(object? sender, ConnectionFailedEventArgs e)
    {
        // The client library also tells, late on a busy machine, of the first connection.
        if (_wasLost)
        {
            // Redis may have lost its data.
            Hold();
        }

        AnnounceAll();
        Wake();
    }

    private void AnnounceAll()
    {
        lock (_lock)
        {
            _changed.UnionWith(_own.Keys);
        }
    }

    private async Task StopLoopAsync()
    {
        if (!_stopping.IsCancellationRequested)
        {
            await _stopping.CancelAsync();
        }

        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            TimeSpan pause = s_retry;
            try
            {
                await TickAsync(_multiplexer ?? await OpenAsync());
                pause = Lease / 3;
            }
            catch (Exception e) when (e is RedisException or TimeoutException or IOException)
            {
                _isReached = false;
                if (!_isLossLogged)
                {
                    _isLossLogged = true;
                    _log.DirectoryLost(e.Message);
                }
            }
            catch (Exception e) when (!_stopping.IsCancellationRequested)
            {
                _log.DirectoryFailed(e);
            }

            using var wait = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            var over = Task.Delay(pause, _time, wait.Token);
            // After a failure, changes wait for the next attempt.
            Task woken = pause == s_retry ? over : _wake.Reader.WaitToReadAsync(wait.Token).AsTask();
            await Task.WhenAny(over, woken);
            await wait.CancelAsync();
            _wake.Reader.TryRead(out _);
        }
    }

    private async Task<IConnectionMultiplexer> OpenAsync()
    {
        IConnectionMultiplexer multiplexer;
        if (_redis.ConnectionString is { } connection)
        {
            var settings = ConfigurationOptions.Parse(connection);
            settings.AbortOnConnectFail = false;
            // Commands fail at once while there is no connection, because a client waits for the answer.
            settings.BacklogPolicy = BacklogPolicy.FailFast;
            settings.ReconnectRetryPolicy = new LinearRetry(500);
            // The client library gives up after five seconds, unless it is told otherwise.
            settings.AsyncTimeout = Math.Max(settings.AsyncTimeout, (int)_options.Cluster.LookupTimeout.TotalMilliseconds);
            settings.ClientName ??= "mtatls-quic-tunnel";
            multiplexer = await ConnectionMultiplexer.ConnectAsync(settings);
            _isOwn = true;
        }
        else
        {
            multiplexer = _services.GetRequiredService<IConnectionMultiplexer>();
        }

        multiplexer.ConnectionFailed += OnFailed;
        multiplexer.ConnectionRestored += OnRestored;
        if (Array.Exists(multiplexer.GetServers(), static server => !server.IsConnected))
        {
            _wasLost = true;
        }

        _multiplexer = multiplexer;
        return multiplexer;
    }

    /// <summary>Called after each third of the lease, and when a session has come or gone.</summary>
    private async Task TickAsync(IConnectionMultiplexer multiplexer)
    {
        IDatabase database = multiplexer.GetDatabase();
        do
        {
            if (Epoch == 0 || !_isReached || _time.GetElapsedTime(_renewed) >= Lease / 3)
            {
                await RenewAsync(database);
            }

            if (_time.GetElapsedTime(_refreshed) >= s_entryRefresh)
            {
                AnnounceAll();
                _refreshed = _time.GetTimestamp();
            }

            await WriteAsync(database);
        }
        while (HasChanges && !_stopping.IsCancellationRequested);
    }

    private async Task RenewAsync(IDatabase database)
    {
        switch (await _lease.RenewAsync(database))
        {
            case LeaseOutcome.NameTaken:
                _log.NameTaken(Node, _lease.LaterEpoch);
                break;
            case LeaseOutcome.Acquired:
                _log.LeaseAcquired(Node, Epoch);
                AnnounceAll();
                _lease.Confirm();
                break;
        }

        Reached();
    }

    private void Reached()
    {
        _renewed = _time.GetTimestamp();
        _isLossLogged = false;
        if (!_isReached)
        {
            _isReached = true;
            _log.DirectoryReached();
        }
    }

    /// <summary>Writes the next changes, a batch at most.</summary>
    private async Task WriteAsync(IDatabase database)
    {
        (string Session, OwnSession? Own)[] batch = TakeBatch();
        try
        {
            await Task.WhenAll(batch.Select(change => change.Own is { } own
                ? database.StringSetAsync(SessionKey(change.Session), new SessionText(Node, Epoch, own.Identity).Format(), s_entryLife)
                : (Task)database.KeyDeleteAsync(SessionKey(change.Session)))).WaitAsync(Lease, _time);
            EndBatch([]);
        }
        catch
        {
            EndBatch(batch);
            throw;
        }
    }

    private (string Session, OwnSession? Own)[] TakeBatch()
    {
        lock (_lock)
        {
            if (_next.Count == 0)
            {
                foreach (string session in _changed)
                {
                    _next.Enqueue(session);
                }

                _changed.Clear();
            }

            var batch = new (string Session, OwnSession? Own)[_writing = Math.Min(_next.Count, Batch)];
            for (int i = 0; i < batch.Length; i++)
            {
                string session = _next.Dequeue();
                if (_own.TryGetValue(session, out OwnSession? own))
                {
                    own.IsAnnounced = true;
                }

                batch[i] = (session, own);
            }

            return batch;
        }
    }

    private void EndBatch((string Session, OwnSession? Own)[] failed)
    {
        lock (_lock)
        {
            _writing = 0;
            foreach ((string session, OwnSession? _) in failed)
            {
                _changed.Add(session);
            }
        }
    }

    /// <summary>A session of this concentrator. The directory's lock guards it.</summary>
    private sealed class OwnSession(string? identity)
    {
        public string? Identity { get; } = identity;

        /// <summary>Whether Redis may know it.</summary>
        public bool IsAnnounced { get; set; }
    }
}
