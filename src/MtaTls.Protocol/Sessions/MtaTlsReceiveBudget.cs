namespace MtaTls.Protocol;

/// <summary>
/// The most bytes that the peers of many sessions can together make this process buffer: the bytes that the windows still allow them to send, and those that were not consumed yet.
/// </summary>
/// <remarks>
/// Thread-safe. An eighth of the budget is kept for the first 4 KiB of new channels. When the rest is used up, windows no longer grow. When all is used up, new channels are refused. Open channels
/// keep their 4 KiB.
/// </remarks>
internal sealed class MtaTlsReceiveBudget
{
    /// <summary>Creates a budget.</summary>
    /// <param name="size">The budget in bytes; at least 4,096.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is too small for one channel.</exception>
    public MtaTlsReceiveBudget(long size)
        : this(size, null)
    {
    }

    /// <summary>Creates a budget that is a part of another: bytes reserved in it are reserved in both. So the sessions of this budget leave the rest of the parent to others.</summary>
    /// <param name="size">The budget in bytes; at least 4,096.</param>
    /// <param name="parent">The budget that it is a part of; <see langword="null"/> for none.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is too small for one channel.</exception>
    public MtaTlsReceiveBudget(long size, MtaTlsReceiveBudget? parent)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, MtaTlsSessionLimits.WindowFloor);
        Pool = new ByteBudget(size, keep: size / 8, parent?.Pool);
    }

    /// <summary>The budget in bytes.</summary>
    public long Size => Pool.Size;

    /// <summary>The bytes that are reserved now; never more than <see cref="Size"/>.</summary>
    public long Reserved => Pool.Reserved;

    internal ByteBudget Pool { get; }
}
