namespace MtaTls.AspNetCore.Connections;

/// <summary>Counts objects against a limit. <see cref="SessionLease"/> and <see cref="Routing.TcpLease"/> take and release the places.</summary>
internal sealed class CountLimit
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts one more; call <see cref="Leave"/> later. Returns false and counts nothing if the count has reached <paramref name="limit"/>.</summary>
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
