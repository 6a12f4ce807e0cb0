using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>Accepts connections, reads nothing and never answers.</summary>
internal sealed class BlackHole : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Socket> _open = [];
    private readonly Task _running;

    public BlackHole()
    {
        _listener.Start();
        _running = Task.Run(async () =>
        {
            while (true)
            {
                _open.Add(await _listener.AcceptSocketAsync());
            }
        });
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The number of accepted connections.</summary>
    public int Connections => _open.Count;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (Socket socket in _open)
        {
            socket.Dispose();
        }
    }
}
