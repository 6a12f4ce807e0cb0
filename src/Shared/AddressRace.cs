using System.Net;
using System.Net.Sockets;

namespace MtaTls;

/// <summary>Connects to the first of several addresses that answers (RFC 8305, Happy Eyeballs). An address that does not answer costs a quarter of a second, not the whole connect timeout.</summary>
internal static class AddressRace
{
    /// <summary>At most this many addresses of a name are tried, because the owner of the name chooses their number.</summary>
    public const int MaxAttempts = 8;

    /// <summary>The recommended delay before the next address is tried in parallel (RFC 8305, section 5).</summary>
    private static readonly TimeSpan s_attemptDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>Orders the addresses by alternating the address families, beginning with the family of the first address (RFC 8305, section 4).</summary>
    public static IEnumerable<IPAddress> Interleave(IReadOnlyList<IPAddress> addresses)
    {
        IPAddress[] first = [.. addresses.Where(a => a.AddressFamily == addresses[0].AddressFamily)];
        IPAddress[] second = [.. addresses.Where(a => a.AddressFamily != addresses[0].AddressFamily)];
        for (int i = 0; i < Math.Max(first.Length, second.Length); i++)
        {
            if (i < first.Length)
            {
                yield return first[i];
            }

            if (i < second.Length)
            {
                yield return second[i];
            }
        }
    }

    /// <summary>Connects to the addresses of one name.</summary>
    /// <exception cref="SocketException">No address answers. The exception is that of the last attempt.</exception>
    public static Task<Socket> ConnectAsync(IReadOnlyList<IPEndPoint> endpoints, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(endpoints, ConnectOneAsync, time, cancellationToken);

    /// <summary>Runs attempts until one succeeds. Each begins 250 ms after the one before, or when one has failed. The other attempts are canceled, and their late results are disposed.</summary>
    /// <param name="candidates">The candidates, the preferred one first; at least one.</param>
    /// <param name="attempt">Tries one candidate.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends all attempts.</param>
    /// <exception cref="SocketException">All attempts have failed. The exception is that of the last one.</exception>
    public static async Task<TResult> RunAsync<TCandidate, TResult>(
        IReadOnlyList<TCandidate> candidates, Func<TCandidate, CancellationToken, Task<TResult>> attempt, TimeProvider time, CancellationToken cancellationToken)
        where TResult : class, IDisposable
    {
        using var losers = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var attempts = new List<Task<TResult>>();
        SocketException? error = null;
        try
        {
            for (int next = 0; next < candidates.Count || attempts.Count > 0;)
            {
                if (next < candidates.Count)
                {
                    attempts.Add(attempt(candidates[next++], losers.Token));
                }

                Task<Task<TResult>> first = Task.WhenAny(attempts);
                Task<TResult> ended;
                try
                {
                    ended = next < candidates.Count
                        ? await first.WaitAsync(s_attemptDelay, time, losers.Token).ConfigureAwait(false)
                        : await first.ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    continue;
                }

                attempts.Remove(ended);
                try
                {
                    return await ended.ConfigureAwait(false);
                }
                catch (SocketException e)
                {
                    error = e;
                }
            }

            throw error ?? new SocketException((int)SocketError.HostNotFound);
        }
        finally
        {
            await losers.CancelAsync().ConfigureAwait(false);
            foreach (Task<TResult> loser in attempts)
            {
                _ = loser.ContinueWith(static t =>
                {
                    if (t.IsCompletedSuccessfully)
                    {
                        t.Result.Dispose();
                    }
                    else
                    {
                        _ = t.Exception;
                    }
                }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }

    private static async Task<Socket> ConnectOneAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            await socket.ConnectAsync(endpoint, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
