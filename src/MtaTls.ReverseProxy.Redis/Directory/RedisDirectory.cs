using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>
/// The directory in Redis. All its data is soft state. A member is valid only while its node's key exists with the epoch that the member was announced with. A stale member costs one open, which its node
/// refuses. Data that Redis loses is announced again.
/// </summary>
internal sealed class RedisDirectory : IAgentDirectory, INodeDirectory, IHostedLifecycleService, IAsyncDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(2);

    private readonly ClusterPlan _plan;
    private readonly RedisConnection _connection;
    private readonly RedisKeys _keys;
    private readonly DirectoryMetrics _metrics;
    private readonly ILogger _logger;
    private readonly InMemoryAgentDirectory _local = new();
    private readonly NodeTable _nodes = new();
    private readonly NameCache _names;
    private readonly NameReader _reader;
    private readonly NodeReader _nodeReader;
    private readonly LeaseKeeper _lease;
    private readonly MemberWriter _writer;
    private readonly ReloadRate _reloads;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private Task _running = Task.CompletedTask;
    private Task _writing = Task.CompletedTask;
    private int _lookups;
    private int _disposed;
    private volatile bool _isStale;
    private volatile bool _isOpen;
    private bool _wasReached;   // used only by the loop

    public RedisDirectory(ClusterPlan plan, RedisConnection connection, MtaTlsRedisDirectoryOptions options, DirectoryMetrics metrics)
    {
        _plan = plan;
        _connection = connection;
        _metrics = metrics;
        _keys = new RedisKeys(options.Prefix);
        _logger = plan.Loggers.CreateLogger(DirectoryLog.Category);
        _reloads = new ReloadRate(plan);
        _names = new NameCache(() => plan.Options.MaxNames, plan.Time);
        // Redis may have lost its data. Other nodes announce themselves again, as this one does, so they are not dropped before that.
        _lease = new LeaseKeeper(plan, connection, _keys, metrics, _logger) { KeyLost = () => _nodeReader!.Hold(plan.Options.Lease) };
        _writer = new MemberWriter(plan, connection, _keys, _lease, metrics, _logger);
        _nodeReader = new NodeReader(plan, connection, _keys, _nodes, metrics, _logger) { Changed = OnNodeChanged, IsOwnExpected = () => _lease.Epoch != 0 && _lease.State.IsReached, OwnMissing = Wake };
        _reader = new NameReader(plan, connection, _keys, _nodes, _nodeReader, metrics, _logger) { Changed = OnNameChanged, CountOwn = name => _local.Find(name).Count };
        _local.Changed += name => Changed?.Invoke(name);
        connection.Restored += OnRestored;
        connection.Lost += Wake;
        metrics.LeaseAge = () => _lease.State.Age.TotalSeconds;
        metrics.KnownNames = () => _names.Count;
    }

    public event Action<string>? Changed;

    public event Action<string>? NodeChanged;

    /// <summary>The state of this node's lease.</summary>
    public LeaseState Lease => _lease.State;

    /// <summary>Whether all changes of this node are written to Redis.</summary>
    public bool IsWritten => _writer.IsIdle;

    /// <summary>The number of names in the cache.</summary>
    public int KnownNames => _names.Count;

    public void Add(AgentMember member)
    {
        _local.Add(member);
        _writer.Add(member);
    }

    public void Remove(AgentMember member)
    {
        _local.Remove(member);
        _writer.Remove(member);
    }

    public IReadOnlyList<AgentMember> Find(string name)
    {
        IReadOnlyList<AgentMember> local = _local.Find(name);
        return _isStale || _names.Find(name) is not { } entry ? local : entry.Combine(local, _nodes);
    }

    public ValueTask<bool> LoadAsync(string name, bool isKept = false, CancellationToken cancellationToken = default)
    {
        if (_isStale)
        {
            // Agents of other nodes are not used now, so the name may have agents that are not found. A name of the configuration is read again when Redis is back.
            if (isKept)
            {
                _names.GetOrAdd(name).IsKept = true;
            }

            return new(_local.Find(name).Count > 0);
        }

        NameEntry? entry = _names.Find(name);
        if (entry is { IsLoaded: true } && (!isKept || entry.IsKept))
        {
            if (!entry.IsStale)
            {
                return new(!_nodeReader.IsHolding || IsFound(name));
            }

            bool isFound = IsFound(name);
            if (!_connection.IsConnected || isFound)
            {
                // The known members may be out of date; an open will show that. Meanwhile the name is read again in the background.
                Reload(entry);
                return new(isFound);
            }
        }

        return AskAsync(name, isKept, cancellationToken);
    }

    public void Forget(AgentMember member)
    {
        if (member.Node == _plan.Node || _names.Find(member.Name) is not { } entry || entry.Members.FirstOrDefault(m => m.Agent.Id == member.Id) is not { Epoch: > 0 } known || !entry.Remove(member))
        {
            return;
        }

        Changed?.Invoke(member.Name);
        // Ids are not used twice: a registration that its own node does not know is of no use to any node.
        _reader.RemoveDead(member.Name, known);
    }

    public MtaTlsNode? FindNode(string name) => _isStale ? null : _nodes.Find(name);

    public IReadOnlyList<MtaTlsNode> ListNodes() => [.. _nodes.All];

    public async ValueTask AnnounceDrainAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await _lease.DrainAsync().WaitAsync(s_stopTimeout, _plan.Time, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            // Other nodes notice when the lease ends.
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _connection.Check();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Joins the cluster. Not before this step, because the endpoint for other gateways is bound only now.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _running = Task.Run(RunAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await StopLoopsAsync();
        try
        {
            if (_connection.IsConnected)
            {
                await _writer.FlushAsync().WaitAsync(s_stopTimeout, _plan.Time, cancellationToken);
                await _lease.ReleaseAsync().WaitAsync(s_stopTimeout, _plan.Time, cancellationToken);
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

        await StopLoopsAsync();
        _stopping.Dispose();
    }

    private bool IsFound(string name) => Find(name).Count > 0;

    private async Task StopLoopsAsync()
    {
        if (!_stopping.IsCancellationRequested)
        {
            await _stopping.CancelAsync();
        }

        await Task.WhenAll(_running, _writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            TimeSpan pause = s_retry;
            try
            {
                if (!_isOpen)
                {
                    await OpenAsync();
                }

                await TickAsync();
                pause = _plan.Options.Lease / 3;
            }
            catch (Exception e) when (e is RedisException or TimeoutException or IOException)
            {
                OnLost(e.Message);
            }
            catch (Exception e) when (!_stopping.IsCancellationRequested)
            {
                _logger.DirectoryFailed(e);
            }

            using var wait = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            var over = Task.Delay(pause, _plan.Time, wait.Token);
            Task woken = _wake.Reader.WaitToReadAsync(wait.Token).AsTask();
            await Task.WhenAny(over, woken);
            await wait.CancelAsync();
            _wake.Reader.TryRead(out _);
        }
    }

    private async Task OpenAsync()
    {
        await _connection.OpenAsync(_plan.Options.LookupTimeout);
        await _connection.SubscribeAsync(_keys.Changes, OnMessage);
        _isOpen = true;
        _writing = Task.Run(() => _writer.RunAsync(_stopping.Token), CancellationToken.None);
    }

    /// <summary>Called after each third of the lease, and when the connection is lost or restored.</summary>
    private async Task TickAsync()
    {
        bool wasAway = !_lease.State.IsReached, wasLost = wasAway && _wasReached;
        if (await _lease.RenewAsync())
        {
            _writer.AnnounceAll();
        }

        if (wasLost)
        {
            _nodeReader.Hold(_plan.Options.Lease);
        }

        await _nodeReader.ReadAsync();
        _wasReached = true;
        if (wasAway)
        {
            SetStale(false);
            _logger.DirectoryReached();
        }

        if (_lease.WasLost || wasLost)
        {
            ReloadAll();
        }

        if (_nodeReader.IsHoldOver())
        {
            // Removes members that were only kept because of the hold.
            ReloadAll();
        }

        // Names that changed more often than MaxReloadsPerSecond allows to read.
        foreach (NameEntry entry in _names.All)
        {
            if (entry is { IsStale: true, IsLoading: false } && _reloads.TryTake())
            {
                Reload(entry);
            }
        }
    }

    private void OnLost(string reason)
    {
        if (_lease.Lost())
        {
            _logger.DirectoryLost(reason, _plan.Options.MaxStale);
        }

        if (!_isStale && _lease.State.Age > _plan.Options.MaxStale)
        {
            SetStale(true);
            _logger.DirectoryStale(_plan.Options.MaxStale);
        }

        foreach (NameEntry entry in _names.All)
        {
            entry.IsStale = true;
        }
    }

    /// <summary>Turns the use of other nodes' agents off or on. The events are raised here, because nothing in Redis need have changed.</summary>
    private void SetStale(bool isStale)
    {
        if (_isStale == isStale)
        {
            return;
        }

        _isStale = isStale;
        foreach (MtaTlsNode node in _nodes.All)
        {
            NodeChanged?.Invoke(node.Name);
        }
    }

    private void OnRestored()
    {
        // Messages were lost.
        _writer.AnnounceAll();
        if (_connection.WasLost)
        {
            // Redis may have lost its data.
            _nodeReader.Hold(_plan.Options.Lease);
        }

        ReloadAll();
        Wake();
    }

    private void Wake() => _wake.Writer.TryWrite(true);

    private void OnMessage(string? text)
    {
        if (!ChangeMessage.TryParse(text, out string node, out IReadOnlyList<string> names) || node == _plan.Node)
        {
            return;
        }

        if (names.Count == 0)
        {
            _ = _nodeReader.TryReadAsync();
            return;
        }

        foreach (string name in names)
        {
            if (_names.Peek(name) is not { } entry)
            {
                continue;
            }

            if (_reloads.TryTake())
            {
                Reload(entry);
            }
            else
            {
                entry.IsStale = true;
            }
        }
    }

    private void OnNodeChanged(string node)
    {
        foreach (NameEntry entry in _names.All)
        {
            if (entry.Members.Any(m => m.Agent.Node == node))
            {
                Changed?.Invoke(entry.Name);
            }
        }

        NodeChanged?.Invoke(node);
    }

    private void OnNameChanged(string name) => Changed?.Invoke(name);

    private void ReloadAll()
    {
        foreach (NameEntry entry in _names.All)
        {
            Reload(entry);
        }
    }

    private void Reload(NameEntry entry)
    {
        entry.IsStale = true;
        if (_connection.IsConnected)
        {
            _ = entry.LoadAsync(_reader.ReadAsync, isNews: true);
        }
    }

    private async ValueTask<bool> AskAsync(string name, bool isKept, CancellationToken cancellationToken)
    {
        if (!_isOpen || !_connection.IsConnected)
        {
            Keep();
            return false;
        }

        int most = _plan.Options.MaxLookups;
        try
        {
            if (Interlocked.Increment(ref _lookups) > most && !isKept)
            {
                _logger.TooManyLookups(name, most);
                _metrics.LookedUp(default, "limit");
                return false;
            }

            NameEntry entry = Keep();
            // If Redis has just lost its data, a name that is not found may still have agents.
            return await entry.LoadAsync(_reader.ReadAsync, isNews: false).WaitAsync(_plan.Options.LookupTimeout, _plan.Time, cancellationToken) && (!_nodeReader.IsHolding || IsFound(name));
        }
        catch (TimeoutException)
        {
            _metrics.LookedUp(default, "timeout");
            _logger.LookupFailed(name, $"Redis has not answered within LookupTimeout ({_plan.Options.LookupTimeout}).");
            return false;
        }
        finally
        {
            Interlocked.Decrement(ref _lookups);
        }

        NameEntry Keep()
        {
            NameEntry entry = _names.GetOrAdd(name);
            entry.IsKept |= isKept;
            return entry;
        }
    }
}
