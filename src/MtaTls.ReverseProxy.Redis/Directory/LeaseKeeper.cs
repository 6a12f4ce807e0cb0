using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Diagnostics;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>
/// Keeps this node's key in Redis, which ends with the lease, and takes a new epoch whenever it was lost: what was announced before does not count any more, and nobody has to remove it. The key is renewed with
/// PEXPIRE, which neither brings back a key that has ended nor changes one of another node.
/// </summary>
internal sealed class LeaseKeeper(ClusterPlan plan, RedisConnection connection, RedisKeys keys, DirectoryMetrics metrics, ILogger logger)
{
    private long _epoch;
    private long _renewed = plan.Time.GetTimestamp();
    private volatile bool _isReached;
    private volatile bool _isNameTaken;
    private volatile bool _isDraining;

    /// <summary>Whether Redis has lost this node's key, and so probably those of others.</summary>
    public bool WasLost { get; private set; }

    /// <summary>The epoch; 0: none yet.</summary>
    public long Epoch => Volatile.Read(ref _epoch);

    public bool IsDraining => _isDraining;

    public LeaseState State => new(plan.Node, Epoch, plan.Time.GetElapsedTime(Volatile.Read(ref _renewed)), _isReached, _isNameTaken);

    private MtaTlsNode Own => new(plan.Node, Epoch, plan.Advertise, _isDraining);

    /// <summary>Renews the lease, or takes a new epoch.</summary>
    /// <returns>Whether the epoch is new.</returns>
    public async Task<bool> RenewAsync()
    {
        WasLost = false;
        IDatabase database = connection.Database;
        RedisKey key = keys.Node(plan.Node);
        bool isNew = false;
        if (Epoch == 0)
        {
            await AcquireAsync(database, key);
            isNew = true;
        }
        else
        {
            Task<RedisValue> read = database.StringGetAsync(key);
            Task<bool> renewed = database.KeyExpireAsync(key, plan.Options.Lease);
            Task<bool> listed = database.SetAddAsync(keys.Nodes, plan.Node);
            await Task.WhenAll(read, renewed, listed).WaitAsync(plan.Options.Lease, plan.Time);
            metrics.Sent(3);
            MtaTlsNode? found = NodeText.Parse(plan.Node, await read);
            if (found is null || !await renewed)
            {
                WasLost = !_isNameTaken;
                logger.LeaseLost(plan.Node, Epoch);
                await AcquireAsync(database, key);
                isNew = true;
            }
            else if (found.Epoch > Epoch)
            {
                TakenBy(found.Epoch);
                return false;
            }
            else if (found != Own)
            {
                await database.StringSetAsync(key, NodeText.Format(Own), plan.Options.Lease, when: When.Exists);
            }
        }

        Volatile.Write(ref _renewed, plan.Time.GetTimestamp());
        _isNameTaken = false;
        _isReached = true;
        return isNew;
    }

    /// <summary>Redis did not answer.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Lost()
    {
        bool isNews = _isReached;
        _isReached = false;
        return isNews;
    }

    /// <summary>The next renewal takes a new epoch.</summary>
    public void GiveUp() => Volatile.Write(ref _epoch, 0);

    /// <summary>Says that this node is about to stop.</summary>
    public async Task DrainAsync()
    {
        _isDraining = true;
        if (Epoch != 0)
        {
            await connection.Database.StringSetAsync(keys.Node(plan.Node), NodeText.Format(Own), plan.Options.Lease, when: When.Exists);
            await connection.Database.PublishAsync(keys.Changes, ChangeMessage.OfNode(plan.Node));
            metrics.Sent(2);
        }
    }

    /// <summary>Ends the lease, if it is still this node's.</summary>
    public async Task ReleaseAsync()
    {
        IDatabase database = connection.Database;
        RedisKey key = keys.Node(plan.Node);
        if (NodeText.Parse(plan.Node, await database.StringGetAsync(key))?.Epoch == Epoch)
        {
            await Task.WhenAll(database.KeyDeleteAsync(key), database.SetRemoveAsync(keys.Nodes, plan.Node), database.PublishAsync(keys.Changes, ChangeMessage.OfNode(plan.Node)));
        }
    }

    private async Task AcquireAsync(IDatabase database, RedisKey key)
    {
        long epoch = await database.StringIncrementAsync(keys.Epoch).WaitAsync(plan.Options.Lease, plan.Time);
        Volatile.Write(ref _epoch, epoch);
        // The key before the list and the members: nobody takes them for those of a node that has gone.
        await database.StringSetAsync(key, NodeText.Format(Own), plan.Options.Lease);
        await Task.WhenAll(database.SetAddAsync(keys.Nodes, plan.Node), database.PublishAsync(keys.Changes, ChangeMessage.OfNode(plan.Node)));
        metrics.Sent(4);
        metrics.EpochTaken();
        logger.LeaseAcquired(plan.Node, epoch, plan.Advertise);
    }

    private void TakenBy(long epoch)
    {
        if (!_isNameTaken)
        {
            _isNameTaken = true;
            logger.NameTaken(plan.Node, epoch);
        }

        _isReached = true;
    }
}
