using System.Collections.Concurrent;
using System.Diagnostics;

namespace ClusterSample;

/// <summary>Public clients that send requests without pause through the balancer.</summary>
internal sealed class Load(Func<HttpClient> create) : IDisposable
{
    private const int Clients = 6;

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<(long Time, string Reason)> _failures = new();
    private long _requests;
    private Task _running = Task.CompletedTask;

    public long Requests => Interlocked.Read(ref _requests);

    public int Failed => _failures.Count;

    /// <summary>The time from a moment to the last failure after it.</summary>
    public TimeSpan RecoverySince(long timestamp) => _failures.Where(f => f.Time >= timestamp).Select(f => Stopwatch.GetElapsedTime(timestamp, f.Time)).DefaultIfEmpty(TimeSpan.Zero).Max();

    /// <summary>The reasons of the failures after the first ones, and how often each occurred.</summary>
    public IEnumerable<(string Reason, int Count)> ReasonsAfter(int failures) => _failures.Skip(failures).CountBy(static f => f.Reason).Select(static r => (r.Key, r.Value));

    public void Start() => _running = Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(RunAsync)));

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync()
    {
        using HttpClient client = create();
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using HttpResponseMessage response = await client.GetAsync(new Uri("/", UriKind.Relative));
                response.EnsureSuccessStatusCode();
                await response.Content.ReadAsStringAsync();
                Interlocked.Increment(ref _requests);
            }
            catch (HttpRequestException e)
            {
                _failures.Enqueue((Stopwatch.GetTimestamp(), $"{e.Message} {e.InnerException?.Message}".TrimEnd()));
            }
        }
    }
}
