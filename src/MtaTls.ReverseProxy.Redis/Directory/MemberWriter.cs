using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using MtaTls.Redis;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>Writes this node's agents to Redis in the order in which they come and go. It writes all of them again with each new epoch, and after each failure.</summary>
internal sealed class MemberWriter(ClusterPlan plan, RedisConnection connection, RedisKeys keys, LeaseKeeper lease, DirectoryMetrics metrics, ILogger logger)
{
    /// <summary>The most members in one batch of commands.</summary>
    private const int BatchSize = 500;

    /// <summary>The most members to remove that are remembered while Redis can't be reached.</summary>
    private const int MaxRemovals = 10_000;

    /// <summary>The time after which Redis removes the members of a name, unless a node writes them again. So nothing remains of nodes that have died.</summary>
    private static readonly TimeSpan s_lifetime = TimeSpan.FromHours(1);

    private static readonly TimeSpan s_refresh = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Lock _lock = new();

    // Guarded by _lock: this node's members, the changes to write, and whether all members must be written again.
    private readonly HashSet<AgentMember> _own = [];
    private readonly Queue<(AgentMember Member, bool IsAdded)> _pending = new();
    private bool _isAllDue;

    // Used only by the loop: the epoch with which each member was written, and the members to remove from Redis.
    private readonly Dictionary<AgentMember, long> _announced = [];
    private readonly HashSet<(string Name, string Text)> _removals = [];
    private readonly HashSet<AgentMember> _refused = [];
    private long _refusedAt;

    /// <summary>The number of this node's members.</summary>
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

    /// <summary>Whether all changes are written.</summary>
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

    /// <summary>Makes the loop write all members again.</summary>
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

    /// <summary>Writes changes until <paramref name="stopping"/> is canceled.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        long refreshed = plan.Time.GetTimestamp();
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                using (var pause = CancellationTokenSource.CreateLinkedTokenSource(stopping))
                {
                    pause.CancelAfter(_refused.Count > 0 ? plan.Options.Lease / 3 : s_refresh);
                    await ((Task)_wake.Reader.WaitToReadAsync(pause.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    _wake.Reader.TryRead(out _);
                }

                if (plan.Time.GetElapsedTime(refreshed) >= s_refresh)
                {
                    refreshed = plan.Time.GetTimestamp();
                    await WriteAllAsync(isSilent: true);
                }

                AnnounceRefused();
                await WriteDueAsync();
            }
            catch (Exception e) when (e is RedisException or TimeoutException or IOException or ObjectDisposedException)
            {
                // Redis may or may not have executed the last commands, so all members are written again.
                if (_removals.Count > MaxRemovals)
                {
                    // A new epoch makes all of them invalid, so none has to be removed.
                    _removals.Clear();
                    lease.GiveUp();
                }

                await Task.Delay(s_pause, plan.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                AnnounceAll();
            }
        }
    }

    /// <summary>Writes the remaining changes when the node stops.</summary>
    public async Task FlushAsync() => await WriteDueAsync();

    /// <summary>Writes members again that Redis has refused, because a key has another type or the memory is full. All other members are written meanwhile.</summary>
    private void AnnounceRefused()
    {
        if (_refused.Count == 0 || plan.Time.GetElapsedTime(_refusedAt) < plan.Options.Lease / 3)
        {
            return;
        }

        lock (_lock)
        {
            foreach (AgentMember member in _refused.Where(_own.Contains))
            {
                Enqueue(member, isAdded: true);
            }
        }

        _refused.Clear();
        _wake.Reader.TryRead(out _);
    }

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

        // Members that were written but have gone since then must be removed.
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
        List<(AgentMember Member, Task Added)> added = [];
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
                added.Add((member, database.SetAddAsync(key, text)));
                commands.Add(database.KeyExpireAsync(key, s_lifetime));
            }
        }

        List<((string Name, string Text) Member, Task Removed)> removals = [];
        foreach ((string Name, string Text) removal in _removals)
        {
            names.Add(removal.Name);
            removals.Add((removal, database.SetRemoveAsync(keys.Agents(removal.Name), removal.Text)));
        }

        if (!isSilent)
        {
            commands.AddRange(names.Chunk(ChangeMessage.MaxNames).Select(chunk => database.PublishAsync(keys.Changes, ChangeMessage.OfNames(plan.Node, chunk))));
        }

        commands.AddRange(removals.Select(static r => r.Removed));
        metrics.Sent(commands.Count + added.Count);
        await Task.WhenAll(added.Select(static a => a.Added).Concat(commands)).WaitAsync(plan.Options.Lease, plan.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Check(added, commands);
        foreach (((string, string) member, Task removed) in removals)
        {
            if (removed.IsCompletedSuccessfully || (removed.Exception?.InnerException is RedisServerException e && RedisErrors.IsWrongType(e)))
            {
                _removals.Remove(member);
            }
        }
    }

    /// <summary>Remembers members that Redis has refused; they are written again later. Any other error is thrown, and all members are written again.</summary>
    private void Check(List<(AgentMember Member, Task Added)> added, List<Task> commands)
    {
        string? reason = null;
        int before = _refused.Count;
        foreach ((AgentMember member, Task task) in added)
        {
            if (task is { IsFaulted: true, Exception.InnerException: RedisServerException refused })
            {
                reason = refused.Message;
                _refused.Add(member);
                _announced.Remove(member);
            }
        }

        if (reason is not null)
        {
            _refusedAt = plan.Time.GetTimestamp();
            logger.MembersRefused(_refused.Count - before, reason, (plan.Options.Lease / 3).TotalSeconds);
        }

        foreach (Task task in added.Select(static a => a.Added).Concat(commands))
        {
            if (!task.IsCompleted)
            {
                throw new TimeoutException("Redis has not answered.");
            }

            if (task.IsCanceled)
            {
                throw new TaskCanceledException(task);
            }

            if (task.Exception?.InnerException is { } error and not RedisServerException)
            {
                ExceptionDispatchInfo.Throw(error);
            }
        }
    }
}
