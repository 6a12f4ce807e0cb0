namespace MtaTls.Protocol;

/// <summary>
/// The bytes that the peer can make this end buffer on all channels of a session: limited by the session's own budget and by the one that it shares with other sessions. The session's budget keeps
/// <see cref="MtaTlsSessionLimits.WindowFloor"/> bytes for every channel that the limit allows, so that each channel always has a window. The channels share the rest.
/// </summary>
internal sealed class SessionReceiveBudget(long size, int maxChannels, ByteBudget? common)
{
    private const int Floor = MtaTlsSessionLimits.WindowFloor;

    private readonly ByteBudget _shared = new(size - (long)Floor * maxChannels, parent: common);

    /// <summary>The unreserved bytes, without those that are kept for each channel.</summary>
    public long Unreserved => _shared.Unreserved;

    public long SharedReserved => _shared.Reserved;

    /// <summary>The budget that has nothing left.</summary>
    public MtaTlsSessionLimit Exhausted =>
        common is null || _shared.OwnUnreserved == 0 ? MtaTlsSessionLimit.SessionReceiveBudget
        : common.Parent is null || common.OwnUnreserved == 0 ? MtaTlsSessionLimit.ReceiveBudget
        : MtaTlsSessionLimit.ParentReceiveBudget;

    /// <summary>Reserves the first window of a channel: the wanted bytes, at most an eighth of the unreserved ones, at least the floor.</summary>
    /// <returns>The bytes reserved; 0 when the shared budget has less than the floor left.</returns>
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

    /// <summary>Releases bytes that a channel had above its floor.</summary>
    public void Release(long bytes) => _shared.Release(bytes);

    /// <summary>Releases all bytes of a channel.</summary>
    public void ReleaseAll(long reserved)
    {
        _shared.Release(reserved - Floor);
        common?.Release(Floor);
    }

    /// <summary>Calls the waiter once when bytes were released, or at once when bytes are free.</summary>
    public void WaitForRelease(IBudgetWaiter waiter) => _shared.WaitForRelease(waiter);
}
