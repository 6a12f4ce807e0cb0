using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>Sends requests without pause until it is stopped: GETs, and POSTs that each have an id.</summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly Task[] _workers;
    private int _answered;
    private int _ids;

    public Load(IReadOnlyList<Func<HttpClient>> clients, int workersEach = 2, bool posts = true)
        => _workers = [.. clients.SelectMany(c => Enumerable.Range(0, workersEach).Select(i => Task.Run(() => RunAsync(c(), posts && i % 2 == 1))))];

    public int Answered => Volatile.Read(ref _answered);

    public string[] Failures => [.. _failures];

    /// <summary>Waits until this many further requests have been answered.</summary>
    public Task FurtherAsync(int count)
    {
        int target = Answered + count;
        return Wait.UntilAsync(() => Answered >= target);
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_workers).Soon();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task RunAsync(HttpClient client, bool posts)
    {
        using (client)
        {
            while (!_stop.IsCancellationRequested)
            {
                string id = Interlocked.Increment(ref _ids).ToString(CultureInfo.InvariantCulture);
                var time = Stopwatch.StartNew();
                try
                {
                    // POSTs use HTTP/2, in which a server that closes a connection tells which requests it has not processed. In HTTP/1.1 a POST can cross with the close of
                    // an idle connection, which no server can prevent.
                    using HttpRequestMessage request = new(posts ? HttpMethod.Post : HttpMethod.Get, $"/count/{id}")
                    {
                        Content = posts ? new StringContent(id) : null,
                        Version = posts ? HttpVersion.Version20 : HttpVersion.Version11,
                        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                    };
                    using HttpResponseMessage response = await client.SendAsync(request);
                    string text = await response.Content.ReadAsStringAsync();
                    if (!response.IsSuccessStatusCode)
                    {
                        _failures.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} {request.Method} {id}: {(int)response.StatusCode} {text} (after {time.ElapsedMilliseconds} ms)");
                    }

                    Interlocked.Increment(ref _answered);
                }
                catch (Exception e)
                {
                    _failures.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} {(posts ? "POST" : "GET")} {id}: {e.Message} {e.InnerException?.Message} (after {time.ElapsedMilliseconds} ms)");
                }
            }
        }
    }
}
