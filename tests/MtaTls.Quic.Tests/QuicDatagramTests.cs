using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

public class QuicDatagramTests
{
    /// <summary>A window full of datagrams whose tail is lost must not stop the connection: each packet arms the probe time-out.</summary>
    [Theory]
    [InlineData(0.03, false)]
    [InlineData(0.20, false)]
    [InlineData(0.03, true)]
    [InlineData(0.20, true)]
    public async Task Datagrams_go_on_both_ways_while_packets_are_lost(double loss, bool v6)
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
        Assert.InRange(pair.ServerHandler.DatagramCount, count * (1 - loss) * 0.8, count);
        Assert.InRange(pair.ClientHandler.DatagramCount, count * (1 - loss) * 0.8, count);
        Assert.True(pair.Client.Statistics.DatagramsLost > 0);
        Assert.False(pair.ClientHandler.IsClosed || pair.ServerHandler.IsClosed);
        Assert.Empty(pair.ClientHandler.Violations);
    }

    [Fact]
    public async Task Late_repeated_and_overtaking_packets_do_no_harm()
    {
        await using var quic = new QuicFixture();
        await using var relay = new UdpRelay(quic.EndPoint) { Duplicates = 0.2, Jitter = TimeSpan.FromMilliseconds(5) };
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);

        await SendAll(pair.Client, pair.ClientHandler, 1000);

        var seen = new HashSet<int>();
        while (seen.Count < 950)
        {
            Assert.True(seen.Add(BitConverter.ToInt32(await pair.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout))), "a datagram came twice");
        }
    }

    [Fact]
    public async Task The_queue_is_bounded_and_says_when_there_is_room_again()
    {
        await using var quic = new QuicFixture();
        await using var relay = new UdpRelay(quic.EndPoint);
        Pair pair = await quic.ConnectPairAsync(o => o.DatagramQueueLength = 10, relay.EndPoint);
        pair.ServerHandler.KeepDatagrams = false;
        relay.Cut = true;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.ClientHandler.ReadyAction = _ => ready.TrySetResult();

        // Nothing is acknowledged, so the congestion window and then the queue fill up.
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
    public async Task What_was_not_sent_is_given_back_in_order_also_when_the_connection_ends()
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

        // Once the congestion window is full as well, what is queued stays there, but for what a probe takes with it.
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
        // What the loop had in its hands at the first call comes now: each datagram once, and in order.
        Assert.Equal(last.Order(), last);
        Assert.Equal(first.Count + last.Count, first.Concat(last).Distinct().Count());
        Assert.Equal(0, pair.Client.DrainUnsent(static (_, _) => { }, null));
    }

    [Fact]
    public async Task Discovery_finds_what_the_path_takes_and_each_size_up_to_it_passes()
    {
        await using var quic = new QuicFixture();
        await using var relay = new UdpRelay(quic.EndPoint) { Mtu = 1350 };
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);
        await RecordingHandler.Until(() =>
        {
            pair.Client.Ping();
            return pair.Client.MaxDatagramSize >= 1342 - 41;
        });

        // 1,284 octets, which IPv6 needs, fit; no packet is larger than the path takes.
        int size = pair.Client.MaxDatagramSize;
        Assert.InRange(size, 1284, 1350 - 29);
        Assert.True(pair.ClientHandler.PathChanges > 0);
        Assert.False(pair.Client.TrySendDatagram([], new byte[size + 1]));
        Assert.True(pair.Client.TrySendDatagram(new byte[4], new byte[size - 4]));
        Assert.Equal(size, (await pair.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).Length);
    }

    /// <summary>RFC 8899, section 4.3: large packets vanish and small ones pass.</summary>
    [Fact]
    public async Task A_path_that_becomes_narrower_is_noticed_and_its_new_size_is_found()
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

        // A path that loses everything for a while has not become narrower.
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
    public async Task Without_discovery_the_size_is_what_the_options_say_from_the_start()
    {
        await using var quic = new QuicFixture(server: static o => (o.PathMtuDiscovery, o.MaxUdpPayloadSize) = (false, 1350));
        Pair pair = await quic.ConnectPairAsync(static o => (o.PathMtuDiscovery, o.MaxUdpPayloadSize) = (false, 8000));

        Assert.InRange(pair.Client.MaxDatagramSize, 1350, 8000 - 29);
        Assert.InRange(pair.Server.MaxDatagramSize, 1350 - 41, 1350 - 29);
        // The server said in the handshake that it takes no UDP payload of 8,000: its receive buffers are smaller.
        Assert.True(pair.Server.TrySendDatagram([], new byte[pair.Server.MaxDatagramSize]));
        Assert.Equal(pair.Server.MaxDatagramSize, (await pair.ClientHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout)).Length);
    }

    [Fact]
    public async Task A_peer_that_takes_none_or_only_small_ones_gets_no_others()
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
    public async Task Every_congestion_controller_carries_datagrams(string name)
    {
        QuicCongestionControl controller = Enum.Parse<QuicCongestionControl>(name);
        await using var quic = new QuicFixture(server: o => o.CongestionControl = controller);
        Pair pair = await quic.ConnectPairAsync(o => o.CongestionControl = controller);
        pair.ServerHandler.KeepDatagrams = false;

        await SendAll(pair.Client, pair.ClientHandler, 5000);
        await RecordingHandler.Until(() => pair.Client.QueuedDatagrams == 0);

        await RecordingHandler.Until(() => pair.ServerHandler.DatagramCount + pair.Client.Statistics.DatagramsLost >= 5000);
        Assert.True(pair.ServerHandler.DatagramCount > 4000);
    }

    /// <summary>An echo on the loops' own threads: in the best of the rounds after the first they allocate nothing.</summary>
    [Fact]
    public async Task A_datagram_costs_no_allocation_at_either_end()
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

    /// <summary>Answers each datagram with the same, 20 at a time, and looks at what its thread has allocated.</summary>
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

            // The runtime may allocate now and then, but not in each round.
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
}
