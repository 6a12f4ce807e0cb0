using System.Net;
using System.Net.Sockets;

namespace MtaTls.Stress.Soak;

/// <summary>A TCP relay that resets all its connections from time to time, like a network that fails.</summary>
internal sealed class DropRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly Lock _lock = new();
    private readonly HashSet<Connection> _connections = [];
    private readonly Task _accepting;
    private long _lastDrop = long.MinValue;
    private bool _ended;

    public DropRelay(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The number of connections that were reset so far.</summary>
    public int Dropped { get; private set; }

    /// <summary>Returns whether connections were reset since the timestamp.</summary>
    public bool HasDroppedSince(long timestamp) => Volatile.Read(ref _lastDrop) >= timestamp;

    public void Drop()
    {
        lock (_lock)
        {
            // Set before and after, because a client may see the failure while the loop runs.
            Volatile.Write(ref _lastDrop, System.Diagnostics.Stopwatch.GetTimestamp());
            foreach (Connection connection in _connections)
            {
                connection.Reset();
                Dropped++;
            }

            _connections.Clear();
            Volatile.Write(ref _lastDrop, System.Diagnostics.Stopwatch.GetTimestamp());
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _ended = true;
        }

        _listener.Dispose();
        await _accepting;
        Drop();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                return;
            }

            Connection connection = new(client);
            lock (_lock)
            {
                if (_ended)
                {
                    connection.Reset();
                }
                else
                {
                    _connections.Add(connection);
                }
            }

            _ = RunAsync(connection);
        }
    }

    private async Task RunAsync(Connection connection)
    {
        using (connection)
        {
            await connection.RunAsync(_target);
        }

        lock (_lock)
        {
            _connections.Remove(connection);
        }
    }

    private sealed class Connection(Socket client) : IDisposable
    {
        private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        public async Task RunAsync(int target)
        {
            try
            {
                client.NoDelay = true;
                await _server.ConnectAsync(IPAddress.Loopback, target);
                await Task.WhenAll(PumpAsync(client, _server), PumpAsync(_server, client));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Either side has closed or reset the connection.
            }
        }

        public void Dispose()
        {
            client.Dispose();
            _server.Dispose();
        }

        public void Reset()
        {
            foreach (Socket socket in new[] { client, _server })
            {
                try
                {
                    socket.LingerState = new LingerOption(true, 0);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // The socket is already closed.
                }

                socket.Dispose();
            }
        }

        private static async Task PumpAsync(Socket from, Socket to)
        {
            try
            {
                byte[] buffer = new byte[64 * 1024];
                for (int count; (count = await from.ReceiveAsync(buffer)) > 0;)
                {
                    for (int sent = 0; sent < count;)
                    {
                        sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
                    }
                }

                to.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
                from.Dispose();
                to.Dispose();
                throw;
            }
        }
    }
}
