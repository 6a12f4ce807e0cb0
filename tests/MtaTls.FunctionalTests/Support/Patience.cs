namespace MtaTls.FunctionalTests.Support;

/// <summary>Generous time-outs that catch hangs and nothing else.</summary>
internal static class Patience
{
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    public static Task Soon(this Task task) => task.WaitAsync(Long);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Long);

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Long);

    public static Task Soon(this ValueTask task) => task.AsTask().WaitAsync(Long);

    /// <summary>Waits until something that has no event of its own has come true.</summary>
    public static async Task Until(Func<bool> condition)
    {
        using CancellationTokenSource hang = new(Long);
        while (!condition())
        {
            await Task.Delay(10, hang.Token);
        }
    }
}
