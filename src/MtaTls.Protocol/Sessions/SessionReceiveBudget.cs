namespace MtaTls.Protocol;

/// <summary>
/// What the channels of a session may make this end buffer, under the session's own budget and the one it shares with others. The session's holds
/// <see cref="MtaTlsSessionLimits.WindowFloor"/> octets for every channel that is allowed, so that a channel can always be served; the rest is shared.
/// </summary>
internal sealed class SessionReceiveBudget(long size, int maxChannels, OctetPool? common)
{
    private const int Floor = MtaTlsSessionLimits.WindowFloor;

    private readonly OctetPool _shared = new(size - (long)Floor * maxChannels);

    /// <summary>An eighth of the common budget is kept for the first 4 KiB of channels to come: who reads much must not keep others from opening.</summary>
    private readonly long _keep = common is null ? 0 : common.Size / 8;

    /// <summary>The octets beyond the floors that are not reserved.</summary>
    public long Unreserved => Math.Min(_shared.Unreserved, common is null ? long.MaxValue : Math.Max(0, common.Unreserved - _keep));

    public long SharedReserved => _shared.Reserved;

    /// <summary>Reserves the first window of a channel: what is wanted, at most an eighth of what is unreserved, at least the floor.</summary>
    /// <returns>The octets reserved; 0 when the common budget has not even the floor left.</returns>
    public int ReserveFirst(int wanted)
    {
        if (common is not null && common.Reserve(Floor, Floor) == 0)
            return 0;
        long more = Math.Min(wanted, Unreserved / 8) - Floor;
        return Floor + (int)(more > 0 ? Reserve(more) : 0);
    }

    /// <summary>Reserves up to <paramref name="wanted"/> octets more for a channel.</summary>
    public long Reserve(long wanted)
    {
        long granted = _shared.Reserve(wanted);
        if (granted == 0 || common is null)
            return granted;
        long both = common.Reserve(granted, keep: _keep);
        if (both < granted)
            _shared.Release(granted - both);
        return both;
    }

    /// <summary>Gives back octets that a channel had beyond its floor.</summary>
    public void Release(long octets)
    {
        _shared.Release(octets);
        common?.Release(octets);
    }

    /// <summary>Gives back all that a channel had.</summary>
    public void ReleaseAll(long reserved)
    {
        _shared.Release(reserved - Floor);
        common?.Release(reserved);
    }
}
