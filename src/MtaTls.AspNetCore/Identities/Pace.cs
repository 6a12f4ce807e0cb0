namespace MtaTls.AspNetCore.Identities;

/// <summary>
/// Limits a byte rate. It keeps one timestamp, up to which the rate is used; bytes that are taken move it forward by their share of a second. Up to a quarter of a second may be taken in advance.
/// The state is one word, so channels share it without a lock, and each gets its turn.
/// </summary>
internal sealed class Pace(TimeProvider time)
{
    private const int AheadDivisor = 4;

    // The timestamp up to which the rate is used up.
    private long _usedUntil = long.MinValue;

    /// <summary>Whether the rate is used beyond the present time.</summary>
    public bool IsAhead => Volatile.Read(ref _usedUntil) > time.GetTimestamp();

    /// <summary>Takes bytes.</summary>
    /// <param name="bytes">The number of bytes.</param>
    /// <param name="perSecond">The rate in bytes a second.</param>
    /// <returns>The timestamp from which the bytes may be used; one in the past if they need not wait.</returns>
    public long Take(long bytes, long perSecond)
    {
        long cost = (long)Math.Ceiling((double)bytes * time.TimestampFrequency / perSecond);
        while (true)
        {
            long before = Volatile.Read(ref _usedUntil);
            long after = Math.Max(before, time.GetTimestamp()) + cost;
            if (Interlocked.CompareExchange(ref _usedUntil, after, before) == before)
            {
                return after - (time.TimestampFrequency / AheadDivisor);
            }
        }
    }
}
