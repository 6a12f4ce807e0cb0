using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;

namespace MtaTls.Samples.Quickstart;

/// <summary>The same work over any kind of handler. Each worker has its own connection (or channel). Four of five send requests, the fifth uses a WebSocket.</summary>
internal sealed class Work(string name, Uri origin, int workers, int rounds, Func<SocketsHttpHandler> makeHandler)
{
    private long _requests;
    private long _messages;
    private long _bytes;
    private int _open;
    private long _begin;
    private TimeSpan _elapsed;

    public string Name => name;

    public long Requests => Interlocked.Read(ref _requests);

    public long Messages => Interlocked.Read(ref _messages);

    public long Bytes => Interlocked.Read(ref _bytes);

    public int Open => Volatile.Read(ref _open);

    public TimeSpan Elapsed => _elapsed > TimeSpan.Zero ? _elapsed : _begin == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_begin);

    /// <summary>The finished part of the work, 0 to 1.</summary>
    public double Progress => (Requests + Messages) / (double)((long)workers * rounds);

    public async Task RunAsync()
    {
        _begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, workers).Select(i => Task.Run(() => i % 5 == 4 ? ChatAsync() : BrowseAsync())));
        _elapsed = Stopwatch.GetElapsedTime(_begin);
    }

    private async Task BrowseAsync()
    {
        using SocketsHttpHandler handler = makeHandler();
        handler.MaxConnectionsPerServer = 1;
        using var http = new HttpClient(handler);
        Interlocked.Increment(ref _open);
        for (int round = 0; round < rounds; round++)
        {
            string path = (round % 3) switch { 0 => "/", 1 => $"/api/squares/{round}", _ => "/bytes/16384" };
            byte[] body = await http.GetByteArrayAsync(new Uri(origin, path));
            Interlocked.Add(ref _bytes, body.Length);
            Interlocked.Increment(ref _requests);
        }
        Interlocked.Decrement(ref _open);
    }

    private async Task ChatAsync()
    {
        using var invoker = new HttpMessageInvoker(makeHandler());
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(origin) { Scheme = "wss", Path = "/ws" }.Uri, invoker, CancellationToken.None);
        Interlocked.Increment(ref _open);
        byte[] buffer = new byte[256];
        for (int round = 0; round < rounds; round++)
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes($"message {round}"), WebSocketMessageType.Text, true, CancellationToken.None);
            ValueWebSocketReceiveResult answer = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            Interlocked.Add(ref _bytes, answer.Count);
            Interlocked.Increment(ref _messages);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        Interlocked.Decrement(ref _open);
    }
}
