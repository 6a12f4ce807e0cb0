using System.Net;
using System.Net.Sockets;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>A TCP relay to a gateway that a test can cut and restore.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly Lock _lock = new();
    private readonly List<Socket> _open = [];   // guarded by _lock
    private readonly Task _running;
    private int _connections;
    private volatile bool _isCut;

    public Relay(int target)
    {
        _target = target;
        _listener.Start();
        _running = Task.Run(RunAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The number of connections and attempts.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public void Cut()
    {
        _isCut = true;
        lock (_lock)
        {
            _open.ForEach(static s => s.Dispose());
            _open.Clear();
        }
    }

    public void Mend() => _isCut = false;

    public async ValueTask DisposeAsync()
    {
        Cut();
        _listener.Dispose();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task RunAsync()
    {
        while (true)
        {
            Socket from = await _listener.AcceptSocketAsync();
            Interlocked.Increment(ref _connections);
            if (_isCut)
            {
                from.Close(0);
                continue;
            }

            Socket to = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            lock (_lock)
            {
                _open.AddRange([from, to]);
            }

            _ = Task.Run(async () =>
            {
                try
                {
                    await to.ConnectAsync(IPAddress.Loopback, _target);
                    await Task.WhenAny(CopyAsync(from, to), CopyAsync(to, from));
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // The relay was cut.
                }

                from.Dispose();
                to.Dispose();
            });
        }
    }

    private static async Task CopyAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer) is var count && count > 0)
        {
            await to.SendAsync(buffer.AsMemory(0, count));
        }
    }
}
