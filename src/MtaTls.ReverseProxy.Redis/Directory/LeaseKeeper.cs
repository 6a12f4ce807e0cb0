using Microsoft.Extensions.Logging;
using MtaTls.Redis;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>Keeps this node's lease and its place in the list of nodes, and tells other nodes about changes.</summary>
internal sealed class LeaseKeeper
{
    private readonly ClusterPlan _plan;
    private readonly RedisConnection _connection;
    private readonly RedisKeys _keys;
    private readonly DirectoryMetrics _metrics;
    private readonly ILogger _logger;
    private readonly NodeLease _lease;
    private long _renewed;
    private volatile bool _isReached;
    private volatile bool _isDraining;

    public LeaseKeeper(ClusterPlan plan, RedisConnection connection, RedisKeys keys, DirectoryMetrics metrics, ILogger logger)
    {
        (_plan, _connection, _keys, _metrics, _logger) = (plan, connection, keys, metrics, logger);
        _renewed = plan.Time.GetTimestamp();
        _lease = new NodeLease(keys.Node(plan.Node), keys.Epoch, plan.Options.Lease, plan.Time, text => NodeText.Parse(plan.Node, text)?.Epoch ?? 0, Format) { Lost = OnLost };
    }

    /// <summary>Called when Redis has lost this node's key, before it is there again.</summary>
    public Action? KeyLost { get; init; }

    /// <summary>Whether the last renewal found that Redis has lost this node's key. Redis has then probably lost the keys of other nodes too.</summary>
    public bool WasLost { get; private set; }

    /// <summary>This node's epoch; 0: none yet.</summary>
    public long Epoch => _lease.Epoch;

    public bool IsDraining => _isDraining;

    public LeaseState State => new(_plan.Node, Epoch, _plan.Time.GetElapsedTime(Volatile.Read(ref _renewed)), _isReached, _lease.IsNameTaken);

    /// <summary>Renews the lease, or takes a new epoch.</summary>
    /// <returns>Whether the epoch is new.</returns>
    public async Task<bool> RenewAsync()
    {
        WasLost = false;
        IDatabase database = _connection.Database;
        LeaseOutcome outcome = await _lease.RenewAsync(database);
        Task listed = database.SetAddAsync(_keys.Nodes, _plan.Node);
        switch (outcome)
        {
            case LeaseOutcome.NameTaken or LeaseOutcome.NameStillTaken:
                await listed.WaitAsync(_plan.Options.Lease, _plan.Time);
                _metrics.Sent(2);
                if (outcome == LeaseOutcome.NameTaken)
                {
                    _logger.NameTaken(_plan.Node, _lease.LaterEpoch);
                }

                _isReached = true;
                return false;
            case LeaseOutcome.Acquired:
                await Task.WhenAll(listed, database.PublishAsync(_keys.Changes, ChangeMessage.OfNode(_plan.Node))).WaitAsync(_plan.Options.Lease, _plan.Time);
                _metrics.Sent(4);
                _metrics.EpochTaken();
                _logger.LeaseAcquired(_plan.Node, Epoch, _plan.Advertise);
                _lease.Confirm();
                break;
            default:
                await listed.WaitAsync(_plan.Options.Lease, _plan.Time);
                _metrics.Sent(3);
                if (_lease.Text != Format(Epoch))
                {
                    await _lease.RewriteAsync(database);
                }

                break;
        }

        Volatile.Write(ref _renewed, _plan.Time.GetTimestamp());
        _isReached = true;
        return outcome == LeaseOutcome.Acquired;
    }

    /// <summary>Called when Redis did not answer.</summary>
    /// <returns>Whether Redis had answered the time before.</returns>
    public bool Lost()
    {
        bool isNews = _isReached;
        _isReached = false;
        return isNews;
    }

    /// <summary>Makes the next renewal take a new epoch.</summary>
    public void GiveUp() => _lease.GiveUp();

    /// <summary>Tells other nodes that this node is about to stop.</summary>
    public async Task DrainAsync()
    {
        _isDraining = true;
        if (Epoch != 0)
        {
            await _lease.RewriteAsync(_connection.Database);
            await _connection.Database.PublishAsync(_keys.Changes, ChangeMessage.OfNode(_plan.Node));
            _metrics.Sent(2);
        }
    }

    /// <summary>Ends the lease, if it is still this node's.</summary>
    public async Task ReleaseAsync()
    {
        IDatabase database = _connection.Database;
        if (await _lease.IsOwnAsync(database))
        {
            await Task.WhenAll(
                database.KeyDeleteAsync(_keys.Node(_plan.Node)), database.SetRemoveAsync(_keys.Nodes, _plan.Node), database.PublishAsync(_keys.Changes, ChangeMessage.OfNode(_plan.Node)));
        }
    }

    private string Format(long epoch) => NodeText.Format(new MtaTlsNode(_plan.Node, epoch, _plan.Advertise, _isDraining));

    private void OnLost(long epoch, bool wasTaken)
    {
        WasLost = !wasTaken;
        _logger.LeaseLost(_plan.Node, epoch);
        if (WasLost)
        {
            KeyLost?.Invoke();
        }
    }
}
