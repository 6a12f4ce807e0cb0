namespace MtaTls.Protocol;

/// <summary>Counts events of one second at a time against a limit. The read loop's alone.</summary>
/// <param name="limit">The most in one second; 0: any number.</param>
/// <param name="time">The clock.</param>
internal sealed class PacketRate(int limit, TimeProvider time)
{
    private long _begin;
    private int _count;

    /// <summary>Counts one.</summary>
    /// <returns>Whether it is within the limit.</returns>
    public bool Count()
    {
        if (limit == 0)
        {
            return true;
        }

        if (_begin == 0 || time.GetElapsedTime(_begin) >= TimeSpan.FromSeconds(1))
        {
            (_begin, _count) = (time.GetTimestamp(), 0);
        }

        return ++_count <= limit;
    }
}
