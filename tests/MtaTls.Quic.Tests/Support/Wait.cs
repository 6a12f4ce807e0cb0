namespace MtaTls.Quic.Tests.Support;

/// <summary>Waits for conditions without an event: checks until the condition is true, and fails after a timeout.</summary>
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
