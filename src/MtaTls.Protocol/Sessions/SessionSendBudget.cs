namespace MtaTls.Protocol;

/// <summary>The memory for unsent data of a session's channels: limited by the session's own budget and by those that it shares with other sessions.</summary>
internal sealed class SessionSendBudget(long size, ByteBudget? common)
{
    /// <summary>The bytes that a channel can always hold, whatever the other channels do: one small block.</summary>
    public const int Floor = 4096;

    private readonly ByteBudget _pool = new(size, parent: common);

    /// <summary>The bytes of the session's blocks in use.</summary>
    public long Used => _pool.Reserved;

    /// <summary>Whether one of the budgets is exceeded. Then a channel that cannot send must not hold more than <see cref="Floor"/>.</summary>
    public bool IsExceeded => _pool.IsExceeded;

    /// <summary>The budget that has the fewest bytes left.</summary>
    public MtaTlsSessionLimit Exhausted =>
        common is null || _pool.OwnUnreserved <= common.Unreserved ? MtaTlsSessionLimit.SessionSendBudget
        : common.Parent is null || common.OwnUnreserved <= common.Parent.Unreserved ? MtaTlsSessionLimit.SendBudget
        : MtaTlsSessionLimit.ParentSendBudget;

    /// <summary>Returns the unsent bytes at which a channel's flush waits: an eighth of the rest, so that many channels together never use all of it.</summary>
    /// <param name="most">The result when enough is left.</param>
    public int Allowance(int most) => (int)Math.Min(most, Math.Max(Floor, _pool.Unreserved / 8));

    public void Take(int bytes) => _pool.ReserveAlways(bytes);

    public void Return(int bytes) => _pool.Release(bytes);
}
