using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Sessions;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Scheduling;

/// <summary>Each scheduler on two paths: one with low delay and rate, and one with high delay and rate.</summary>
public sealed class SchedulerTests
{
    private readonly FakeConnection _quick = new() { SmoothedRtt = TimeSpan.FromMilliseconds(10), CongestionWindow = 20_000, CountsInFlight = true };
    private readonly FakeConnection _slow = new() { SmoothedRtt = TimeSpan.FromMilliseconds(40), CongestionWindow = 240_000, CountsInFlight = true };

    [Fact]
    public void EarliestDelivery_uses_the_fast_path_while_it_delivers_first()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        Send(session, 10);
        Assert.Equal((10, 0), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Fact]
    public void EarliestDelivery_sends_later_packets_over_a_slower_path_and_reserves_their_tags()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        // The fast path delivers 2 MB/s, so 30 KB in the 15 ms by which it is faster. The window takes 20 KB, the next 30 KB wait, and the packets after them go over the slow path.
        for (int i = 0; i < 60; i++)
        {
            Assert.Equal(SendResult.Sent, session.SendPacket(payload: 1172)); // 1,204 bytes with its headers
        }

        Assert.Equal(17, _quick.Sent.Count);
        Assert.InRange(_slow.Sent.Count, 10, 20);
        // The tags between the last packet on the fast path and the first on the slow path are for the waiting packets.
        Assert.InRange(Tag(_slow.Sent[0]) - Tag(_quick.Sent[^1]), 24, 28);
        int waiting = 60 - _quick.Sent.Count - _slow.Sent.Count;
        _slow.IsPulling = false;
        while (_quick.InFlight.Count > 0)
        {
            _quick.Acknowledge(_quick.InFlight.Count);
            _quick.WakeDatagrams();
        }

        Assert.Equal(17 + waiting, _quick.Sent.Count);
        Assert.Equal(60, _quick.Sent.Concat(_slow.Sent).Select(Tag).Distinct().Count());
    }

    [Fact]
    public void EarliestDelivery_with_few_packets_waits_for_the_fast_path()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        _quick.BytesInFlight = _quick.CongestionWindow;
        Send(session, 5);
        Assert.Equal((0, 0), (_quick.Sent.Count, _slow.Sent.Count));
        _quick.BytesInFlight = 0;
        _quick.WakeDatagrams();
        Assert.Equal((5, 0), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Fact]
    public void EarliestDelivery_includes_the_cost_of_losses()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        for (int i = 0; i < 60; i++)
        {
            Send(session, 1);
            if (_quick.InFlight.Count > 0)
            {
                _quick.Lose(0);
            }

            _slow.Acknowledge(_slow.InFlight.Count);
            _quick.BytesInFlight = _slow.BytesInFlight = 0;
        }

        _quick.Sent.Clear();
        _slow.Sent.Clear();
        Send(session, 5);
        Assert.Equal((0, 5), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Fact]
    public void EarliestDelivery_does_not_count_losses_of_a_paths_startup()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        for (int i = 0; i < 60; i++)
        {
            Send(session, 1);
            while (_quick.InFlight.Count > 0)
            {
                _quick.Lose(0, isStarting: true);
            }

            _slow.Acknowledge(_slow.InFlight.Count);
            _quick.BytesInFlight = _slow.BytesInFlight = 0;
            session.Time.Advance(TimeSpan.FromSeconds(2)); // Lost packets are not sent again now.
        }

        Assert.Equal(0, session.Paths[0].LossRate);
    }

    [Fact]
    public void EarliestDelivery_sends_the_next_packets_over_a_slower_path_while_the_faster_one_has_a_very_small_window()
    {
        // The fast path measures its round-trip time: its rate stays 4 MB/s, but it may send 6 KB in each round trip.
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        _quick.SmoothedRtt = TimeSpan.FromMilliseconds(20);
        _slow.SmoothedRtt = TimeSpan.FromMilliseconds(60);
        (_quick.Rate, _quick.CongestionWindow, _quick.BytesInFlight) = (4e6, 6_000, 6_000);
        (_quick.IsPulling, _slow.IsPulling) = (false, false);
        Send(session, 60);
        _slow.IsPulling = true;
        _slow.QueueLimit = 1;
        _slow.WakeDatagrams();
        // In the 20 ms by which it is faster, it delivers 6 KB.
        Assert.InRange(Tag(Assert.Single(_slow.Sent)), 40, 50);
    }

    [Theory]
    [InlineData(160_000, 1)] // The path carries 4 MB/s, and a flow sends more.
    [InlineData(6_000, 0)] // For a short time its window is very small, because BBR measures the round-trip time. The flow does not send too much.
    public void CoDel_drops_nothing_while_a_path_measures_its_round_trip_time(int window, int expected)
    {
        TestSession session = new();
        session.Add(_quick);
        _quick.SmoothedRtt = TimeSpan.FromMilliseconds(20);
        (_quick.Rate, _quick.CongestionWindow, _quick.QueueLimit) = (4e6, 160_000, 0);
        Send(session, 60);
        Take(20); // Waited longer than the target. After the interval a packet is dropped.
        _quick.CongestionWindow = window;
        Take(110);
        Assert.Equal(expected, session.Counters.GetDropped(DropReason.Congested));
        _quick.CongestionWindow = 160_000;
        Take(200);
        Assert.True(session.Counters.GetDropped(DropReason.Congested) > 0 == expected > 0);

        // A window that stays small is no measurement.
        _quick.CongestionWindow = window;
        for (int i = 0; i < 8; i++)
        {
            Take(100);
        }

        Assert.True(session.Counters.GetDropped(DropReason.Congested) > 0);

        void Take(int milliseconds)
        {
            session.Time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            _quick.QueueLimit++;
            _quick.WakeDatagrams();
        }
    }

    [Theory]
    [InlineData(480_000, 1)] // The slow path is not measured now, and the fast one is.
    [InlineData(6_000, 0)] // The slow path is measured right after the fast one.
    public void CoDel_drops_nothing_while_paths_measure_one_after_the_other(int window, int expected)
    {
        TestSession session = CreatePulled();
        Send(session, 60);
        Take(session, 200);
        _quick.CongestionWindow = 6_000;
        Take(session, 40); // A rest of 340 ms.
        Take(session, 260);
        _slow.CongestionWindow = window;
        Take(session, 40);
        _quick.CongestionWindow = 160_000;
        for (int i = 0; i < 10; i++)
        {
            Take(session, 50);
        }

        Assert.True(session.Counters.GetDropped(DropReason.Congested) > 0 == expected > 0);
    }

    [Fact]
    public void What_waits_for_a_slower_path_goes_on_waiting_while_that_path_is_measured()
    {
        TestSession session = CreatePulled();
        for (int i = 0; i < 60; i++)
        {
            Assert.Equal(SendResult.Sent, session.SendPacket(payload: 1172));
            if (i == 30)
            {
                _slow.CongestionWindow = 6_000;
            }

            if (i >= 2)
            {
                // It has waited 120 ms: longer than the target for one path, and less than the target for the difference of the two.
                Take(session, 40);
            }
        }

        Assert.Equal(0, session.Counters.GetDropped(DropReason.Congested));
    }

    [Fact]
    public void EarliestDelivery_tries_a_path_again_after_its_losses()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        for (int i = 0; i < 60; i++)
        {
            Send(session, 1);
            if (_quick.InFlight.Count > 0)
            {
                _quick.Lose(0);
            }

            _slow.Acknowledge(_slow.InFlight.Count);
            _quick.BytesInFlight = _slow.BytesInFlight = 0;
        }

        double lossy = session.Paths[0].LossRate;
        session.Time.Advance(TimeSpan.FromMilliseconds(400));
        Assert.Equal(lossy, session.Paths[0].LossRate);
        session.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.InRange(session.Paths[0].LossRate, 0, lossy / 100);
        _quick.Sent.Clear();
        _slow.Sent.Clear();
        Send(session, 5);
        Assert.Equal((5, 0), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Fact]
    public void EarliestDelivery_uses_the_measured_rate_and_not_a_window_that_is_too_large()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        // The window of 80 KB would be 4 MB/s. 2 MB/s are delivered: 30 KB in the 15 ms by which the path is faster. What waits behind them goes over the slow path.
        _quick.Rate = 2e6;
        _quick.CongestionWindow = 80_000;
        _quick.BytesInFlight = 20_000;
        _quick.IsPulling = false;
        for (int i = 0; i < 60; i++)
        {
            Assert.Equal(SendResult.Sent, session.SendPacket(payload: 1172));
        }

        Assert.InRange(_slow.Sent.Count, 30, 38);
    }

    [Fact]
    public void RoundRobin_shares_by_rate_among_similar_paths()
    {
        _slow.SmoothedRtt = TimeSpan.FromMilliseconds(12);
        _slow.CongestionWindow = 72_000;
        TestSession session = Create(TunnelScheduler.RoundRobin);
        // 2 MB/s and 6 MB/s.
        for (int i = 0; i < 400; i++)
        {
            Send(session, 1);
            _quick.Acknowledge(_quick.InFlight.Count);
            _slow.Acknowledge(_slow.InFlight.Count);
        }

        Assert.InRange(_quick.Sent.Count, 95, 105);
        Assert.InRange(_slow.Sent.Count, 295, 305);
    }

    [Fact]
    public void Redundant_uses_every_path_with_the_same_tag()
    {
        Send(Create(TunnelScheduler.Redundant), 3);
        Assert.Equal(_quick.Sent, _slow.Sent);
        Assert.Equal(3, _quick.Sent.Count);
    }

    [Fact]
    public void ActiveBackup_uses_the_preferred_path_until_it_fails_and_again_after_it_has_worked_for_a_while()
    {
        var session = new TestSession(TunnelScheduler.ActiveBackup);
        session.Add(_slow, preference: 1); // joins first
        session.Add(_quick, preference: 0);
        Send(session, 5);
        Assert.Equal((5, 0), (_quick.Sent.Count, _slow.Sent.Count));
        _quick.Acknowledge(5);

        _quick.UnansweredSinceTimestamp = session.Time.GetTimestamp();
        Wait(session, 200);
        Send(session, 5);
        Assert.Equal((5, 5), (_quick.Sent.Count, _slow.Sent.Count));
        _quick.UnansweredSinceTimestamp = 0;
        Wait(session, 1000);
        Send(session, 1);
        Assert.Equal((5, 6), (_quick.Sent.Count, _slow.Sent.Count));
        Wait(session, 5000);
        Send(session, 1);
        Assert.Equal((6, 6), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Fact]
    public void ActiveBackup_follows_what_the_peer_prefers()
    {
        var session = new TestSession(TunnelScheduler.ActiveBackup) { IsLearning = true };
        session.Add(_slow);
        session.Add(_quick);
        Send(session, 1);
        Assert.Equal((0, 1), (_quick.Sent.Count, _slow.Sent.Count));
        for (ushort tag = 1; tag < 20; tag++)
        {
            session.Receive(session.Paths[1], IpPackets.Datagram(tag, IpPackets.Udp("10.99.0.2", "10.99.0.1", 10)));
        }

        Send(session, 1);
        Assert.Equal((1, 1), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Theory]
    [InlineData(TunnelScheduler.EarliestDelivery)]
    [InlineData(TunnelScheduler.RoundRobin)]
    [InlineData(TunnelScheduler.ActiveBackup)]
    public void A_failed_path_is_not_used_and_its_packets_go_over_the_other_path(TunnelScheduler scheduler)
    {
        TestSession session = Create(scheduler);
        session.Paths[0].HasSendError = true;
        Send(session, 4);
        Assert.Equal((0, 4), (_quick.Sent.Count, _slow.Sent.Count));
        session.Paths[0].HasSendError = false;
        _slow.ReturnDatagrams();
        Assert.Equal(4, _quick.Sent.Count);
        Assert.Equal(_slow.Sent, _quick.Sent);
    }

    [Fact]
    public void Choosing_allocates_nothing()
    {
        foreach (TunnelScheduler scheduler in Enum.GetValues<TunnelScheduler>())
        {
            TestSession session = Create(scheduler);
            _quick.QueueLimit = _slow.QueueLimit = 0; // the fake connections would keep the datagrams
            byte[] packet = IpPackets.Udp("10.99.0.1", "10.99.0.2", 100);
            for (int i = 0; i < 200; i++)
            {
                session.Send(packet, 0x0800, out _);
            }

            // The runtime may allocate in some rounds, but not in each.
            long best = Enumerable.Range(0, 10).Min(round =>
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < 1000; i++)
                {
                    session.Send(packet, 0x0800, out _);
                }

                return GC.GetAllocatedBytesForCurrentThread() - before;
            });
            Assert.Equal(0, best);
        }
    }

    private static int Tag(byte[] datagram) => (datagram[2] << 8) | datagram[3];

    private static void Wait(TestSession session, int milliseconds)
    {
        for (; milliseconds > 0; milliseconds -= 25)
        {
            session.Time.Advance(TimeSpan.FromMilliseconds(25));
        }
    }

    private static void Send(TestSession session, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(SendResult.Sent, session.SendPacket());
        }
    }

    /// <summary>Two paths of 4 MB/s with round-trip times of 20 and 120 ms. Packets leave only when a test takes them.</summary>
    private TestSession CreatePulled()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        _quick.SmoothedRtt = TimeSpan.FromMilliseconds(20);
        _slow.SmoothedRtt = TimeSpan.FromMilliseconds(120);
        (_quick.Rate, _quick.CongestionWindow, _quick.QueueLimit) = (4e6, 160_000, 0);
        (_slow.Rate, _slow.CongestionWindow, _slow.QueueLimit) = (4e6, 960_000, 0);
        return session;
    }

    /// <summary>Takes one packet over the fast path after a while.</summary>
    private void Take(TestSession session, int milliseconds)
    {
        session.Time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        _quick.QueueLimit++;
        _quick.WakeDatagrams();
    }

    private TestSession Create(TunnelScheduler scheduler)
    {
        var session = new TestSession(scheduler);
        session.Add(_quick);
        session.Add(_slow);
        return session;
    }
}
