using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Queueing;
using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Sessions;

public sealed class TunnelSessionTests
{
    private readonly FakeConnection _first = new() { SmoothedRtt = TimeSpan.FromMilliseconds(10) };
    private readonly FakeConnection _second = new() { SmoothedRtt = TimeSpan.FromMilliseconds(20) };

    [Fact]
    public void Tags_count_over_all_paths_and_wrap_around_after_65535()
    {
        var session = new TestSession(TunnelScheduler.RoundRobin);
        session.Add(_first);
        session.Add(_second);
        for (int i = 0; i < 65_540; i++)
        {
            session.SendPacket(payload: 0);
            _first.Acknowledge(_first.InFlight.Count);
            _second.Acknowledge(_second.InFlight.Count);
        }

        IGrouping<int, int>[] tags = _first.Sent.Concat(_second.Sent).Select(datagram => (datagram[2] << 8) | datagram[3]).GroupBy(tag => tag).ToArray();
        Assert.Equal(65_536, tags.Length);
        Assert.True(_first.Sent.Count > 10_000 && _second.Sent.Count > 10_000);
    }

    [Fact]
    public void Sessions_whose_clients_take_nothing_leave_memory_for_the_others()
    {
        var memory = new PacketMemory(128);
        for (int i = 0; i < 8; i++)
        {
            var stuck = new TestSession(memory: memory);
            stuck.Add(new FakeConnection { IsPulling = i % 2 == 0 }); // Some have taken what is in flight now.
            for (int j = 0; j < 64; j++)
            {
                stuck.SendPacket();
            }
        }

        var session = new TestSession(memory: memory);
        session.Add(_first);
        // Each delivered packet leaves room for the next.
        for (int i = 0; i < 1_000; i++)
        {
            Assert.Equal(SendResult.Sent, session.SendPacket());
            _first.Acknowledge(1);
        }
    }

    [Fact]
    public void A_path_that_does_not_answer_is_not_used_and_its_undelivered_packets_go_over_the_other_path()
    {
        TestSession session = Create();
        _first.CountsInFlight = true;
        for (int i = 0; i < 5; i++)
        {
            session.SendPacket();
        }

        _first.UnansweredSinceTimestamp = session.Time.GetTimestamp() + 1;
        Advance(session, 99);
        Assert.Empty(_second.Sent);
        Advance(session, 50);
        Assert.Equal(["0 left"], session.Events);
        Assert.Equal(_first.Sent, _second.Sent); // the same datagrams, with their tags
        session.SendPacket();
        Assert.Equal((5, 6), (_first.Sent.Count, _second.Sent.Count));

        _first.UnansweredSinceTimestamp = 0;
        _second.Acknowledge(6);
        _second.UnansweredSinceTimestamp = session.Time.GetTimestamp();
        Advance(session, 25);
        Assert.Equal(["0 left", "0 back"], session.Events);
        session.SendPacket();
        Assert.Equal(6, _first.Sent.Count);
    }

    [Fact]
    public void A_path_with_a_long_round_trip_time_gets_more_time()
    {
        TestSession session = Create();
        _first.SmoothedRtt = TimeSpan.FromMilliseconds(15);
        _second.SmoothedRtt = TimeSpan.FromMilliseconds(300);
        session.SendPacket();
        _first.UnansweredSinceTimestamp = _second.UnansweredSinceTimestamp = session.Time.GetTimestamp() + 1;
        Advance(session, 500);
        Assert.Equal(["0 left"], session.Events);
        Advance(session, 300);
        Assert.Equal(TunnelPathState.Stalled, session.Paths[1].State);
    }

    [Fact]
    public void Paths_that_do_not_answer_are_asked_each_second_and_more_often_at_first_if_none_answers()
    {
        TestSession session = Create();
        session.SendPacket();
        _first.UnansweredSinceTimestamp = session.Time.GetTimestamp() + 1;
        Advance(session, 99);
        Assert.Equal(0, _first.Pings);
        Advance(session, 20_000);
        Assert.InRange(_first.Pings, 19, 21);
        // The other path is asked once, because it takes over.
        Assert.Equal(1, _second.Pings);

        // The first network may be back although QUIC's own probe is due only in twenty seconds.
        _second.UnansweredSinceTimestamp = session.Time.GetTimestamp();
        Advance(session, 125);
        int before = _first.Pings;
        Advance(session, 1_000);
        Assert.InRange(_first.Pings - before, 8, 11);
        Assert.InRange(_second.Pings, 9, 12);

        // A peer that has vanished is not flooded.
        before = _first.Pings;
        Advance(session, 10_000);
        Assert.InRange(_first.Pings - before, 9, 11);

        // Nor is a peer that answers now and then: it is asked more often only once in two seconds.
        before = _first.Pings;
        for (int i = 0; i < 8; i++)
        {
            _second.UnansweredSinceTimestamp = 0;
            Advance(session, 25);
            _second.UnansweredSinceTimestamp = session.Time.GetTimestamp();
            Advance(session, 475);
        }

        Assert.InRange(_first.Pings - before, 8, 24);

        _first.UnansweredSinceTimestamp = _second.UnansweredSinceTimestamp = 0;
        Advance(session, 25);
        before = _first.Pings + _second.Pings;
        Advance(session, 2_000);
        Assert.Equal(before, _first.Pings + _second.Pings);
    }

    [Fact]
    public void A_client_asks_a_path_once_over_which_no_more_packets_arrive()
    {
        TestSession session = Create();
        session.IsAskingQuietPaths = true;
        for (int i = 0; i < 10; i++)
        {
            session.Receive(session.Paths[0], Datagram((ushort)i));
            Advance(session, 75);
        }

        Assert.Equal(0, _first.Pings);
        Advance(session, 75);
        Assert.Equal(1, _first.Pings);
        Advance(session, 10_000);
        Assert.Equal(1, _first.Pings);
        Assert.Equal(0, _second.Pings);

        // An acknowledgement after the packet does not show that the path will carry the next one. The answer to the question does.
        session.Receive(session.Paths[0], Datagram(10));
        Advance(session, 50);
        _first.LastReceivedTimestamp = session.Time.GetTimestamp();
        Advance(session, 100);
        Assert.Equal(1, _first.Pings);
        Advance(session, 50);
        Assert.Equal(2, _first.Pings);
        _first.LastReceivedTimestamp = session.Time.GetTimestamp();
        Advance(session, 10_000);
        Assert.Equal(2, _first.Pings);

        // The path has failed: the other one, which takes over, is asked too.
        session.Receive(session.Paths[0], Datagram(11));
        Advance(session, 150);
        Assert.Equal(3, _first.Pings);
        _first.UnansweredSinceTimestamp = session.Time.GetTimestamp();
        Advance(session, 125);
        Assert.Equal(["0 left"], session.Events);
        Assert.Equal(1, _second.Pings);
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 1)]
    public void A_concentrator_and_a_client_with_one_path_do_not_ask_quiet_paths(bool isClient, int paths)
    {
        var session = new TestSession { IsAskingQuietPaths = isClient };
        session.Add(_first);
        if (paths > 1)
        {
            session.Add(_second);
        }

        session.Receive(session.Paths[0], Datagram(0));
        // Nobody checks a path that need not be asked.
        _first.UnansweredSinceTimestamp = session.Time.GetTimestamp() + 1;
        Advance(session, 1_000);
        Assert.Equal(0, _first.Pings);
        Assert.False(session.Paths[0].IsStalled);
    }

    [Fact]
    public void A_packet_that_is_just_between_the_queue_and_the_network_at_a_check_is_still_watched()
    {
        TestSession session = Create();
        session.SendPacket();
        Advance(session, 25); // Nothing waits, and nothing counts as unanswered yet.
        _first.UnansweredSinceTimestamp = session.Time.GetTimestamp();
        Advance(session, 200);
        Assert.Equal(["0 left"], session.Events);
    }

    [Fact]
    public void The_only_path_is_used_whatever_its_state()
    {
        var session = new TestSession();
        session.Add(_first);
        session.Paths[0].HasSendError = true;
        Assert.Equal(SendResult.Sent, session.SendPacket());
        session.Paths[0].IsReportedUnavailable = true; // unless the client has reported a failure
        Assert.Equal(SendResult.NoPath, session.SendPacket());
    }

    [Fact]
    public void The_undelivered_packets_of_a_removed_path_go_over_the_other_path()
    {
        TestSession session = Create();
        session.SendPacket();
        Assert.Equal(1, session.Remove(session.Paths[0]));
        Assert.Equal(1, _first.Returned);
        Assert.Equal(_first.Sent, _second.Sent);
        Assert.Equal(0, session.Remove(session.Paths[0]));
        Assert.Equal(SendResult.NoPath, session.SendPacket());
    }

    [Fact]
    public void A_path_below_1284_bytes_carries_no_IPv6()
    {
        TestSession session = Create();
        _first.MaxDatagramSize = 1283;
        Assert.Equal(SendResult.Sent, session.Send(IpPackets.Udp("fd99::1", "fd99::2", 10), ProtocolType.IPv6, out _));
        Assert.Empty(_first.Sent);
        _second.MaxDatagramSize = 1283;
        Assert.Equal(SendResult.NotCarried, session.Send(IpPackets.Udp("fd99::1", "fd99::2", 10), ProtocolType.IPv6, out _));
        Assert.Equal(SendResult.Sent, session.SendPacket());
    }

    [Fact]
    public void A_packet_is_too_big_only_after_path_MTU_discovery_has_ended()
    {
        TestSession session = Create();
        _first.IsPathMtuSettled = _second.IsPathMtuSettled = false;
        Assert.Equal(SendResult.NoPath, session.Send(new byte[1397], ProtocolType.IPv4, out _));
        Assert.Equal(SendResult.NoPath, session.Send(new byte[1397], ProtocolType.IPv6, out _));
        _first.IsPathMtuSettled = true;
        Assert.Equal(SendResult.TooBig, session.Send(new byte[1397], ProtocolType.IPv4, out int most));
        Assert.Equal(1396, most);
        _second.MaxDatagramSize = 1500;
        Assert.Equal(SendResult.Sent, session.Send(new byte[1397], ProtocolType.IPv4, out _));
        Assert.Single(_second.Sent);
    }

    [Fact]
    public void A_lost_packet_is_sent_again_with_its_tag_a_limited_number_of_times()
    {
        TestSession session = Create();
        session.SendPacket();
        for (int i = 0; i < 3; i++)
        {
            FakeConnection last = _first.InFlight.Count > 0 ? _first : _second;
            last.Lose(0);
        }

        Assert.Equal(4, _first.Sent.Count + _second.Sent.Count);
        Assert.All(_first.Sent.Concat(_second.Sent), datagram => Assert.Equal(_first.Sent[0], datagram));
        (_first.InFlight.Count > 0 ? _first : _second).Lose(0);
        Assert.Equal(4, _first.Sent.Count + _second.Sent.Count);

        // An old packet is not sent again.
        session.SendPacket();
        session.Time.Advance(TimeSpan.FromSeconds(2));
        int before = _first.Sent.Count + _second.Sent.Count;
        (_first.InFlight.Count > 0 ? _first : _second).Lose(0);
        Assert.Equal(before, _first.Sent.Count + _second.Sent.Count);
    }

    [Fact]
    public void A_path_that_fails_repeatedly_is_not_used_for_a_while()
    {
        TestSession session = WithFailingPath();
        Assert.Contains(session.Events, static e => e.StartsWith("0 it has failed 2 times", StringComparison.Ordinal));
        Assert.Equal(TunnelPathState.Stalled, session.Paths[0].State);
        int sent = _first.Sent.Count;
        session.SendPacket();
        Assert.Equal(sent, _first.Sent.Count);
        _second.UnansweredSinceTimestamp = session.Time.GetTimestamp() + TimeSpan.TicksPerSecond * 100;
        Advance(session, 31_000);
        Assert.Equal(TunnelPathState.Active, session.Paths[0].State);
    }

    [Fact]
    public void A_path_that_is_not_used_for_a_while_is_used_when_the_other_one_does_not_answer()
    {
        TestSession session = WithFailingPath();
        Assert.True(session.Paths[0].IsHarmful);
        _first.Acknowledge(_first.InFlight.Count);
        _second.Acknowledge(_second.InFlight.Count);
        _second.CountsInFlight = true;
        session.SendPacket();
        byte[] undelivered = _second.Sent[^1];
        _second.UnansweredSinceTimestamp = session.Time.GetTimestamp() + 1;
        Advance(session, 200);
        Assert.True(session.Paths[0].IsHarmful);
        Assert.Equal(undelivered, _first.Sent[^1]);
        int sent = _second.Sent.Count;
        session.SendPacket();
        Assert.Equal(sent, _second.Sent.Count);
    }

    [Fact]
    public void A_path_with_high_loss_is_not_used_for_a_while()
    {
        TestSession session = Create();
        _second.SmoothedRtt = TimeSpan.FromSeconds(1); // so that the lossy path is used
        for (int i = 0; i < 200; i++)
        {
            session.SendPacket();
            while (_first.InFlight.Count > 0)
            {
                _first.Lose(0);
            }
        }

        _second.UnansweredSinceTimestamp = session.Time.GetTimestamp() + TimeSpan.TicksPerSecond * 100;
        Advance(session, 100);
        Assert.Contains(session.Events, static e => e.StartsWith("0 it loses", StringComparison.Ordinal));
        Assert.Equal(TunnelPathState.Stalled, session.Paths[0].State);
    }

    [Fact]
    public void The_wait_for_a_gap_ends_after_MaxDelay()
    {
        TestSession session = Create();
        session.Receive(session.Paths[0], Datagram(1));
        session.Receive(session.Paths[1], Datagram(3));
        Assert.Equal(1, session.ReorderDepth);
        session.Time.Advance(TimeSpan.FromMilliseconds(49));
        Assert.Single(session.Delivered);
        session.Time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal([Packet(1), Packet(3)], session.Delivered);
    }

    [Fact]
    public void Without_reordering_packets_are_delivered_when_they_arrive()
    {
        var session = new TestSession(reordering: false);
        session.Add(_first);
        foreach (ushort tag in new ushort[] { 9, 3, 3, 500 })
        {
            session.Receive(session.Paths[0], Datagram(tag));
        }

        Assert.Equal([Packet(9), Packet(3), Packet(3), Packet(500)], session.Delivered);
    }

    [Fact]
    public void Without_reordering_the_second_copy_of_a_packet_is_still_dropped()
    {
        var session = new TestSession(reordering: false);
        session.Add(_first);
        session.Add(_second);
        session.Receive(session.Paths[0], Datagram(1));
        session.Receive(session.Paths[1], Datagram(1));
        session.Receive(session.Paths[1], Datagram(2));
        Assert.Equal([Packet(1), Packet(2)], session.Delivered);
        Assert.Equal(1, session.Counters.GetDropped(DropReason.Duplicate));
    }

    [Fact]
    public void A_slow_delivery_does_not_block_other_receiving_threads()
    {
        TestSession session = Create();
        using var inside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        session.Delivering = packet =>
        {
            if (packet.SequenceEqual(Packet(1)))
            {
                inside.Set();
                Assert.True(goOn.Wait(TimeSpan.FromSeconds(30)));
            }
        };
        Thread slow = new(() => session.Receive(session.Paths[0], Datagram(1)));
        slow.Start();
        Assert.True(inside.Wait(TimeSpan.FromSeconds(30)));
        // Delivery holds no lock, so the next packets are accepted and wait.
        session.Receive(session.Paths[1], Datagram(2));
        session.Receive(session.Paths[1], Datagram(3));
        Assert.Empty(session.Delivered);
        goOn.Set();
        slow.Join();
        Assert.Equal([Packet(1), Packet(2), Packet(3)], session.Delivered);
    }

    [Fact]
    public void Receiving_in_order_allocates_nothing()
    {
        var session = new TestSession(reordering: true);
        session.Add(_first);
        byte[] sink = new byte[4 + 28];
        IpPackets.Udp("10.99.0.1", "10.99.0.2", 0).CopyTo(sink, 4);
        for (int i = 0; i < 1000; i++)
        {
            Receive(i);
        }

        session.Delivered.EnsureCapacity(20_000);
        long[] rounds = [.. Enumerable.Range(0, 10).Select(round =>
        {
            session.Delivered.Clear();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 1000 * (round + 1); i < 1000 * (round + 2); i++)
            {
                Receive(i);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        })];
        // The test itself keeps an array of 28 bytes for each packet. The runtime may allocate in some rounds, but not in each.
        Assert.Equal(1000 * 56, rounds.Min());

        void Receive(int tag)
        {
            TunnelDatagram.WriteHeader(sink, ProtocolType.IPv4, (ushort)tag);
            session.Receive(session.Paths[0], sink);
        }
    }

    [Fact]
    public void Redundant_copies_are_counted_as_duplicates()
    {
        TestSession session = Create();
        session.Receive(session.Paths[0], Datagram(1));
        session.Receive(session.Paths[1], Datagram(1));
        Assert.Single(session.Delivered);
        Assert.Equal(1, session.Counters.GetDropped(DropReason.Duplicate));
    }

    /// <summary>A session whose first path has failed repeatedly.</summary>
    private TestSession WithFailingPath()
    {
        TestSession session = Create();
        for (int i = 0; i < 3; i++)
        {
            session.SendPacket();
            _first.UnansweredSinceTimestamp = session.Time.GetTimestamp() + 1;
            Advance(session, 200);
            _first.UnansweredSinceTimestamp = 0;
            _second.UnansweredSinceTimestamp = session.Time.GetTimestamp() + 1;
            Advance(session, 25);
            _second.UnansweredSinceTimestamp = 0;
        }

        return session;
    }

    private static byte[] Datagram(ushort tag) => IpPackets.Datagram(tag, Packet(tag));

    private static byte[] Packet(int number) => IpPackets.Udp("10.99.0.1", "10.99.0.2", BitConverter.GetBytes(number));

    private static void Advance(TestSession session, int milliseconds)
    {
        // Advance in the steps of PathSupervisor, which ignores larger jumps of the clock.
        for (; milliseconds > 0; milliseconds -= 25)
        {
            session.Time.Advance(TimeSpan.FromMilliseconds(Math.Min(25, milliseconds)));
        }
    }

    private TestSession Create()
    {
        var session = new TestSession();
        session.Add(_first);
        session.Add(_second);
        return session;
    }
}
