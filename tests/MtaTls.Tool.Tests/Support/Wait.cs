namespace MtaTls.Tool.Tests.Support;

/// <summary>Waits with long time-outs, which only end hangs.</summary>
internal static class Wait
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(120);

    public static Task Soon(this Task task) => task.WaitAsync(Timeout);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Timeout);

    /// <summary>Waits until a condition without an event is true.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource hang = new(Timeout);
        while (!await condition())
        {
            await Task.Delay(50, hang.Token);
        }
    }
}
