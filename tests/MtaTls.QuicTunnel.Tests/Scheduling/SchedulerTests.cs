using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Sessions;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Scheduling;

/// <summary>Each scheduler on two paths: a quick narrow one, and a slow wide one.</summary>
public sealed class SchedulerTests
{
    private readonly FakeConnection _quick = new() { SmoothedRtt = TimeSpan.FromMilliseconds(10), CongestionWindow = 20_000, CountsInFlight = true };
    private readonly FakeConnection _slow = new() { SmoothedRtt = TimeSpan.FromMilliseconds(40), CongestionWindow = 240_000, CountsInFlight = true };

    [Fact]
    public void EarliestDelivery_takes_the_quick_path_while_it_delivers_first()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        Send(session, 10);
        Assert.Equal((10, 0), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Fact]
    public void EarliestDelivery_gives_a_slower_path_what_the_quick_one_would_deliver_later_and_keeps_its_place()
    {
        TestSession session = Create(TunnelScheduler.EarliestDelivery);
        // The quick path delivers 2 MB/s, and 30 KB in the 15 ms by which it is quicker. The window takes 20 KB, the next 30 KB wait, what is behind them goes over the slow path.
        for (int i = 0; i < 60; i++)
        {
            Assert.Equal(SendResult.Sent, session.SendPacket(payload: 1172)); // 1,204 bytes with its heads
        }

        Assert.Equal(17, _quick.Sent.Count);
        Assert.InRange(_slow.Sent.Count, 10, 20);
        // Between the last over the quick path and the first over the slow one there is room for those that wait.
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
    public void EarliestDelivery_with_little_waiting_waits_for_the_quick_path()
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
    public void EarliestDelivery_counts_what_losses_cost()
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
    public void RoundRobin_shares_by_rate_among_paths_that_are_alike()
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
    public void Redundant_takes_every_path_with_one_tag()
    {
        Send(Create(TunnelScheduler.Redundant), 3);
        Assert.Equal(_quick.Sent, _slow.Sent);
        Assert.Equal(3, _quick.Sent.Count);
    }

    [Fact]
    public void ActiveBackup_keeps_to_the_preferred_path_until_it_is_left_and_goes_back_when_it_has_proved_itself()
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
    public void A_path_that_is_left_is_passed_over_and_nothing_is_lost_when_it_ends(TunnelScheduler scheduler)
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
            _quick.QueueLimit = _slow.QueueLimit = 0; // the fakes keep what they take
            byte[] packet = IpPackets.Udp("10.99.0.1", "10.99.0.2", 100);
            for (int i = 0; i < 200; i++)
            {
                session.Send(packet, 0x0800, out _);
            }

            // The runtime may allocate now and then, but not in each round.
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

    private TestSession Create(TunnelScheduler scheduler)
    {
        var session = new TestSession(scheduler);
        session.Add(_quick);
        session.Add(_slow);
        return session;
    }
}
