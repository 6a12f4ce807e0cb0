namespace MtaTls.Protocol;

/// <summary>
/// What the channels of a session may make this end buffer, under the session's own budget and the one it shares with others. The session's holds
/// <see cref="MtaTlsSessionLimits.WindowFloor"/> bytes for every channel that is allowed, so that a channel can always be served; the rest is shared.
/// </summary>
internal sealed class SessionReceiveBudget(long size, int maxChannels, ByteBudget? common)
{
    private const int Floor = MtaTlsSessionLimits.WindowFloor;

    private readonly ByteBudget _shared = new(size - (long)Floor * maxChannels, parent: common);

    /// <summary>The bytes beyond the floors that are not reserved.</summary>
    public long Unreserved => _shared.Unreserved;

    public long SharedReserved => _shared.Reserved;

    /// <summary>Which budget it is that has nothing left.</summary>
    public MtaTlsSessionLimit Exhausted =>
        common is null || _shared.OwnUnreserved == 0 ? MtaTlsSessionLimit.SessionReceiveBudget
        : common.Parent is null || common.OwnUnreserved == 0 ? MtaTlsSessionLimit.ReceiveBudget
        : MtaTlsSessionLimit.ParentReceiveBudget;

    /// <summary>Reserves the first window of a channel: what is wanted, at most an eighth of what is unreserved, at least the floor.</summary>
    /// <returns>The bytes reserved; 0 when the common budget has not even the floor left.</returns>
    public int ReserveFirst(int wanted)
    {
        if (common is not null && common.Reserve(Floor, Floor, kept: true) == 0)
        {
            return 0;
        }

        long more = Math.Min(wanted, Unreserved / 8) - Floor;
        return Floor + (int)(more > 0 ? Reserve(more) : 0);
    }

    /// <summary>Reserves up to <paramref name="wanted"/> bytes more for a channel.</summary>
    public long Reserve(long wanted) => _shared.Reserve(wanted);

    /// <summary>Gives back bytes that a channel had beyond its floor.</summary>
    public void Release(long octets) => _shared.Release(octets);

    /// <summary>Gives back all that a channel had.</summary>
    public void ReleaseAll(long reserved)
    {
        _shared.Release(reserved - Floor);
        common?.Release(Floor);
    }

    /// <summary>Calls the waiter once when bytes have come back.</summary>
    public void WaitForRelease(IBudgetWaiter waiter) => _shared.WaitForRelease(waiter);
}
