namespace MtaTls.AspNetCore.Connections;

/// <summary>Counts things of which only so many may be there at a time. The leases that take a place are <see cref="SessionLease"/> and <see cref="Routing.TcpLease"/>.</summary>
internal sealed class CountLimit
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts one more; <see cref="Leave"/> is to follow. False, and nothing counted, where there are <paramref name="limit"/> already.</summary>
    public bool TryEnter(int limit)
    {
        if (Interlocked.Increment(ref _count) <= limit)
        {
            return true;
        }

        Interlocked.Decrement(ref _count);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _count);
}
