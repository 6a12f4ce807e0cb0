using StackExchange.Redis;

namespace MtaTls.Redis;

/// <summary>
/// A node's key in Redis, which expires with the lease. When the key was lost, the node takes a new epoch: entries with the old epoch are then invalid without being removed. The key is renewed with
/// PEXPIRE, which can neither restore an expired key nor overwrite the key of another node. One call at a time.
/// </summary>
/// <param name="key">The node's key. Its text begins with the epoch.</param>
/// <param name="counter">The counter of epochs, which all nodes share.</param>
/// <param name="duration">How long the key lives.</param>
/// <param name="time">The clock.</param>
/// <param name="epochOf">Reads the epoch from a key's text; 0 if the text is not that of a node.</param>
/// <param name="format">The key's text for an epoch.</param>
internal sealed class NodeLease(RedisKey key, RedisKey counter, TimeSpan duration, TimeProvider time, Func<string?, long> epochOf, Func<long, string> format)
{
    private long _epoch;
    private long _last; // The last epoch, also after GiveUp.
    private bool _isNew; // Until Confirm.
    private volatile bool _isNameTaken;

    /// <summary>This node's epoch; 0: none yet.</summary>
    public long Epoch => Volatile.Read(ref _epoch);

    /// <summary>Whether another node has the same name and a later epoch.</summary>
    public bool IsNameTaken => _isNameTaken;

    /// <summary>The key's text when it was last read; null if there was none.</summary>
    public string? Text { get; private set; }

    /// <summary>Called with the former epoch, and whether another node has had the name, before this node takes a new epoch in place of a lost one.</summary>
    public Action<long, bool>? Lost { get; init; }

    /// <summary>Renews the lease, or takes a new epoch.</summary>
    public async Task<LeaseOutcome> RenewAsync(IDatabase database)
    {
        if (Epoch == 0)
        {
            await AcquireAsync(database);
            return Reached();
        }

        Task<string?> read = ReadAsync(database);
        // The lease of another node with this name must end when that node dies, so it is not renewed.
        Task<bool> renewed = _isNameTaken ? Task.FromResult(false) : database.KeyExpireAsync(key, duration);
        await Task.WhenAll(read, renewed).WaitAsync(duration, time);
        Text = await read;
        long found = epochOf(Text);
        if (found > Epoch)
        {
            bool isNews = !_isNameTaken;
            _isNameTaken = true;
            LaterEpoch = found;
            return isNews ? LeaseOutcome.NameTaken : LeaseOutcome.NameStillTaken;
        }

        if (found == Epoch && await renewed)
        {
            _isNameTaken = false;
            return Reached();
        }

        Lost?.Invoke(Epoch, _isNameTaken);
        await AcquireAsync(database);
        return Reached();
    }

    /// <summary>The epoch of the other node with this name, after <see cref="LeaseOutcome.NameTaken"/>.</summary>
    public long LaterEpoch { get; private set; }

    /// <summary>The owner has done what follows a new epoch. Until then, each renewal says that it is new.</summary>
    public void Confirm() => _isNew = false;

    /// <summary>Makes the next renewal take a new epoch.</summary>
    public void GiveUp() => Volatile.Write(ref _epoch, 0);

    /// <summary>Writes the key again, if it is still there.</summary>
    public Task RewriteAsync(IDatabase database) => database.StringSetAsync(key, format(Epoch), duration, when: When.Exists);

    /// <summary>Whether the key is still this node's.</summary>
    public async Task<bool> IsOwnAsync(IDatabase database) => Epoch != 0 && epochOf(await ReadAsync(database)) == Epoch;

    private async Task AcquireAsync(IDatabase database)
    {
        long epoch = await database.StringIncrementAsync(counter).WaitAsync(duration, time);
        if (epoch <= _last)
        {
            // Redis has lost the counter. A node's epochs only grow, so that its older entries are known for what they are.
            epoch = await database.StringIncrementAsync(counter, _last - epoch + 1).WaitAsync(duration, time);
        }

        // If the answer to the next command is lost, the key may be there with this epoch, and is this node's.
        _last = epoch;
        Volatile.Write(ref _epoch, epoch);
        _isNew = true;
        Text = format(epoch);
        // The key is written before the entries, or other nodes would take these for entries of a dead node.
        await database.StringSetAsync(key, Text, duration).WaitAsync(duration, time);
        _isNameTaken = false;
    }

    private LeaseOutcome Reached() => _isNew ? LeaseOutcome.Acquired : LeaseOutcome.Renewed;

    /// <summary>Reads the text of the key; null if the key has no text.</summary>
    private async Task<string?> ReadAsync(IDatabase database)
    {
        try
        {
            return await database.StringGetAsync(key);
        }
        catch (RedisServerException e) when (RedisErrors.IsWrongType(e))
        {
            // Another program has written another type there. It is overwritten.
            return null;
        }
    }
}
