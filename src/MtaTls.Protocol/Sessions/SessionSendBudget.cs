namespace MtaTls.Protocol;

/// <summary>What the channels of a session hold to be sent, under the session's own budget and those that it shares with others.</summary>
internal sealed class SessionSendBudget(long size, ByteBudget? common)
{
    /// <summary>What a channel may hold whatever the others do: one small block.</summary>
    public const int Floor = 4096;

    private readonly ByteBudget _pool = new(size, parent: common);

    /// <summary>The bytes that the session's blocks hold.</summary>
    public long Used => _pool.Reserved;

    /// <summary>Whether any of the budgets is exceeded: then a channel that can't send must not hold more than <see cref="Floor"/>.</summary>
    public bool IsExceeded => _pool.IsExceeded;

    /// <summary>Which budget it is that has least left.</summary>
    public MtaTlsSessionLimit Exhausted =>
        common is null || _pool.OwnUnreserved <= common.Unreserved ? MtaTlsSessionLimit.SessionSendBudget
        : common.Parent is null || common.OwnUnreserved <= common.Parent.Unreserved ? MtaTlsSessionLimit.SendBudget
        : MtaTlsSessionLimit.ParentSendBudget;

    /// <summary>How much a channel may have unsent before its writer waits: an eighth of what is left, so that channels together never use all of it.</summary>
    /// <param name="most">The most that it may have when others have little.</param>
    public int Allowance(int most) => (int)Math.Min(most, Math.Max(Floor, _pool.Unreserved / 8));

    public void Take(int bytes) => _pool.ReserveAlways(bytes);

    public void Return(int bytes) => _pool.Release(bytes);
}
