using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

#pragma warning disable CA1001 // A SemaphoreSlim whose wait handle nobody asks for holds nothing to dispose.
/// <summary>Reads the nodes that live.</summary>
internal sealed class NodeReader(ClusterPlan plan, RedisConnection connection, RedisKeys keys, NodeTable nodes, DirectoryMetrics metrics, ILogger logger)
#pragma warning restore CA1001
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _one = new(1);
    private readonly Dictionary<string, long> _missing = new(StringComparer.Ordinal);   // of the one that reads
    private Task? _queued;   // guarded by _lock, as are the next two
    private long _held;
    private bool _isHeld;

    /// <summary>Is told of each node that has come, changed or gone.</summary>
    public Action<string>? Changed { get; init; }

    /// <summary>Whether what is missing is kept for now.</summary>
    public bool IsHolding
    {
        get
        {
            lock (_lock)
            {
                return _isHeld && plan.Time.GetTimestamp() < _held;
            }
        }
    }

    /// <summary>For so long nodes and members that Redis does not have are kept: it may have lost them.</summary>
    public void Hold(TimeSpan time)
    {
        lock (_lock)
        {
            _isHeld = true;
            _held = plan.Time.GetTimestamp() + (long)(time.TotalSeconds * plan.Time.TimestampFrequency);
        }
    }

    /// <summary>Whether the time has just ended. True once.</summary>
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

    /// <summary>Reads the nodes as they are after this call; calls that wait for their turn share one reading.</summary>
    /// <exception cref="RedisException">Redis did not answer.</exception>
    public Task ReadAsync()
    {
        lock (_lock)
        {
            return _queued ??= Task.Run(ReadInTurnAsync);
        }
    }

    /// <summary>The same, and does not throw: the next reading comes soon.</summary>
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
        RedisValue[] listed = await database.SetMembersAsync(keys.Nodes).WaitAsync(plan.Options.Lease, plan.Time);
        string[] names = [.. listed.Select(static v => (string?)v).Where(ClusterPlan.IsNode).Select(static n => n!).Order(StringComparer.Ordinal).Take(plan.Options.MaxNodes)];
        if (listed.Length > plan.Options.MaxNodes)
        {
            logger.TooManyEntries(listed.Length, keys.Nodes.ToString(), nameof(MtaTlsClusterOptions.MaxNodes), plan.Options.MaxNodes);
        }

        RedisValue[] texts = names.Length == 0 ? [] : await database.StringGetAsync([.. names.Select(keys.Node)]).WaitAsync(plan.Options.Lease, plan.Time);
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

    /// <summary>A node that is away for long is not looked for any more. It lists itself again with each renewal, should it live.</summary>
    private void Miss(IDatabase database, string name)
    {
        if (_missing.TryAdd(name, plan.Time.GetTimestamp()) || plan.Time.GetElapsedTime(_missing[name]) < 2 * plan.Options.Lease || name == plan.Node)
        {
            return;
        }

        _missing.Remove(name);
        metrics.Sent(1);
        database.SetRemove(keys.Nodes, name, CommandFlags.FireAndForget);
    }
}
