using System.Collections.Concurrent;
using System.Diagnostics;

namespace MtaTls.Tool.Benchmarks;

/// <summary>The result of one measurement.</summary>
internal sealed record Measurement(string Name, long Operations, long Errors, long Bytes, TimeSpan Elapsed, TimeSpan Median, TimeSpan Percentile99)
{
    public double PerSecond => Operations / Elapsed.TotalSeconds;

    public double MegabytesPerSecond => Bytes / Elapsed.TotalSeconds / 1e6;
}

/// <summary>Repeats one operation in several loops for a while.</summary>
/// <param name="name">Its name.</param>
/// <param name="operation">One operation. It returns the number of bytes that it transferred.</param>
internal sealed class Workload(string name, Func<CancellationToken, Task<long>> operation)
{
    private long _operations;
    private long _errors;
    private long _bytes;

    public string Name => name;

    public long Operations => Volatile.Read(ref _operations);

    /// <summary>The failure of the last failed operation; null: none has failed.</summary>
    public Exception? LastError { get; private set; }

    public async Task<Measurement> RunAsync(int loops, TimeSpan duration, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var samples = new ConcurrentBag<List<double>>();
        long begin = Stopwatch.GetTimestamp();
        end.CancelAfter(duration);
        await Task.WhenAll(Enumerable.Range(0, loops).Select(_ => LoopAsync(samples, end.Token)));
        TimeSpan elapsed = Stopwatch.GetElapsedTime(begin);
        stop.ThrowIfCancellationRequested();
        double[] sorted = [.. samples.SelectMany(static s => s).Order()];
        return new Measurement(name, _operations, _errors, _bytes, elapsed, Percentile(sorted, 0.5), Percentile(sorted, 0.99));
    }

    private static TimeSpan Percentile(double[] sorted, double share) =>
        sorted.Length == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))]);

    private async Task LoopAsync(ConcurrentBag<List<double>> samples, CancellationToken end)
    {
        List<double> own = [];
        samples.Add(own);
        while (!end.IsCancellationRequested)
        {
            long begin = Stopwatch.GetTimestamp();
            try
            {
                Interlocked.Add(ref _bytes, await operation(end));
                Interlocked.Increment(ref _operations);
                own.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }
            catch (Exception) when (end.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is IOException or HttpRequestException or System.Security.Authentication.AuthenticationException or System.Net.Sockets.SocketException)
            {
                LastError = e;
                if (Interlocked.Increment(ref _errors) >= 1_000 && Operations == 0)
                {
                    return;
                }
            }
        }
    }
}
