namespace MtaTls.Protocol;

/// <summary>
/// A number of bytes that callers reserve and release. A reservation is made in the parent too. Thread-safe; it takes a lock only while someone waits for bytes.
/// <see cref="Reserve"/> never reserves more than there is.
/// </summary>
/// <param name="size">The budget in bytes.</param>
/// <param name="keep">The bytes of it that only callers that pass <c>kept: true</c> can reserve.</param>
/// <param name="parent">The budget that this one is a part of.</param>
internal sealed class ByteBudget(long size, long keep = 0, ByteBudget? parent = null)
{
    private readonly Lock _lock = new();
    private HashSet<IBudgetWaiter>? _waiters;
    private long _reserved;
    private int _waiting;

    public long Size => size;

    public ByteBudget? Parent => parent;

    public long Reserved => Volatile.Read(ref _reserved);

    /// <summary>The bytes that can be reserved in this budget alone, without the kept ones.</summary>
    public long OwnUnreserved => Math.Max(0, size - keep - Reserved);

    /// <summary>The bytes that can be reserved in this budget and all its parents, without the kept ones.</summary>
    public long Unreserved => parent is null ? OwnUnreserved : Math.Min(OwnUnreserved, parent.Unreserved);

    /// <summary>Reserves up to <paramref name="wanted"/> bytes, as many as are free.</summary>
    /// <param name="wanted">The most bytes to reserve.</param>
    /// <param name="least">The fewest bytes to reserve. When fewer are free, none are reserved.</param>
    /// <param name="kept">Whether the kept bytes may be reserved too.</param>
    /// <returns>The bytes reserved.</returns>
    public long Reserve(long wanted, long least = 1, bool kept = false)
    {
        long granted = ReserveOwn(wanted, least, kept ? 0 : keep);
        if (granted == 0 || parent is null)
        {
            return granted;
        }

        long both = parent.Reserve(granted, least, kept);
        if (both < granted)
        {
            Interlocked.Add(ref _reserved, both - granted);
        }

        return both;
    }

    /// <summary>Whether more bytes are reserved than the budget, or one of its parents, has.</summary>
    public bool IsExceeded => Reserved > size || parent is { IsExceeded: true };

    /// <summary>Reserves bytes even when none are free, because they are in use already.</summary>
    public void ReserveAlways(long bytes)
    {
        for (ByteBudget? pool = this; pool is not null; pool = pool.Parent)
        {
            Interlocked.Add(ref pool._reserved, bytes);
        }
    }

    public void Release(long bytes)
    {
        Interlocked.Add(ref _reserved, -bytes);
        if (parent is not null)
        {
            parent.Release(bytes);
        }
        else if (Volatile.Read(ref _waiting) != 0)
        {
            WakeAll();
        }
    }

    /// <summary>Calls the waiter once when bytes were released, or at once when bytes are free.</summary>
    public void WaitForRelease(IBudgetWaiter waiter)
    {
        // Every release reaches the root.
        ByteBudget root = this;
        while (root.Parent is { } above)
        {
            root = above;
        }

        root.Add(waiter);
        // Checked after the waiter is in the list (Add has a fence): it was not told of earlier releases.
        if (Unreserved > 0)
        {
            waiter.BytesReleased();
        }
    }

    private void Add(IBudgetWaiter waiter)
    {
        lock (_lock)
        {
            (_waiters ??= []).Add(waiter);
            Interlocked.Exchange(ref _waiting, 1);
        }
    }

    private void WakeAll()
    {
        IBudgetWaiter[] waiters;
        lock (_lock)
        {
            _waiting = 0;
            waiters = [.. _waiters!];
            _waiters!.Clear();
        }
        foreach (IBudgetWaiter waiter in waiters)
        {
            waiter.BytesReleased();
        }
    }

    private long ReserveOwn(long wanted, long least, long kept)
    {
        while (true)
        {
            long reserved = Volatile.Read(ref _reserved);
            long granted = Math.Min(wanted, size - reserved - kept);
            if (granted < least || granted <= 0)
            {
                return 0;
            }

            if (Interlocked.CompareExchange(ref _reserved, reserved + granted, reserved) == reserved)
            {
                return granted;
            }
        }
    }
}
