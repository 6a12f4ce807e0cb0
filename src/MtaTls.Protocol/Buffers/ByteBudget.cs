namespace MtaTls.Protocol;

/// <summary>
/// A number of bytes that are handed out and come back, each of which its parent hands out too. Thread-safe, without a lock unless somebody waits; never hands out more than it has.
/// </summary>
/// <param name="size">The bytes.</param>
/// <param name="keep">Those that are handed out only where they are asked for by name.</param>
/// <param name="parent">The pool that this one is a part of.</param>
internal sealed class ByteBudget(long size, long keep = 0, ByteBudget? parent = null)
{
    private readonly Lock _lock = new();
    private HashSet<IBudgetWaiter>? _waiters;
    private long _reserved;
    private int _waiting;

    public long Size => size;

    public ByteBudget? Parent => parent;

    public long Reserved => Volatile.Read(ref _reserved);

    /// <summary>What can be reserved here, whatever the parent says, without what is kept.</summary>
    public long OwnUnreserved => Math.Max(0, size - keep - Reserved);

    /// <summary>What can be reserved, without what is kept.</summary>
    public long Unreserved => parent is null ? OwnUnreserved : Math.Min(OwnUnreserved, parent.Unreserved);

    /// <summary>Reserves as many bytes as there are, up to <paramref name="wanted"/>; none when that is less than <paramref name="least"/>.</summary>
    /// <param name="wanted">The most.</param>
    /// <param name="least">The least.</param>
    /// <param name="kept">Whether what is kept may be taken too.</param>
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

    /// <summary>Whether more was taken than there is, here or above.</summary>
    public bool IsExceeded => Reserved > size || parent is { IsExceeded: true };

    /// <summary>Reserves bytes whether there are any or not: they are in use already.</summary>
    public void ReserveAlways(long octets)
    {
        for (ByteBudget? pool = this; pool is not null; pool = pool.Parent)
        {
            Interlocked.Add(ref pool._reserved, octets);
        }
    }

    public void Release(long octets)
    {
        Interlocked.Add(ref _reserved, -octets);
        if (parent is not null)
        {
            parent.Release(octets);
        }
        else if (Volatile.Read(ref _waiting) != 0)
        {
            WakeAll();
        }
    }

    /// <summary>Calls the waiter once when bytes have come back, at once if there are any.</summary>
    public void WaitForRelease(IBudgetWaiter waiter)
    {
        // What comes back anywhere comes back to the root.
        ByteBudget root = this;
        while (root.Parent is { } above)
        {
            root = above;
        }

        root.Add(waiter);
        // After it is in the list, with a fence between: what came back before was not told to it.
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

    private long ReserveOwn(long wanted, long least, long leave)
    {
        while (true)
        {
            long reserved = Volatile.Read(ref _reserved);
            long granted = Math.Min(wanted, size - reserved - leave);
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
