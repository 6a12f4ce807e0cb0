namespace MtaTls.Protocol;

/// <summary>A number of octets that are handed out and come back. Thread-safe without a lock; never hands out more than it has.</summary>
internal sealed class OctetPool(long size)
{
    private long _reserved;

    public long Size => size;

    public long Reserved => Volatile.Read(ref _reserved);

    public long Unreserved => size - Reserved;

    /// <summary>Reserves as many octets as there are, up to <paramref name="wanted"/>, and leaves <paramref name="keep"/>; none when that is less than <paramref name="least"/>.</summary>
    public long Reserve(long wanted, long least = 1, long keep = 0)
    {
        while (true)
        {
            long reserved = Volatile.Read(ref _reserved);
            long granted = Math.Min(wanted, size - reserved - keep);
            if (granted < least || granted <= 0)
                return 0;
            if (Interlocked.CompareExchange(ref _reserved, reserved + granted, reserved) == reserved)
                return granted;
        }
    }

    public void Release(long octets) => Interlocked.Add(ref _reserved, -octets);
}
