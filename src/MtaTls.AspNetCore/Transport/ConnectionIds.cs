namespace MtaTls.AspNetCore.Transport;

/// <summary>Creates connection ids in Kestrel's form: thirteen base-32 digits of a counter that starts from the time.</summary>
internal static class ConnectionIds
{
    // Kestrel's counter starts at the time of its first connection. Starting seven days later keeps these ids different from those of other endpoints.
    private static long s_last = TimeProvider.System.GetUtcNow().Ticks + TimeSpan.FromDays(7).Ticks;

    public static string Next() => string.Create(13, Interlocked.Increment(ref s_last), static (digits, id) =>
    {
        for (int i = digits.Length - 1; i >= 0; i--, id >>= 5)
        {
            digits[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUV"[(int)(id & 31)];
        }
    });
}
