using System.Net;
using System.Net.Sockets;

namespace ClusterSample;

/// <summary>A small TCP load balancer for machines without HAProxy. It uses round robin over the gateways whose health check succeeds.</summary>
internal sealed class Balancer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly int[] _servers;
    private readonly bool[] _isUp;
    private readonly Func<int, HttpClient> _create;
    private int _next;

    public Balancer(int port, int[] servers, Func<int, HttpClient> create)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _servers = servers;
        _isUp = new bool[servers.Length];
        _create = create;
        _listener.Start();
        _ = Task.Run(AcceptAsync);
        for (int i = 0; i < servers.Length; i++)
        {
            int index = i;
            _ = Task.Run(() => CheckAsync(index));
        }
    }

    public void Dispose() => _listener.Dispose();

    private async Task CheckAsync(int index)
    {
        using HttpClient client = _create(_servers[index]);
        client.Timeout = TimeSpan.FromSeconds(5);
        while (true)
        {
            try
            {
                using HttpResponseMessage response = await client.GetAsync(new Uri("/health", UriKind.Relative));
                Volatile.Write(ref _isUp[index], response.IsSuccessStatusCode);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                Volatile.Write(ref _isUp[index], false);
            }

            await Task.Delay(200);
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync();
                _ = Task.Run(() => ForwardAsync(client));
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // The demonstration has ended.
        }
    }

    private async Task ForwardAsync(Socket client)
    {
        using (client)
        {
            for (int i = 0; i < _servers.Length; i++)
            {
                int index = (int)((uint)Interlocked.Increment(ref _next) % (uint)_servers.Length);
                if (!Volatile.Read(ref _isUp[index]))
                {
                    continue;
                }

                using Socket server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await server.ConnectAsync(IPAddress.Loopback, _servers[index]);
                    using NetworkStream left = new(client), right = new(server);
                    await Task.WhenAny(left.CopyToAsync(right), right.CopyToAsync(left));
                    return;
                }
                catch (SocketException)
                {
                    Volatile.Write(ref _isUp[index], false);
                }
            }
        }
    }
}
