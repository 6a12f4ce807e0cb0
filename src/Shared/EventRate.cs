namespace MtaTls;

/// <summary>Allows at most a number of events in any period of one second, not only in each full second. Not thread-safe.</summary>
/// <remarks>
/// Events are counted in groups. A group stops counting one second after its last event. So there are never more events than the limit allows, but events can be refused
/// for up to a sixteenth of a second too long.
/// </remarks>
/// <param name="perSecond">The most events in any second.</param>
/// <param name="ticksPerSecond">The ticks per second of the times for <see cref="TryTake(long)"/>.</param>
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

    /// <summary>Creates the rate for a limit; null when the limit is 0, which means no limit.</summary>
    public static EventRate? Create(int perSecond, TimeProvider time) => perSecond == 0 ? null : new EventRate(perSecond, time);

    /// <summary>Counts one event at the clock's current time.</summary>
    /// <returns>Whether it is within the limit; one that is not does not count.</returns>
    public bool TryTake() => TryTake(_time!.GetTimestamp());

    /// <summary>Counts one event.</summary>
    /// <param name="now">The time; never less than that of the last call.</param>
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
        // The newest group counts the events of a sixteenth of a second. When no group is free, it counts all events.
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
