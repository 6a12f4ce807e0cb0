namespace MtaTls.Protocol;

/// <summary>
/// The memory that the channels of many sessions can together use for data that their applications have written and that is not sent yet, because the peers do not read or grant no window.
/// </summary>
/// <remarks>
/// Thread-safe. It counts the whole buffers, not only the bytes in them. The less of it is left, the earlier a channel's flush waits: when the channel has an eighth of the rest unsent, but never before
/// it has 4 KiB unsent. So the rest shrinks more and more slowly. One write of each application can still come before its flush waits. When that exceeds the budget, channels that cannot send are
/// closed, first those whose peer never granted any window.
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

    /// <summary>Creates a budget that is a part of another: bytes used of it are used of both. So the sessions of this budget leave the rest of the parent to others.</summary>
    /// <param name="size">The budget in bytes; at least 4,096.</param>
    /// <param name="parent">The budget that it is a part of; <see langword="null"/> for none.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is too small for one channel.</exception>
    public MtaTlsSendBudget(long size, MtaTlsSendBudget? parent)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, SessionSendBudget.Floor);
        Pool = new ByteBudget(size, parent: parent?.Pool);
    }

    /// <summary>The budget in bytes.</summary>
    public long Size => Pool.Size;

    /// <summary>The bytes of all buffers in use now. They exceed <see cref="Size"/> only until enough channels are closed.</summary>
    public long Used => Pool.Reserved;

    internal ByteBudget Pool { get; }
}
