namespace MtaTls;

/// <summary>At most so many events in any second, exactly: also across the end of one and the beginning of the next. Not thread-safe.</summary>
/// <remarks>
/// Events are counted in a few groups, each of which leaves the second with its last event. So the limit never lets more through; it may take a sixteenth of a second
/// longer to let as many.
/// </remarks>
/// <param name="perSecond">The most events in any second.</param>
/// <param name="ticksPerSecond">The unit of the times that <see cref="TryTake(long)"/> is given.</param>
internal sealed class EventRate(int perSecond, long ticksPerSecond)
{
    private const int Groups = 16;

    private readonly TimeProvider? _time;
    private readonly (long First, long Last, int Count)[] _groups = new (long First, long Last, int Count)[Groups];
    private int _oldest;
    private int _used;
    private int _count;

    public EventRate(int perSecond, TimeProvider time)
        : this(perSecond, time.TimestampFrequency) => _time = time;

    /// <summary>A rate for a limit of which 0 means none.</summary>
    public static EventRate? Create(int perSecond, TimeProvider time) => perSecond == 0 ? null : new EventRate(perSecond, time);

    /// <summary>Counts one event now, by the clock that was given.</summary>
    /// <returns>Whether it is within the limit; one that is not does not count.</returns>
    public bool TryTake() => TryTake(_time!.GetTimestamp());

    /// <summary>Counts one event.</summary>
    /// <param name="now">The time, never less than the last.</param>
    /// <returns>Whether it is within the limit; one that is not does not count.</returns>
    public bool TryTake(long now)
    {
        while (_used > 0 && now - _groups[_oldest].Last >= ticksPerSecond)
        {
            _count -= _groups[_oldest].Count;
            _oldest = (_oldest + 1) % Groups;
            _used--;
        }

        if (_count >= perSecond)
        {
            return false;
        }

        _count++;
        int newest = (_oldest + _used - 1 + Groups) % Groups;
        // The newest group takes what comes within its share of a second; the last free one takes all.
        if (_used > 0 && (_used == Groups || now - _groups[newest].First < ticksPerSecond / Groups))
        {
            _groups[newest] = (_groups[newest].First, now, _groups[newest].Count + 1);
            return true;
        }

        _groups[(_oldest + _used) % Groups] = (now, now, 1);
        _used++;
        return true;
    }
}
