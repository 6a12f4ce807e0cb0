namespace MtaTls.FunctionalTests.Support;

/// <summary>Long timeouts, which only a test that hangs reaches.</summary>
internal static class Wait
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(120);

    /// <summary>For what takes minutes on a busy machine: a great amount of data, or a program that reads much.</summary>
    public static readonly TimeSpan LongTimeout = TimeSpan.FromMinutes(15);

    public static Task Soon(this Task task) => task.WaitAsync(Timeout);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(Timeout);

    public static Task<T> Soon<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Timeout);

    public static Task Soon(this ValueTask task) => task.AsTask().WaitAsync(Timeout);

    /// <summary>Waits until a condition is true that raises no event.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        using CancellationTokenSource hang = new(Timeout);
        while (!condition())
        {
            await Task.Delay(10, hang.Token);
        }
    }

    /// <summary>The same for a condition that has to ask somebody.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource hang = new(Timeout);
        while (!await condition())
        {
            await Task.Delay(20, hang.Token);
        }
    }
}
