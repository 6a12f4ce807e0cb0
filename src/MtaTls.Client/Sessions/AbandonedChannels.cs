namespace MtaTls.Client.Sessions;

/// <summary>
/// Channels that the application no longer refers to end when the garbage collector finds them. It may not look for long, since thousands of channels are little memory. So where opens have waited for room
/// for a while, and no full collection has come by itself meanwhile, one is asked for: in the background, and the less often the longer that goes on.
/// </summary>
/// <remarks>A client that is merely busy has the same symptom, and gains nothing from a collection. That is why it is rare, and why the AppContext switch <see cref="Switch"/>, set to false, turns it off.</remarks>
internal sealed class AbandonedChannels(TimeProvider time, Func<int> collections, Action collect)
{
    public const string Switch = "MtaTls.CollectAbandonedChannels";

    /// <summary>How long no room must have come, and the first pause between two collections.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between two collections; after one as long without a caller the first one holds again.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private long _last;
    private TimeSpan _pause = TimeSpan.Zero;

    /// <summary>The process's: its heap is one.</summary>
    public static AbandonedChannels Shared { get; } = new(
        TimeProvider.System, static () => GC.CollectionCount(GC.MaxGeneration), static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false));

    /// <summary>How many full collections there have been.</summary>
    public int Collections => collections();

    /// <summary>A caller has waited for room for a while.</summary>
    /// <param name="seen"><see cref="Collections"/> when the wait began.</param>
    public void Look(int seen)
    {
        if (collections() != seen || (AppContext.TryGetSwitch(Switch, out bool isOn) && !isOn))
        {
            return;
        }

        lock (_lock)
        {
            long now = time.GetTimestamp();
            TimeSpan since = time.GetElapsedTime(_last, now);
            if (_pause != TimeSpan.Zero && since < _pause)
            {
                return;
            }

            _pause = _pause == TimeSpan.Zero || since >= _pause + LongestPause ? FirstPause : TimeSpan.FromTicks(Math.Min(2 * _pause.Ticks, LongestPause.Ticks));
            _last = now;
        }

        collect();
    }
}
