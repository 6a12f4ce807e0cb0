namespace MtaTls.Client.Sessions;

/// <summary>
/// Channels that nobody refers to any more end when the garbage collector finds them. Where opens wait for room, it is asked to look: thousands of channels are little memory, so that it
/// might not look for long.
/// </summary>
internal static class AbandonedChannels
{
    private static long s_last;

    /// <summary>How often it is asked at most.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromSeconds(1);

    public static void Collect()
    {
        long last = Volatile.Read(ref s_last), now = TimeProvider.System.GetTimestamp();
        if ((last == 0 || TimeProvider.System.GetElapsedTime(last, now) >= Interval) && Interlocked.CompareExchange(ref s_last, now, last) == last)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        }
    }
}
