namespace MtaTls.AspNetCore.Connections;

/// <summary>A number of things that may be there at a time, of the whole server.</summary>
internal sealed class CountLimit(int limit)
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts one more; <see cref="Leave"/> is to follow. False, and nothing counted, where there are as many as may be.</summary>
    public bool TryEnter()
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
