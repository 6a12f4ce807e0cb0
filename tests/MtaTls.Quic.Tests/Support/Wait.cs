namespace MtaTls.Quic.Tests.Support;

/// <summary>For what gives no signal to await: looks until it is so, and fails where it never comes.</summary>
internal static class Wait
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task UntilAsync(Func<bool> condition, string otherwise, TimeSpan? patience = null)
    {
        long end = Environment.TickCount64 + (long)(patience ?? Patience).TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < end, otherwise);
            await Task.Delay(5);
        }
    }
}
