namespace MtaTls.Tls;

/// <summary>Runs work that blocks, such as the download of a revocation list, on a thread of its own, so that it blocks no thread of the thread pool.</summary>
internal static class DedicatedThread
{
    /// <summary>The most such threads at a time. Further work waits without a thread.</summary>
    private const int MaxThreads = 64;

    private static readonly SemaphoreSlim s_room = new(MaxThreads);

    /// <summary>Runs the work. After the work has begun, the task ends only with it, because the objects that it uses must not be freed before.</summary>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Ends the wait for a thread.</param>
    /// <exception cref="OperationCanceledException">The token was canceled before the work began.</exception>
    public static async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        await s_room.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The caller's continuation must not run on the dedicated thread.
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
