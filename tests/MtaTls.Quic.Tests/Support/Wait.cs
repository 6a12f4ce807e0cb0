namespace MtaTls.Quic.Tests.Support;

/// <summary>For what gives no signal to await: looks until it is so, and fails where it never comes.</summary>
internal static class Wait
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(120);

    public static async Task UntilAsync(Func<bool> condition, string otherwise, TimeSpan? timeout = null)
    {
        long end = Environment.TickCount64 + (long)(timeout ?? Timeout).TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < end, otherwise);
            await Task.Delay(5);
        }
    }
}
