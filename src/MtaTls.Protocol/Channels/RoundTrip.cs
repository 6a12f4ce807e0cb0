namespace MtaTls.Protocol;

/// <summary>
/// The session's round-trip time: the shortest time from an Acknowledgment to the first byte that it allowed. TCP's own round-trip time would measure only up to the
/// next relay. Written by the read loop, read by the send loop.
/// </summary>
internal sealed class RoundTrip(TimeProvider time)
{
    private long _shortest = long.MaxValue;

    /// <summary>The shortest time in the clock's own units; <see cref="long.MaxValue"/> before the first measurement.</summary>
    public long Shortest => Volatile.Read(ref _shortest);

    public long Now => time.GetTimestamp();

    /// <summary>Converts a duration to the clock's own units.</summary>
    public long TicksOf(TimeSpan duration) => (long)(duration.TotalSeconds * time.TimestampFrequency);

    public void Measured(long elapsed)
    {
        if (elapsed > 0 && elapsed < _shortest)
        {
            Volatile.Write(ref _shortest, elapsed);
        }
    }
}
