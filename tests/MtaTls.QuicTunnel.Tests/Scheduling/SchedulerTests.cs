using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Sessions;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Scheduling;

/// <summary>Each scheduler on two paths: a quick narrow one, and a slow wide one.</summary>
public sealed class SchedulerTests
{
    private readonly FakeConnection _quick = new() { SmoothedRtt = TimeSpan.FromMilliseconds(10), CongestionWindow = 20_000 };
    private readonly FakeConnection _slow = new() { SmoothedRtt = TimeSpan.FromMilliseconds(40), CongestionWindow = 240_000 };

    [Fact]
    public void MinRtt_takes_the_quick_path_while_its_window_has_room_then_the_other()
    {
        TestSession session = Create(TunnelScheduler.MinRtt);
        Send(session, 10);
        Assert.Equal((10, 0), (_quick.Sent.Count, _slow.Sent.Count));
        _quick.BytesInFlight = _quick.CongestionWindow;
        Send(session, 10);
        Assert.Equal((10, 10), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Fact]
    public void MinRtt_with_every_window_full_takes_the_path_that_will_have_delivered_first()
    {
        TestSession session = Create(TunnelScheduler.MinRtt);
        _slow.BytesInFlight = _slow.CongestionWindow; // 80 ms
        _quick.BytesInFlight = _quick.CongestionWindow * 5; // 60 ms
        Send(session, 1);
        Assert.Single(_quick.Sent);
        _quick.BytesInFlight = _quick.CongestionWindow * 9; // 100 ms
        Send(session, 1);
        Assert.Single(_slow.Sent);
    }

    [Fact]
    public void RoundRobin_shares_by_capacity()
    {
        // 2 MB/s and 6 MB/s.
        Send(Create(TunnelScheduler.RoundRobin), 400);
        Assert.Equal((100, 300), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Fact]
    public void Redundant_takes_every_path_with_one_tag()
    {
        Send(Create(TunnelScheduler.Redundant), 3);
        Assert.Equal(_quick.Sent, _slow.Sent);
        Assert.Equal(3, _quick.Sent.Count);
    }

    [Fact]
    public void ActiveBackup_keeps_to_the_first_path_until_it_is_left()
    {
        TestSession session = Create(TunnelScheduler.ActiveBackup);
        Send(session, 5);
        Assert.Equal((5, 0), (_quick.Sent.Count, _slow.Sent.Count));
        session.Paths[0].HasSendError = true;
        Send(session, 5);
        Assert.Equal((5, 5), (_quick.Sent.Count, _slow.Sent.Count));
    }

    [Theory]
    [InlineData(TunnelScheduler.MinRtt)]
    [InlineData(TunnelScheduler.RoundRobin)]
    [InlineData(TunnelScheduler.ActiveBackup)]
    public void A_path_whose_queue_is_full_is_passed_over(TunnelScheduler scheduler)
    {
        TestSession session = Create(scheduler);
        _quick.QueueLimit = 0;
        Send(session, 4);
        Assert.Equal((0, 4), (_quick.Sent.Count, _slow.Sent.Count));
        _slow.QueueLimit = 0;
        Assert.Equal(SendResult.Congested, session.SendPacket());
    }

    [Fact]
    public void Choosing_allocates_nothing()
    {
        foreach (TunnelScheduler scheduler in Enum.GetValues<TunnelScheduler>())
        {
            TestSession session = Create(scheduler);
            _quick.QueueLimit = _slow.QueueLimit = 0; // the fakes keep what they take
            byte[] packet = IpPackets.Udp("10.99.0.1", "10.99.0.2", 100);
            session.Send(packet, 0x0800, out _);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                session.Send(packet, 0x0800, out _);
            }

            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
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
