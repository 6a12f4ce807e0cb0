namespace MtaTls.Protocol;

/// <summary>
/// The most bytes that the peers of many sessions may together make this process buffer: what windows still allow them to send, and what was not read yet.
/// </summary>
/// <remarks>
/// Thread-safe. An eighth of it is kept for the first 4 KiB of each channel; when the rest is used up windows no longer grow, and when all is, new channels are refused. Channels that are
/// open keep their 4 KiB.
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

    /// <summary>Creates a budget that is a part of another: what is reserved in it is reserved in both, so that its sessions leave the rest of the other to others.</summary>
    /// <param name="size">The budget in bytes; at least 4,096.</param>
    /// <param name="parent">The budget that it is a part of; <see langword="null"/>: of none.</param>
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
