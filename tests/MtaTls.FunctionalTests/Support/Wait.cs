namespace MtaTls.FunctionalTests.Support;

/// <summary>Generous time-outs that catch hangs and nothing else.</summary>
internal static class Wait
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(120);

    public static Task Soon(this Task task) => task.WaitAsync(Timeout);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Timeout);

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Timeout);

    public static Task Soon(this ValueTask task) => task.AsTask().WaitAsync(Timeout);

    /// <summary>Waits until something that has no event of its own has come true.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        using CancellationTokenSource hang = new(Timeout);
        while (!condition())
        {
            await Task.Delay(10, hang.Token);
        }
    }
}
