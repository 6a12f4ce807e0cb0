using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>Announces this node's agents in Redis, in the order in which they come and go, and all of them again with each new epoch and whenever something was not written.</summary>
internal sealed class MemberWriter(ClusterPlan plan, RedisConnection connection, RedisKeys keys, LeaseKeeper lease, DirectoryMetrics metrics, ILogger logger)
{
    /// <summary>How many members are on their way to Redis at a time.</summary>
    private const int BatchSize = 500;

    /// <summary>Members that have gone while Redis was away.</summary>
    private const int MaxRemovals = 10_000;

    /// <summary>Sets of names whose nodes have all died end by themselves.</summary>
    private static readonly TimeSpan s_lifetime = TimeSpan.FromHours(1);

    private static readonly TimeSpan s_refresh = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Lock _lock = new();

    // Guarded by _lock: the agents that there are, what is to be written of them, and whether all are to be written again.
    private readonly HashSet<AgentMember> _own = [];
    private readonly Queue<(AgentMember Member, bool IsAdded)> _pending = new();
    private bool _isAllDue;

    // The loop's alone: with which epoch each member stands in Redis.
    private readonly Dictionary<AgentMember, long> _announced = [];
    private readonly HashSet<(string Name, string Text)> _removals = [];

    /// <summary>How many members there are.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _own.Count;
            }
        }
    }

    /// <summary>Whether all that has happened is written.</summary>
    public bool IsIdle { get; private set; } = true;

    public void Add(AgentMember member)
    {
        lock (_lock)
        {
            _own.Add(member);
            Enqueue(member, isAdded: true);
        }
    }

    public void Remove(AgentMember member)
    {
        lock (_lock)
        {
            if (_own.Remove(member))
            {
                Enqueue(member, isAdded: false);
            }
        }
    }

    /// <summary>All members are written again.</summary>
    public void AnnounceAll()
    {
        lock (_lock)
        {
            _isAllDue = true;
            _pending.Clear();
            IsIdle = false;
        }

        _wake.Writer.TryWrite(true);
    }

    /// <summary>Writes until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        long refreshed = plan.Time.GetTimestamp();
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                using (var pause = CancellationTokenSource.CreateLinkedTokenSource(stopping))
                {
                    pause.CancelAfter(s_refresh);
                    await ((Task)_wake.Reader.WaitToReadAsync(pause.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    _wake.Reader.TryRead(out _);
                }

                if (plan.Time.GetElapsedTime(refreshed) >= s_refresh)
                {
                    refreshed = plan.Time.GetTimestamp();
                    await WriteAllAsync(isSilent: true);
                }

                await WriteDueAsync();
            }
            catch (Exception e) when (e is RedisException or TimeoutException or IOException or ObjectDisposedException)
            {
                // What was on its way may or may not have arrived.
                if (_removals.Count > MaxRemovals)
                {
                    // With another epoch none of them counts any more, so none has to be removed.
                    _removals.Clear();
                    lease.GiveUp();
                }

                await Task.Delay(s_pause, plan.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                AnnounceAll();
            }
        }
    }

    /// <summary>Writes what is left when the node stops.</summary>
    public async Task FlushAsync() => await WriteDueAsync();

    // Under the lock.
    private void Enqueue(AgentMember member, bool isAdded)
    {
        IsIdle = false;
        if (!_isAllDue)
        {
            _pending.Enqueue((member, isAdded));
        }

        _wake.Writer.TryWrite(true);
    }

    private async Task WriteDueAsync()
    {
        while (lease.Epoch != 0)
        {
            bool isAll;
            List<(AgentMember Member, bool IsAdded)> batch = [];
            lock (_lock)
            {
                isAll = _isAllDue;
                _isAllDue = false;
                while (!isAll && batch.Count < BatchSize && _pending.TryDequeue(out (AgentMember, bool) next))
                {
                    batch.Add(next);
                }

                if (!isAll && batch.Count == 0 && _removals.Count == 0)
                {
                    IsIdle = true;
                    return;
                }
            }

            if (isAll)
            {
                await WriteAllAsync(isSilent: false);
            }
            else
            {
                await WriteAsync(batch, isSilent: false);
            }
        }
    }

    private async Task WriteAllAsync(bool isSilent)
    {
        AgentMember[] own;
        lock (_lock)
        {
            own = [.. _own];
        }

        // Members that have gone meanwhile.
        HashSet<AgentMember> kept = [.. own];
        List<(AgentMember, bool)> gone = [.. _announced.Keys.Where(m => !kept.Contains(m)).Select(static m => (m, false))];
        foreach ((AgentMember, bool)[] chunk in gone.Concat(own.Select(static m => (m, true))).Chunk(BatchSize))
        {
            await WriteAsync(chunk, isSilent);
        }

        if (!isSilent)
        {
            logger.Announced(own.Length, lease.Epoch);
        }
    }

    private async Task WriteAsync(IReadOnlyList<(AgentMember Member, bool IsAdded)> batch, bool isSilent)
    {
        IDatabase database = connection.Database;
        long epoch = lease.Epoch;
        List<Task> commands = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach ((AgentMember member, bool isAdded) in batch)
        {
            names.Add(member.Name);
            if (_announced.TryGetValue(member, out long before) && (!isAdded || before != epoch))
            {
                _removals.Add((member.Name, DirectoryMember.Format(member, before)));
                _announced.Remove(member);
            }

            if (isAdded)
            {
                _announced[member] = epoch;
                string text = DirectoryMember.Format(member, epoch);
                _removals.Remove((member.Name, text));
                RedisKey key = keys.Agents(member.Name);
                commands.Add(database.SetAddAsync(key, text));
                commands.Add(database.KeyExpireAsync(key, s_lifetime));
            }
        }

        (string Name, string Text)[] removals = [.. _removals];
        foreach ((string name, string text) in removals)
        {
            names.Add(name);
            commands.Add(database.SetRemoveAsync(keys.Agents(name), text));
        }

        if (!isSilent)
        {
            commands.AddRange(names.Chunk(ChangeMessage.MaxNames).Select(chunk => database.PublishAsync(keys.Changes, ChangeMessage.OfNames(plan.Node, chunk))));
        }

        metrics.Sent(commands.Count);
        await Task.WhenAll(commands).WaitAsync(plan.Options.Lease, plan.Time);
        foreach ((string, string) removal in removals)
        {
            _removals.Remove(removal);
        }
    }
}
