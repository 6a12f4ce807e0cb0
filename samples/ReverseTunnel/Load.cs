using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace ReverseTunnelSample;

/// <summary>Public clients. Each has its own connection to the gateway, requests the page and places orders.</summary>
internal sealed class Load(int port, DemoCertificates certificates) : IDisposable
{
    private const int Clients = 8;

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, int> _agents = [];
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly ConcurrentDictionary<string, bool> _orders = [];
    private long _requests;
    private long _slowest;
    private int _ordersUnderWay;
    private volatile bool _mayOrder = true;
    private Task _running = Task.CompletedTask;

    public long Requests => Interlocked.Read(ref _requests);

    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>Orders that were answered with success.</summary>
    public ICollection<string> Orders => _orders.Keys;

    /// <summary>The number of responses of each agent so far.</summary>
    public IReadOnlyDictionary<string, int> Agents => _agents;

    public TimeSpan Slowest => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _slowest));

    public void Start() => _running = Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(RunAsync)));

    /// <summary>Stops new orders. It returns when those under way are answered.</summary>
    public async Task PauseOrdersAsync(CancellationToken cancellationToken)
    {
        _mayOrder = false;
        while (Volatile.Read(ref _ordersUnderWay) > 0)
        {
            await Task.Delay(5, cancellationToken);
        }
    }

    public void ResumeOrders() => _mayOrder = true;

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    public void Dispose() => _stop.Dispose();

    /// <summary>A client that resolves plant.example.com to the gateway, as public DNS would do.</summary>
    public static HttpClient Client(int port, DemoCertificates certificates, string host)
    {
        SocketsHttpHandler handler = new()
        {
            SslOptions = { CertificateChainPolicy = certificates.Trust() },
            ConnectCallback = async (_, cancellationToken) =>
            {
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler) { BaseAddress = new Uri($"https://{host}:{port}/") };
    }

    private async Task RunAsync()
    {
        using HttpClient client = Client(port, certificates, "plant.example.com");
        for (int i = 0; !_stop.IsCancellationRequested; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            try
            {
                await (i % 2 == 1 ? OrderAsync(client) : BrowseAsync(client));
            }
            catch (HttpRequestException e)
            {
                _failures.Enqueue(e.Message);
            }

            long time = Stopwatch.GetTimestamp() - begin;
            for (long slowest = Interlocked.Read(ref _slowest); time > slowest; slowest = Interlocked.Read(ref _slowest))
            {
                Interlocked.CompareExchange(ref _slowest, time, slowest);
            }
        }
    }

    private async Task BrowseAsync(HttpClient client)
    {
        using HttpResponseMessage response = await client.GetAsync(new Uri("/", UriKind.Relative));
        string page = await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
        Answered(response);
        if (!page.Contains("Welcome", StringComparison.Ordinal))
        {
            _failures.Enqueue("The page is not the app's.");
        }
    }

    private async Task OrderAsync(HttpClient client)
    {
        Interlocked.Increment(ref _ordersUnderWay);
        try
        {
            if (!_mayOrder)
            {
                return;
            }

            string id = Guid.NewGuid().ToString("N");
            using HttpResponseMessage response = await client.PostAsync(new Uri($"/orders/{id}", UriKind.Relative), null);
            response.EnsureSuccessStatusCode();
            Answered(response);
            _orders[id] = true;
        }
        finally
        {
            Interlocked.Decrement(ref _ordersUnderWay);
        }
    }

    private void Answered(HttpResponseMessage response)
    {
        Interlocked.Increment(ref _requests);
        if (response.Headers.TryGetValues("X-Agent", out IEnumerable<string>? agent))
        {
            _agents.AddOrUpdate(agent.First(), 1, static (_, n) => n + 1);
        }
    }
}
