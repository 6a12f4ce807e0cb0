namespace MtaTls.QuicTunnel.Tests.Support;

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

    /// <summary>The next packet that the interface brings.</summary>
    public static async Task<byte[]> ReceiveAsync(this InMemoryPacketInterface packets)
    {
        byte[] buffer = new byte[2048];
        using var timeout = new CancellationTokenSource(Patience);
        int length = await packets.ReceiveAsync(buffer, timeout.Token);
        return buffer[..length];
    }
}
