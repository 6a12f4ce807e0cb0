namespace MtaTls.AspNetCore.Identities;

/// <summary>
/// When the next bytes of a rate are due: each that are taken move the time on by what they cost. A quarter of a second may be taken ahead. One word, so that any number of channels take from it without a
/// lock and each gets its turn.
/// </summary>
internal sealed class Pace(TimeProvider time)
{
    private const int AheadDivisor = 4;

    // The timestamp up to which the rate is used up.
    private long _usedUntil = long.MinValue;

    /// <summary>Whether more has been taken than time has passed for.</summary>
    public bool IsAhead => Volatile.Read(ref _usedUntil) > time.GetTimestamp();

    /// <summary>Takes bytes.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="perSecond">The rate.</param>
    /// <returns>The timestamp from which on they may be used; one that is over where they need not wait.</returns>
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
