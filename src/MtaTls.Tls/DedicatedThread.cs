namespace MtaTls.Tls;

/// <summary>Runs work that has to wait, such as the download of a revocation list, on a thread of its own: none of the pool's is held.</summary>
internal static class DedicatedThread
{
    /// <summary>How many such threads there are at a time. Further work waits without a thread.</summary>
    private const int MaxThreads = 64;

    private static readonly SemaphoreSlim s_room = new(MaxThreads);

    /// <summary>Runs the work. Once it has begun it is waited for: what it uses must not be freed before.</summary>
    /// <param name="work">What is to be done.</param>
    /// <param name="cancellationToken">Ends the wait for a thread.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled before the work began.</exception>
    public static async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        await s_room.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // What follows does not run on that thread.
            TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Thread thread = new(() =>
            {
                try
                {
                    done.SetResult(work());
                }
                catch (Exception e)
                {
                    done.SetException(e);
                }
            })
            { IsBackground = true, Name = "MTA-TLS certificate check" };
            thread.Start();
            return await done.Task.ConfigureAwait(false);
        }
        finally
        {
            s_room.Release();
        }
    }
}
