using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

#pragma warning disable CA1001 // A SemaphoreSlim needs no disposal as long as its wait handle is not used.
/// <summary>Reads the live nodes from Redis.</summary>
internal sealed class NodeReader(ClusterPlan plan, RedisConnection connection, RedisKeys keys, NodeTable nodes, DirectoryMetrics metrics, ILogger logger)
#pragma warning restore CA1001
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _one = new(1);
    private readonly Dictionary<string, long> _missing = new(StringComparer.Ordinal);   // guarded by _one
    private Task? _queued;   // guarded by _lock, as are the next two
    private long _held;
    private volatile bool _isHeld;

    /// <summary>Called with each node that has joined, changed or left.</summary>
    public Action<string>? Changed { get; init; }

    /// <summary>Whether this node's key must exist. If it is missing, Redis has lost its data, even if other nodes have written theirs again.</summary>
    public Func<bool>? IsOwnExpected { get; init; }

    /// <summary>Called when this node's key is missing.</summary>
    public Action? OwnMissing { get; init; }

    /// <summary>Whether nodes and members that are missing in Redis are kept for now.</summary>
    public bool IsHolding
    {
        get
        {
            if (!_isHeld)
            {
                return false;
            }

            lock (_lock)
            {
                return _isHeld && plan.Time.GetTimestamp() < _held;
            }
        }
    }

    /// <summary>Keeps nodes and members that are missing in Redis for this time, because Redis may have lost its data.</summary>
    public void Hold(TimeSpan time)
    {
        lock (_lock)
        {
            _isHeld = true;
            _held = plan.Time.GetTimestamp() + (long)(time.TotalSeconds * plan.Time.TimestampFrequency);
        }
    }

    /// <summary>Whether the time of <see cref="Hold"/> has ended. It returns true once.</summary>
    public bool IsHoldOver()
    {
        lock (_lock)
        {
            if (!_isHeld || plan.Time.GetTimestamp() < _held)
            {
                return false;
            }

            _isHeld = false;
            return true;
        }
    }

    /// <summary>Reads the nodes. The read begins after this call, and callers that wait for it share one read.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public Task ReadAsync()
    {
        lock (_lock)
        {
            return _queued ??= Task.Run(ReadInTurnAsync);
        }
    }

    /// <summary>Like <see cref="ReadAsync"/>, but does not throw: another read follows soon.</summary>
    public async Task TryReadAsync() => await ReadAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task ReadInTurnAsync()
    {
        await _one.WaitAsync();
        try
        {
            lock (_lock)
            {
                _queued = null;
            }

            await ReadNowAsync();
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task ReadNowAsync()
    {
        IDatabase database = connection.Database;
        int most = plan.Options.MaxNodes;
        RedisValue[] listed = await database.SetRandomMembersAsync(keys.Nodes, most + 1).WaitAsync(plan.Options.Lease, plan.Time);
        if (listed.Length > most)
        {
            logger.TooManyEntries(keys.Nodes.ToString(), nameof(MtaTlsClusterOptions.MaxNodes), most);
        }

        // This node and the known nodes come first, so that other listed names never push them out.
        string[] names = [.. nodes.All.Select(static n => n.Name).Prepend(plan.Node).Concat(listed.Select(static v => (string?)v).Where(ClusterPlan.IsNode).Select(static n => n!).Order(StringComparer.Ordinal)).Distinct().Take(most)];
        bool isOwnExpected = IsOwnExpected?.Invoke() == true;
        RedisValue[] texts = await database.StringGetAsync([.. names.Select(keys.Node)]).WaitAsync(plan.Options.Lease, plan.Time);
        metrics.Sent(2);
        Dictionary<string, MtaTlsNode> seen = new(StringComparer.Ordinal);
        for (int i = 0; i < names.Length; i++)
        {
            if (NodeText.Parse(names[i], texts[i]) is { } node)
            {
                seen.Add(names[i], node);
                _missing.Remove(names[i]);
            }
            else
            {
                Miss(database, names[i]);
            }
        }

        if (isOwnExpected && !seen.ContainsKey(plan.Node))
        {
            Hold(plan.Options.Lease);
            OwnMissing?.Invoke();
        }

        foreach ((string name, MtaTlsNode? before, MtaTlsNode? now) in nodes.Update(seen, IsHolding))
        {
            switch (before, now)
            {
                case (_, null):
                    logger.NodeGone(name);
                    break;
                case (_, { IsDraining: true }):
                    logger.NodeDraining(name);
                    break;
                case (_, not null) when before?.Epoch != now.Epoch:
                    logger.NodeCame(name, now.Epoch, now.Advertise);
                    break;
            }

            Changed?.Invoke(name);
        }
    }

    /// <summary>Removes a node that was missing for two leases from the list of nodes. A live node adds itself again with each renewal.</summary>
    private void Miss(IDatabase database, string name)
    {
        if (_missing.Count > plan.Options.MaxNodes)
        {
            // Anybody who may write to Redis can list any number of names.
            _missing.Clear();
        }

        if (_missing.TryAdd(name, plan.Time.GetTimestamp()) || plan.Time.GetElapsedTime(_missing[name]) < 2 * plan.Options.Lease || name == plan.Node)
        {
            return;
        }

        _missing.Remove(name);
        metrics.Sent(1);
        database.SetRemove(keys.Nodes, name, CommandFlags.FireAndForget);
    }
}
