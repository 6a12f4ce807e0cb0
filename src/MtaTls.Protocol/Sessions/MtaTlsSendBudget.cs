namespace MtaTls.Protocol;

/// <summary>
/// The memory that the channels of many sessions may together use for data that their applications have written and that is not sent yet, because the peers do not read or grant no window.
/// </summary>
/// <remarks>
/// Thread-safe. It counts the buffers themselves, not only the bytes in them. While little is left of it, a channel's writer waits earlier: from an eighth of what is left on, but never before the
/// channel has 4 KiB unsent. So writers wait, and what is left shrinks ever more slowly. One write of each application can still come before its wait: when that exceeds the budget, channels that
/// cannot send are closed, those first whose peer never granted any window.
/// </remarks>
internal sealed class MtaTlsSendBudget
{
    /// <summary>Creates a budget.</summary>
    /// <param name="size">The budget in bytes; at least 4,096.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is too small for one channel.</exception>
    public MtaTlsSendBudget(long size)
        : this(size, null)
    {
    }

    /// <summary>Creates a budget that is a part of another: what is used of it is used of both, so that its sessions leave the rest of the other to others.</summary>
    /// <param name="size">The budget in bytes; at least 4,096.</param>
    /// <param name="parent">The budget that it is a part of; <see langword="null"/>: of none.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is too small for one channel.</exception>
    public MtaTlsSendBudget(long size, MtaTlsSendBudget? parent)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, SessionSendBudget.Floor);
        Pool = new ByteBudget(size, parent: parent?.Pool);
    }

    /// <summary>The budget in bytes.</summary>
    public long Size => Pool.Size;

    /// <summary>The bytes that buffers hold now. More than <see cref="Size"/> only for as long as it takes to close channels.</summary>
    public long Used => Pool.Reserved;

    internal ByteBudget Pool { get; }
}
