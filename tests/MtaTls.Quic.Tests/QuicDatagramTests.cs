using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.Quic.Ngtcp2;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

public class QuicDatagramTests
{
    /// <summary>A full window whose last datagrams are lost must not stop the connection, because each packet arms the probe timeout.</summary>
    [Theory]
    [InlineData(0.03, false)]
    [InlineData(0.20, false)]
    [InlineData(0.03, true)]
    [InlineData(0.20, true)]
    public async Task Datagrams_continue_both_ways_while_packets_are_lost(double loss, bool v6)
    {
        await using var quic = new QuicFixture(v6);
        await using var relay = new UdpRelay(quic.EndPoint, seed: (int)(loss * 100)) { Delay = TimeSpan.FromMilliseconds(2) };
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);
        pair.ServerHandler.KeepDatagrams = pair.ClientHandler.KeepDatagrams = false;
        relay.Loss = loss;

        int count = loss > 0.1 ? 800 : 3000;
        await Task.WhenAll(SendAll(pair.Client, pair.ClientHandler, count), SendAll(pair.Server, pair.ServerHandler, count));
        await RecordingHandler.Until(() => pair.Client.QueuedDatagrams == 0 && pair.Server.QueuedDatagrams == 0);
        await RecordingHandler.Until(() => pair.Client.BytesInFlight == 0 && pair.Server.BytesInFlight == 0);

        Assert.Equal(count, pair.Client.Statistics.DatagramsSent);
        // What is not lost has arrived. How much is lost also depends on the machine: a relay without a processor drops more.
        Assert.InRange(pair.ServerHandler.DatagramCount, count - pair.Client.Statistics.DatagramsLost, count);
        Assert.InRange(pair.ClientHandler.DatagramCount, count - pair.Server.Statistics.DatagramsLost, count);
        Assert.InRange(pair.Client.Statistics.DatagramsLost, 1, count - 1);
        Assert.False(pair.ClientHandler.IsClosed || pair.ServerHandler.IsClosed);
        Assert.Empty(pair.ClientHandler.Violations);
    }

    [Fact]
    public async Task Late_repeated_and_reordered_packets_do_no_harm()
    {
        await using var quic = new QuicFixture();
        await using var relay = new UdpRelay(quic.EndPoint) { Duplicates = 0.2, Jitter = TimeSpan.FromMilliseconds(5) };
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);

        const int Count = 1000;
        await SendAll(pair.Client, pair.ClientHandler, Count);
        await RecordingHandler.Until(() => pair.Client is { QueuedDatagrams: 0, BytesInFlight: 0 });

        // A packet that is too late counts as lost at the sender, and may still arrive. A busy machine makes more of them too late.
        long lost = pair.Client.Statistics.DatagramsLost;
        Assert.InRange(lost, 0, Count - 1);
        var seen = new HashSet<int>();
        while (pair.ServerHandler.Datagrams.TryRead(out byte[]? datagram))
        {
            Assert.True(seen.Add(BitConverter.ToInt32(datagram)), "A datagram arrived twice.");
        }
        Assert.InRange(seen.Count, Count - lost, Count);
    }

    [Fact]
    public async Task The_queue_is_bounded_and_OnDatagramReady_comes_when_there_is_room_again()
    {
        await using var quic = new QuicFixture();
        await using var relay = new UdpRelay(quic.EndPoint);
        Pair pair = await quic.ConnectPairAsync(o => o.DatagramQueueLength = 10, relay.EndPoint);
        pair.ServerHandler.KeepDatagrams = false;
        relay.Cut = true;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.ClientHandler.ReadyAction = _ => ready.TrySetResult();

        // Without acknowledgements, first the congestion window and then the queue fill up.
        await RecordingHandler.Until(() => !pair.Client.TrySendDatagram([], new byte[1000]) && pair.Client.BytesInFlight + 1200 > pair.Client.CongestionWindow);
        await RecordingHandler.Until(() =>
        {
            while (pair.Client.TrySendDatagram([], new byte[1000]))
            {
            }
            return pair.Client.QueuedDatagrams == 10;
        });
        Assert.True(pair.Client.UnansweredSinceTimestamp > 0);

        relay.Cut = false;
        await ready.Task.WaitAsync(RecordingHandler.Timeout);
        Assert.True(pair.Client.TrySendDatagram([], new byte[1000]));
    }

    [Fact]
    public async Task Unsent_datagrams_are_returned_in_order_also_when_the_connection_ends()
    {
        await using var quic = new QuicFixture();
        await using var relay = new UdpRelay(quic.EndPoint);
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);
        relay.Cut = true;
        int next = 0;
        void Fill()
        {
            while (pair.Client.TrySendDatagram(BitConverter.GetBytes(next), new byte[1000]))
            {
                next++;
            }
        }

        // When the congestion window is full, datagrams stay in the queue, except those that a probe carries.
        await RecordingHandler.Until(() =>
        {
            Fill();
            return pair.Client.BytesInFlight + 1200 > pair.Client.CongestionWindow;
        });
        Fill();

        var first = new List<int>();
        int count = pair.Client.DrainUnsent(static (data, state) => ((List<int>)state!).Add(BitConverter.ToInt32(data)), first);
        Assert.Equal(count, first.Count);
        Assert.InRange(count, 1, 256);
        Assert.Equal(Enumerable.Range(next - count, count), first);

        for (int i = 0; i < 20; i++)
        {
            Assert.True(pair.Client.TrySendDatagram(BitConverter.GetBytes(next++), new byte[1000]));
        }

        var last = new List<int>();
        pair.ClientHandler.ClosedAction = c => c.DrainUnsent(static (data, state) => ((List<int>)state!).Add(BitConverter.ToInt32(data)), last);
        pair.Client.Abort();
        await pair.ClientHandler.Closed;
        Assert.Equal(next - 1, last[^1]);
        // Datagrams that were in a burst at the first call are returned now: each one once, and in order.
        Assert.Equal(last.Order(), last);
        Assert.Equal(first.Count + last.Count, first.Concat(last).Distinct().Count());
        Assert.Equal(0, pair.Client.DrainUnsent(static (_, _) => { }, null));
    }

    [Fact]
    public async Task Discovery_finds_the_path_MTU_and_datagrams_of_that_size_arrive()
    {
        await using var quic = new QuicFixture();
        await using var relay = new UdpRelay(quic.EndPoint) { Mtu = 1350 };
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);
        await RecordingHandler.Until(() =>
        {
            pair.Client.Ping();
            return pair.Client.MaxDatagramSize >= 1342 - 41;
        });

        // 1,284 bytes, which IPv6 in the tunnel needs, fit. No packet is larger than the path carries.
        int size = pair.Client.MaxDatagramSize;
        Assert.InRange(size, 1284, 1350 - 29);
        Assert.True(pair.ClientHandler.PathChanges > 0);
        Assert.False(pair.Client.TrySendDatagram([], new byte[size + 1]));
        Assert.True(pair.Client.TrySendDatagram(new byte[4], new byte[size - 4]));
        Assert.Equal(size, (await pair.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).Length);
    }

    /// <summary>RFC 8899, section 4.3: large packets are lost and small ones arrive.</summary>
    [Fact]
    public async Task A_smaller_path_MTU_is_noticed_and_found()
    {
        await using var quic = new QuicFixture();
        await using var relay = new UdpRelay(quic.EndPoint);
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);
        pair.ServerHandler.KeepDatagrams = false;
        await RecordingHandler.Until(() =>
        {
            pair.Client.Ping();
            return pair.Client.MaxDatagramSize >= 1444 - 41;
        });
        Assert.True(pair.Client.IsPathMtuSettled);
        int before = pair.Client.MaxDatagramSize;

        // The path MTU does not change when a path loses all packets for a while.
        relay.Cut = true;
        for (int i = 0; i < 10; i++)
        {
            pair.Client.TrySendDatagram([], new byte[before]);
        }

        await RecordingHandler.Until(() => relay.Dropped >= 3);
        relay.Cut = false;
        await RecordingHandler.Until(() => pair.Client.BytesInFlight == 0);
        Assert.Equal(before, pair.Client.MaxDatagramSize);

        relay.Mtu = 1272;
        await RecordingHandler.Until(() =>
        {
            pair.Client.TrySendDatagram([], new byte[Math.Min(before, pair.Client.MaxDatagramSize)]);
            return pair.Client.MaxDatagramSize < before && pair.Client.IsPathMtuSettled;
        });
        Assert.InRange(pair.Client.MaxDatagramSize, 1252 - 41, 1272 - 29);
        long arrived = pair.ServerHandler.DatagramCount;
        Assert.True(pair.Client.TrySendDatagram([], new byte[pair.Client.MaxDatagramSize]));
        await RecordingHandler.Until(() => pair.ServerHandler.DatagramCount > arrived);
    }

    [Fact]
    public async Task Without_discovery_MaxUdpPayloadSize_is_used_from_the_start()
    {
        await using var quic = new QuicFixture(server: static o => (o.PathMtuDiscovery, o.MaxUdpPayloadSize) = (false, 1350));
        Pair pair = await quic.ConnectPairAsync(static o => (o.PathMtuDiscovery, o.MaxUdpPayloadSize) = (false, 8000));

        Assert.InRange(pair.Client.MaxDatagramSize, 1350, 8000 - 29);
        Assert.InRange(pair.Server.MaxDatagramSize, 1350 - 41, 1350 - 29);
        // The server announced in the handshake that it accepts no UDP payload of 8,000 bytes, so only its direction is tested.
        Assert.True(pair.Server.TrySendDatagram([], new byte[pair.Server.MaxDatagramSize]));
        Assert.Equal(pair.Server.MaxDatagramSize, (await pair.ClientHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).Length);
    }

    [Fact]
    public async Task A_peer_gets_no_datagrams_above_its_MaxDatagramSize()
    {
        await using var quic = new QuicFixture();

        Pair none = await quic.ConnectPairAsync(o => o.MaxDatagramSize = 0);
        Assert.Equal(0, none.Server.MaxDatagramSize);
        Assert.False(none.Server.TrySendDatagram([], [1]));
        Pair small = await quic.ConnectPairAsync(o => o.MaxDatagramSize = 100);
        Assert.Equal(97, small.Server.MaxDatagramSize);
        Assert.True(small.Server.TrySendDatagram([], new byte[97]));
        Assert.Equal(97, (await small.ClientHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).Length);
        Assert.False(small.ClientHandler.IsClosed);
    }

    [Theory]
    [InlineData("Cubic")]
    [InlineData("Reno")]
    [InlineData("Bbr")]
    public async Task Every_congestion_control_algorithm_carries_datagrams(string name)
    {
        QuicCongestionControl controller = Enum.Parse<QuicCongestionControl>(name);
        await using var quic = new QuicFixture(server: o => o.CongestionControl = controller);
        Pair pair = await quic.ConnectPairAsync(o => o.CongestionControl = controller);
        pair.ServerHandler.KeepDatagrams = false;

        await SendAll(pair.Client, pair.ClientHandler, 5000);
        await RecordingHandler.Until(() => pair.Client.QueuedDatagrams == 0);

        await RecordingHandler.Until(() => pair.ServerHandler.DatagramCount + pair.Client.Statistics.DatagramsLost >= 5000);
        Assert.True(pair.ServerHandler.DatagramCount > 0); // A busy machine loses many.
    }

    /// <summary>Echoes datagrams on the loops' threads. In the best round after the first one they must allocate nothing.</summary>
    [Fact]
    public async Task A_datagram_allocates_nothing_at_either_end()
    {
        await using var quic = new QuicFixture();
        var server = new EchoHandler(start: false);
        QuicListenerOptions options = QuicFixture.ServerOptions();
        await using IQuicListener listener = quic.Engine.Listen(options, _ => server);
        var client = new EchoHandler(start: true);
        quic.Engine.Connect(QuicFixture.ClientOptions(listener.LocalEndPoints[0]), client);

        await Task.WhenAll(client.Done, server.Done).WaitAsync(RecordingHandler.Timeout);

        Assert.Equal(0, client.Allocated);
        Assert.Equal(0, server.Allocated);
    }

    private static async Task SendAll(IQuicConnection connection, RecordingHandler handler, int count)
    {
        byte[] payload = new byte[1000];
        using var room = new SemaphoreSlim(0);
        handler.ReadyAction = _ => room.Release();
        for (int i = 0; i < count; i++)
        {
            while (!connection.TrySendDatagram(BitConverter.GetBytes(i), payload))
            {
                Assert.True(await room.WaitAsync(RecordingHandler.Timeout), $"no room after {i} datagrams");
            }
        }
        handler.ReadyAction = null;
    }

    /// <summary>Returns each datagram, with 20 on the way at a time, and measures the allocations of its thread.</summary>
    private sealed class EchoHandler(bool start) : IQuicConnectionHandler
    {
        private const int Warm = 5_000, Round = 5_000, Count = 25_000;

        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _received;
        private long _before;

        public Task Done => _done.Task;

        public long Allocated { get; private set; }

        public void OnConnected(IQuicConnection connection)
        {
            Span<byte> payload = stackalloc byte[1000];
            payload.Clear();
            for (int i = 0; start && i < 20; i++)
            {
                connection.TrySendDatagram([], payload);
            }
        }

        public void OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data)
        {
            connection.TrySendDatagram(data[..4], data[4..]);
            if (++_received < Warm || _received % Round != 0)
            {
                return;
            }

            // The runtime may allocate in some rounds, but not in each.
            long now = GC.GetAllocatedBytesForCurrentThread();
            Allocated = _received == Warm ? long.MaxValue : Math.Min(Allocated, now - _before);
            _before = now;
            if (_received == Count)
            {
                _done.SetResult();
            }
        }

        public void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
        {
        }

        public void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode)
        {
        }

        public void OnStopSending(IQuicConnection connection, long streamId, ulong errorCode)
        {
        }

        public void OnDatagramReady(IQuicConnection connection)
        {
        }

        public void OnPathChanged(IQuicConnection connection)
        {
        }

        public void OnSendError(IQuicConnection connection, SocketError error)
        {
        }

        public void OnClosed(IQuicConnection connection, QuicCloseReason reason)
        {
        }
    }

    [Fact]
    public async Task Small_datagrams_that_wait_share_packets_and_large_ones_do_not()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();
        using var source = new ListSource();
        for (int i = 0; i < 200; i++)
        {
            source.Add(BitConverter.GetBytes(i), 64);
        }

        long packets = pair.Client.Statistics.PacketsSent;
        var got = new HashSet<int>();
        pair.Client.DatagramSource = source;
        pair.Client.WakeDatagrams();
        while (got.Count < 200)
        {
            byte[] datagram = await pair.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
            Assert.Equal(64, datagram.Length);
            Assert.True(got.Add(BitConverter.ToInt32(datagram)), "A datagram arrived twice.");
        }

        // Seventeen fit in 1,200 bytes. Acknowledgements and probes have packets of their own.
        Assert.InRange(pair.Client.Statistics.PacketsSent - packets, 12, 100);
        await RecordingHandler.Until(() => source.Acknowledged == 200);
        packets = pair.Client.Statistics.PacketsSent;
        for (int i = 0; i < 20; i++)
        {
            source.Add(BitConverter.GetBytes(i), 700);
        }

        pair.Client.WakeDatagrams();
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(700, (await pair.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).Length);
        }

        Assert.True(pair.Client.Statistics.PacketsSent - packets >= 20);
    }

    /// <summary>Datagrams that wait in order; what is lost is counted as delivered.</summary>
    private sealed class ListSource : IQuicDatagramSource, IDisposable
    {
        private readonly DatagramPool _pool = new(2048, 1024);
        private readonly System.Collections.Concurrent.ConcurrentQueue<DatagramSlot> _slots = new();
        private int _acknowledged;

        public int Acknowledged => Volatile.Read(ref _acknowledged);

        public void Add(ReadOnlySpan<byte> head, int length)
        {
            DatagramSlot slot = _pool.Rent()!;
            slot.Length = length;
            slot.Span.Clear();
            head.CopyTo(slot.Span);
            _slots.Enqueue(slot);
        }

        public DatagramSlot? Take() => _slots.TryDequeue(out DatagramSlot? slot) ? slot : null;

        public void OnAcknowledged(DatagramSlot slot) => Interlocked.Increment(ref _acknowledged);

        public void OnLost(DatagramSlot slot, bool isStarting) => _slots.Enqueue(slot);

        public void OnReturned(DatagramSlot slot) => _slots.Enqueue(slot);

        public void Dispose() => _slots.Clear();
    }
}
