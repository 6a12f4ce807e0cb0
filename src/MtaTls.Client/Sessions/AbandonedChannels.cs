namespace MtaTls.Client.Sessions;

/// <summary>
/// Frees channels that the application has abandoned. The garbage collector closes them, but it may not run for a long time, because thousands of channels need little memory. So if opens have waited for room
/// for a while, and there was no full collection meanwhile, this class requests one in the background. The longer that goes on, the less often it does.
/// </summary>
/// <remarks>A client that is only busy has the same symptom, and a collection does not help it. So collections are rare, and the AppContext switch <see cref="Switch"/>, set to false, turns them off.</remarks>
internal sealed class AbandonedChannels(TimeProvider time, Func<int> collections, Action collect)
{
    public const string Switch = "MtaTls.CollectAbandonedChannels";

    /// <summary>The time that an open must have waited without room, and the first pause between two collections.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between two collections. After this time without a waiting caller, the pause starts at <see cref="FirstPause"/> again.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private long _last;
    private TimeSpan _pause = TimeSpan.Zero;

    /// <summary>The instance of the process, because the process has one heap.</summary>
    public static AbandonedChannels Shared { get; } = new(
        TimeProvider.System, static () => GC.CollectionCount(GC.MaxGeneration), static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false));

    /// <summary>The number of full collections so far.</summary>
    public int Collections => collections();

    /// <summary>Requests a collection if it is due. Called when an open has waited for room for <see cref="FirstPause"/>.</summary>
    /// <param name="seen"><see cref="Collections"/> when the wait began.</param>
    public void CollectIfDue(int seen)
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
