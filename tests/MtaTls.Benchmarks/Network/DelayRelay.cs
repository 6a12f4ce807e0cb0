using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace MtaTls.Benchmarks.Network;

/// <summary>
/// A link in user space. It forwards TCP connections to a target and delays each byte by a fixed time. All connections share one rate in
/// each direction. A new connection waits one more round trip, because the relay's own TCP end would hide that of the handshake.
/// </summary>
/// <remarks>
/// TCP ends at the relay, so its slow start and loss recovery do not see the delay. This measures the windows above TCP.
/// </remarks>
internal sealed class DelayRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _targetPort;
    private readonly TimeSpan _oneWay;
    private readonly Direction _up;
    private readonly Direction _down;

    public DelayRelay(int targetPort, TimeSpan oneWay, long bytesPerSecond)
    {
        _targetPort = targetPort;
        _oneWay = oneWay;
        _up = new(oneWay, bytesPerSecond);
        _down = new(oneWay, bytesPerSecond);
        _listener.Start(1024);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        _up.Dispose();
        _down.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = RelayAsync(await _listener.AcceptSocketAsync(_stop.Token));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private async Task RelayAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (near)
        {
            near.NoDelay = true;
            try
            {
                await Task.Delay(_oneWay * 2, _stop.Token);
                await far.ConnectAsync(IPAddress.Loopback, _targetPort, _stop.Token);
                await Task.WhenAll(_up.CarryAsync(near, far, _stop.Token), _down.CarryAsync(far, near, _stop.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // One end has disconnected, so both are closed.
            }
        }
    }

    /// <summary>One direction of the link: it limits the rate, then delays the bytes.</summary>
    private sealed class Direction : IDisposable
    {
        // The bytes that may wait because of the rate: about 5 ms at 1 Gbit/s, as in a router without a large queue.
        private const int QueueLimit = 640 * 1024;
        private const int ChunkSize = 64 * 1024;

        private readonly TimeSpan _delay;
        private readonly double _ticksPerByte;
        private readonly BlockingCollection<Chunk> _link = [];
        private readonly SemaphoreSlim _room = new(QueueLimit / ChunkSize);
        private readonly Queue<Chunk> _flying = new();
        private readonly AutoResetEvent _arrived = new(false);
        private double _freeAt;

        public Direction(TimeSpan delay, long bytesPerSecond)
        {
            _delay = delay;
            _ticksPerByte = bytesPerSecond == 0 ? 0 : Stopwatch.Frequency / (double)bytesPerSecond;
            new Thread(Serialize) { IsBackground = true, Name = "link" }.Start();
            new Thread(Deliver) { IsBackground = true, Name = "delivery" }.Start();
        }

        public async Task CarryAsync(Socket from, Socket to, CancellationToken ct)
        {
            var arrivals = Channel.CreateUnbounded<Chunk>(new() { SingleReader = true, SingleWriter = true });
            Task writing = WriteAsync(to, arrivals.Reader, ct);
            try
            {
                while (true)
                {
                    await _room.WaitAsync(ct);
                    byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkSize);
                    int read;
                    try
                    {
                        // Waits for data without taking a place in the link's queue.
                        if (from.Available == 0)
                        {
                            _room.Release();
                            await from.ReceiveAsync(Memory<byte>.Empty, ct);
                            await _room.WaitAsync(ct);
                        }

                        read = await from.ReceiveAsync(buffer.AsMemory(0, ChunkSize), ct);
                    }
                    catch (SocketException)
                    {
                        read = 0;
                    }

                    _link.Add(new(buffer, read, arrivals.Writer), ct);
                    if (read == 0)
                    {
                        break;
                    }
                }
            }
            catch (InvalidOperationException)
            {
                // The link was stopped.
            }

            await writing;
        }

        public void Dispose() => _link.CompleteAdding();

        private static async Task WriteAsync(Socket to, ChannelReader<Chunk> arrivals, CancellationToken ct)
        {
            await foreach (Chunk chunk in arrivals.ReadAllAsync(ct))
            {
                if (chunk.Length == 0)
                {
                    break;
                }

                for (int sent = 0; sent < chunk.Length;)
                {
                    sent += await to.SendAsync(chunk.Buffer.AsMemory(sent, chunk.Length - sent), ct);
                }

                ArrayPool<byte>.Shared.Return(chunk.Buffer);
            }

            to.Shutdown(SocketShutdown.Send);
        }

        private void Serialize()
        {
            foreach (Chunk chunk in _link.GetConsumingEnumerable())
            {
                long now = Stopwatch.GetTimestamp();
                _freeAt = Math.Max(_freeAt, now) + chunk.Length * _ticksPerByte;
                chunk.DueAt = (long)_freeAt + (long)(_delay.TotalSeconds * Stopwatch.Frequency);
                lock (_flying)
                {
                    _flying.Enqueue(chunk);
                }

                _arrived.Set();

                // The next chunk is taken when this one is sent, a millisecond early because sleeping is not exact.
                double ahead = (_freeAt - now) / Stopwatch.Frequency;
                if (ahead > 0.001)
                {
                    Thread.Sleep(TimeSpan.FromSeconds(ahead - 0.0005));
                }

                _room.Release();
            }
        }

        private void Deliver()
        {
            while (!_link.IsCompleted)
            {
                Chunk? chunk;
                lock (_flying)
                {
                    _flying.TryPeek(out chunk);
                }

                if (chunk is null)
                {
                    _arrived.WaitOne(100);
                    continue;
                }

                double wait = (chunk.DueAt - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency;
                if (wait > 0.0002)
                {
                    Thread.Sleep(TimeSpan.FromSeconds(wait)); // rounds to a millisecond
                    continue;
                }

                lock (_flying)
                {
                    _flying.Dequeue();
                }

                chunk.Arrivals.TryWrite(chunk);
                if (chunk.Length == 0)
                {
                    chunk.Arrivals.TryComplete();
                }
            }
        }

        private sealed class Chunk(byte[] buffer, int length, ChannelWriter<Chunk> arrivals)
        {
            public byte[] Buffer { get; } = buffer;

            public int Length { get; } = length;

            public ChannelWriter<Chunk> Arrivals { get; } = arrivals;

            public long DueAt { get; set; }
        }
    }
}
