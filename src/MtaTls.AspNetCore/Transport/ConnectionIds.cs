namespace MtaTls.AspNetCore.Transport;

/// <summary>Ids of connections, in the form of Kestrel's: thirteen digits of base 32, counted up from a time.</summary>
internal static class ConnectionIds
{
    // Days ahead of Kestrel's, which begin at the time of its first connection: those of other endpoints are never the same.
    private static long s_last = TimeProvider.System.GetUtcNow().Ticks + TimeSpan.FromDays(7).Ticks;

    public static string Next() => string.Create(13, Interlocked.Increment(ref s_last), static (digits, id) =>
    {
        for (int i = digits.Length - 1; i >= 0; i--, id >>= 5)
        {
            digits[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUV"[(int)(id & 31)];
        }
    });
}
