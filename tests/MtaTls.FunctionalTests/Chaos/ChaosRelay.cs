using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.FunctionalTests.Chaos;

/// <summary>
/// A TCP relay that behaves like a bad network: it delays data, splits it into single bytes, and after some bytes stops, resets or half-closes connections. After
/// <see cref="Calm"/> it forwards without faults.
/// </summary>
internal sealed class ChaosRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly int _seed;
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private volatile bool _calm;
    private int _broken;

    public ChaosRelay(int target, int seed)
    {
        _target = target;
        _seed = seed;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Connections that were broken so far.</summary>
    public int Broken => Volatile.Read(ref _broken);

    public void Calm() => _calm = true;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        for (int number = 0; ; number++)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
            {
                return;
            }

            _connections.Add(RelayAsync(socket, new Random(_seed + number)));
        }
    }

    private async Task RelayAsync(Socket client, Random random)
    {
        using Socket server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                int seed = random.Next();
                int breakUp = random.Next(500, 400_000), breakDown = random.Next(500, 2_000_000), way = random.Next(3);
                using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                await Task.WhenAll(PumpAsync(client, server, new Random(seed), breakUp, way, end), PumpAsync(server, client, new Random(seed + 1), breakDown, way, end));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The relay has broken the connection, or either side has closed it.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Random random, int breakAfter, int way, CancellationTokenSource end)
    {
        try
        {
            byte[] buffer = new byte[16 * 1024];
            for (int moved = 0; ;)
            {
                int count = await from.ReceiveAsync(buffer.AsMemory(0, random.Next(1, buffer.Length)), SocketFlags.None, end.Token);
                if (count == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                if (!_calm && random.Next(30) == 0)
                {
                    await Task.Delay(random.Next(1, 20), end.Token);
                }

                int step = !_calm && random.Next(20) == 0 ? 1 : count;
                for (int at = 0; at < count; at += step)
                {
                    if (step == 1 && at == 64)
                    {
                        step = count - at;
                    }

                    for (int sent = 0; sent < step;)
                    {
                        sent += await to.SendAsync(buffer.AsMemory(at + sent, step - sent), SocketFlags.None, end.Token);
                    }
                }

                moved += count;
                if (moved < breakAfter || _calm)
                {
                    continue;
                }

                Interlocked.Increment(ref _broken);
                switch (way)
                {
                    case 0:
                        to.Shutdown(SocketShutdown.Send);   // a half-close without close_notify
                        return;
                    case 1:
                        await Task.Delay(500, end.Token);   // stops forwarding, then closes
                        break;
                }

                from.LingerState = to.LingerState = new LingerOption(true, 0);
                await end.CancelAsync();
                return;
            }
        }
        catch (Exception)
        {
            await end.CancelAsync();
            throw;
        }
    }
}
