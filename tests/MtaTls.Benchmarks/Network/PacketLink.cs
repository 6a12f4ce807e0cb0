using System.Buffers.Binary;
using System.Diagnostics;

namespace MtaTls.Benchmarks.Network;

/// <summary>
/// A link for whole packets. Packets to <see cref="FarAddress"/> come back after the delay, as if sent from there. So client and server, both on
/// <see cref="NearAddress"/>, communicate through it, and the kernel's TCP sees loss, delay and rate.
/// </summary>
internal sealed class PacketLink : IDisposable
{
    public const string NearAddress = "10.99.0.1";
    public const string FarAddress = "10.99.0.2";
    public const string DeviceName = "mtatls-link";

    private readonly TunDevice _device = new(DeviceName);
    private readonly Direction _up;
    private readonly Direction _down;
    private readonly int _serverPort;
    private volatile bool _stopped;

    public PacketLink(int serverPort, TimeSpan oneWay, long bytesPerSecond, double lossPercent)
    {
        _serverPort = serverPort;
        _up = new(this, oneWay, bytesPerSecond, lossPercent / 100);
        _down = new(this, oneWay, bytesPerSecond, lossPercent / 100);
        new Thread(ReadLoop) { IsBackground = true, Name = "link" }.Start();
    }

    public void Dispose()
    {
        _stopped = true;
        _device.Dispose();
    }

    private void ReadLoop()
    {
        byte[] packet = new byte[65536];
        while (!_stopped)
        {
            int length = _device.Read(packet);
            if (length <= 0)
            {
                break;
            }

            if (length < 40 || packet[0] >> 4 != 4 || packet[9] != 6)
            {
                continue; // only TCP over IPv4
            }

            // Exchanging the addresses does not change the checksums, because the order of a sum does not matter.
            byte[] copy = packet.AsSpan(0, length).ToArray();
            packet.AsSpan(12, 4).CopyTo(copy.AsSpan(16));
            packet.AsSpan(16, 4).CopyTo(copy.AsSpan(12));
            bool toServer = BinaryPrimitives.ReadUInt16BigEndian(copy.AsSpan((copy[0] & 15) * 4 + 2)) == _serverPort;
            (toServer ? _up : _down).Send(copy);
        }
    }

    private sealed class Direction
    {
        private readonly PacketLink _link;
        private readonly Queue<(long Due, byte[] Packet)> _flying = new();
        private readonly Random _random = new(1); // a fixed seed, for the same losses in each run
        private readonly TimeSpan _delay;
        private readonly double _loss;
        private readonly double _ticksPerByte;
        private readonly double _queueTicks;
        private double _freeAt;

        public Direction(PacketLink link, TimeSpan delay, long bytesPerSecond, double loss)
        {
            _link = link;
            _delay = delay;
            _loss = loss;
            _ticksPerByte = Stopwatch.Frequency / (double)bytesPerSecond;
            _queueTicks = Math.Max(0.01, delay.TotalSeconds * 2) * Stopwatch.Frequency; // a router's queue: a round trip, at least 10 ms
            new Thread(Deliver) { IsBackground = true, Name = "delivery" }.Start();
        }

        public void Send(byte[] packet)
        {
            long now = Stopwatch.GetTimestamp();
            if (_freeAt - now > _queueTicks || _random.NextDouble() < _loss)
            {
                return;
            }

            _freeAt = Math.Max(_freeAt, now) + packet.Length * _ticksPerByte;
            lock (_flying)
            {
                _flying.Enqueue(((long)(_freeAt + _delay.TotalSeconds * Stopwatch.Frequency), packet));
                if (_flying.Count == 1)
                {
                    Monitor.Pulse(_flying);
                }
            }
        }

        private void Deliver()
        {
            while (!_link._stopped)
            {
                (long Due, byte[] Packet) next;
                lock (_flying)
                {
                    while (!_flying.TryPeek(out next))
                    {
                        Monitor.Wait(_flying);
                    }
                }

                double wait = (next.Due - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency;
                if (wait > 0.0005)
                {
                    Thread.Sleep(Math.Max(1, (int)(wait * 1000)));
                    continue;
                }

                lock (_flying)
                {
                    _flying.Dequeue();
                }

                _link._device.Write(next.Packet);
            }
        }
    }
}
