namespace MtaTls.Protocol;

/// <summary>
/// The most octets that the peers of many sessions may together make this process buffer: what windows still allow them to send, and what was not read yet.
/// </summary>
/// <remarks>
/// Thread-safe. An eighth of it is kept for the first 4 KiB of each channel; when the rest is used up windows no longer grow, and when all is, new channels are refused. Channels that are
/// open keep their 4 KiB.
/// </remarks>
public sealed class MtaTlsReceiveBudget
{
    /// <summary>Creates a budget.</summary>
    /// <param name="size">The budget in octets; at least 4,096.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is too small for one channel.</exception>
    public MtaTlsReceiveBudget(long size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, MtaTlsSessionLimits.WindowFloor);
        Pool = new OctetPool(size);
    }

    /// <summary>The budget in octets.</summary>
    public long Size => Pool.Size;

    /// <summary>The octets that are reserved now; never more than <see cref="Size"/>.</summary>
    public long Reserved => Pool.Reserved;

    internal OctetPool Pool { get; }
}
