using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>A TCP server as the destination of channels. It keeps each connection for the test.</summary>
internal sealed class TcpServer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    // Nothing else references a waiting handler, so a garbage collection would close its socket.
    private readonly ConcurrentBag<Task> _serving = [];
    private int _accepted;

    private TcpServer(IPAddress address, Func<Socket, Task> serve)
    {
        _listener = new TcpListener(address, 0);
        _listener.Start(1000);
        _run = RunAsync(serve);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The number of connections so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    public static TcpServer Start(Func<Socket, Task> serve, IPAddress? address = null) => new(address ?? IPAddress.Loopback, serve);

    /// <summary>Starts a server that echoes data until the end.</summary>
    public static TcpServer StartEcho(IPAddress? address = null) => Start(
        static async socket =>
        {
            byte[] buffer = new byte[16 * 1024];
            int count;
            while ((count = await socket.ReceiveAsync(buffer)) > 0)
            {
                await socket.SendAsync(buffer.AsMemory(0, count));
            }
        },
        address);

    /// <summary>Starts a server that sends its name.</summary>
    public static TcpServer StartNamed(string name) => Start(async socket => await socket.SendAsync(Encoding.ASCII.GetBytes(name)));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _run.Soon();
        _stop.Dispose();
    }

    private async Task RunAsync(Func<Socket, Task> serve)
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stop.Token);
                Interlocked.Increment(ref _accepted);
                _serving.Add(ServeAsync(socket, serve));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
        }
    }

    private static async Task ServeAsync(Socket socket, Func<Socket, Task> serve)
    {
        using (socket)
        {
            try
            {
                await serve(socket);
            }
            catch (SocketException)
            {
            }
        }
    }
}
