namespace MtaTls.Protocol;

/// <summary>
/// The most octets that the peers of many sessions may together make this process buffer: what windows still allow them to send, and what was not read yet.
/// </summary>
/// <remarks>Thread-safe. When it is used up, windows stop growing and new channels are refused; channels that are open keep 4 KiB each.</remarks>
public sealed class MtaTlsReceiveBudget
{
    private long _reserved;

    /// <summary>Creates a budget.</summary>
    /// <param name="size">The budget in octets; at least 4,096.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is too small for one channel.</exception>
    public MtaTlsReceiveBudget(long size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, MtaTlsSessionLimits.WindowFloor);
        Size = size;
    }

    /// <summary>The budget in octets.</summary>
    public long Size { get; }

    /// <summary>The octets that are reserved now; never more than <see cref="Size"/>.</summary>
    public long Reserved => Volatile.Read(ref _reserved);

    /// <summary>The octets that are not reserved now.</summary>
    internal long Unreserved => Size - Reserved;

    /// <summary>Reserves up to <paramref name="wanted"/> octets, never less than <paramref name="least"/>.</summary>
    /// <returns>The octets reserved; 0 when not even <paramref name="least"/> are left.</returns>
    internal long Reserve(long wanted, long least)
    {
        while (true)
        {
            long reserved = Volatile.Read(ref _reserved);
            long granted = Math.Min(wanted, Size - reserved);
            if (granted < least || granted <= 0)
                return 0;
            if (Interlocked.CompareExchange(ref _reserved, reserved + granted, reserved) == reserved)
                return granted;
        }
    }

    /// <summary>Gives reserved octets back.</summary>
    internal void Release(long octets) => Interlocked.Add(ref _reserved, -octets);
}
