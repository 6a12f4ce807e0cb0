using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using MtaTls.QuicTunnel.Reordering;

namespace MtaTls.QuicTunnel.Tests.Reordering;

public sealed class ReorderBufferTests : IReorderSink
{
    private const int MaxDelay = 50;
    private readonly List<int> _delivered = [];
    private ReorderBuffer _buffer;

    public ReorderBufferTests() => _buffer = Create(maxPackets: 16);

    void IReorderSink.Deliver(ushort protocolType, ReadOnlySpan<byte> packet) => _delivered.Add(BitConverter.ToInt32(packet));

    void IReorderSink.Deliver(HeldPacket packet)
    {
        _delivered.Add(BitConverter.ToInt32(packet.Span));
        packet.Free();
    }

    [Fact]
    public void Packets_in_order_are_delivered_at_once()
    {
        Receive(0, 100, 101, 102);
        Assert.Equal([100, 101, 102], _delivered);
        Assert.Equal(long.MaxValue, _buffer.Deadline);
    }

    [Theory]
    [InlineData(new[] { 2, 1, 3 }, new[] { 1, 2, 3 })]
    [InlineData(new[] { 1, 0, 2 }, new[] { 1, 0, 2 })]
    [InlineData(new[] { 17, 16 }, new[] { 17, 16 })]
    public void A_session_starts_with_its_first_packet_whichever_path_is_faster(int[] tags, int[] expected)
    {
        for (int i = 0; i < tags.Length; i++)
        {
            Receive(i % 2, tags[i]);
        }

        Assert.Equal(expected, _delivered);
    }

    [Fact]
    public void Packets_of_a_slower_path_start_the_session_although_a_whole_window_overtook_them()
    {
        _buffer = Create(maxPackets: 64);
        Receive(0, [.. Enumerable.Range(34, 31)]);
        Receive(1, [.. Enumerable.Range(1, 33)]);
        Assert.Equal(Enumerable.Range(1, 64), _delivered);
    }

    [Fact]
    public void A_packet_after_a_gap_waits_for_the_missing_packet()
    {
        Receive(0, 1, 3);
        Assert.Equal([1], _delivered);
        Receive(1, 2);
        Assert.Equal([1, 2, 3], _delivered);
    }

    [Fact]
    public void Order_continues_when_the_tags_wrap_around()
    {
        Receive(0, 65534, 0, 65535, 1);
        Assert.Equal([65534, 65535, 0, 1], _delivered);
    }

    [Fact]
    public void The_wait_for_a_lost_packet_is_limited()
    {
        Receive(0, 1, 3);
        Receive(1, 4);
        Assert.Equal(MaxDelay, _buffer.Deadline);
        _buffer.Expire(MaxDelay - 1);
        Assert.Equal([1], _delivered);
        _buffer.Expire(MaxDelay);
        Assert.Equal([1, 3, 4], _delivered);
        Assert.Equal(0, _buffer.Depth);
    }

    [Fact]
    public void The_wait_ends_when_every_path_has_delivered_later_packets()
    {
        LoseUntilNothingIsExpected();
        Receive(0, 1);
        Receive(1, 2);
        Receive(0, 4, 5, 6);
        Assert.Equal([1, 2], _delivered); // path 1 may still deliver 3
        Receive(1, 7);
        Assert.Equal([1, 2, 4, 5, 6, 7], _delivered);
    }

    [Fact]
    public void The_first_lost_packets_are_waited_for_because_most_peers_send_them_again()
    {
        Receive(0, 1, 3, 4, 5, 6, 7);
        Assert.Equal([1], _delivered);
        Receive(0, 20L, 2);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], _delivered);
    }

    [Fact]
    public void The_wait_for_a_quiet_path_is_a_part_of_the_longest_delay()
    {
        LoseUntilNothingIsExpected();
        Receive(1, 1);
        Receive(0, (long)MaxDelay, 2, 4, 5, 6);
        Assert.Equal([1, 2], _delivered);
        Receive(0, (long)MaxDelay + (MaxDelay / 4), 7);
        Assert.Equal([1, 2, 4, 5, 6, 7], _delivered);
    }

    [Fact]
    public void There_is_no_wait_for_a_removed_path()
    {
        LoseUntilNothingIsExpected();
        Receive(1, 1);
        _buffer.Forget(1);
        Receive(0, 2, 4, 5, 6);
        Assert.Equal([1, 2, 4, 5, 6], _delivered);
    }

    [Fact]
    public void There_is_a_wait_for_the_first_packet_of_a_path()
    {
        _buffer.Attach(1);
        Receive(0, 1, 3, 4, 5, 6);
        Receive(1, 2);
        Assert.Equal([1, 2, 3, 4, 5, 6], _delivered);
    }

    [Fact]
    public void A_late_packet_is_delivered_at_once()
    {
        Receive(0, 1, 3);
        _buffer.Expire(MaxDelay);
        Receive(1, (long)MaxDelay, 2);
        Assert.Equal([1, 3, 2], _delivered);
    }

    [Fact]
    public void A_duplicate_has_the_same_tag_and_the_same_bytes()
    {
        Receive(0, 1, 2, 4);
        Receive(1, 1, 2, 4);
        Assert.Equal(3, _buffer.Duplicates);
        Assert.Equal([1, 2], _delivered);
        _buffer.Receive(1, 2, 0, BitConverter.GetBytes(1002), 0); // the tag alone is not enough
        Assert.Equal([1, 2, 1002], _delivered);
    }

    [Fact]
    public void No_packet_is_lost_if_tags_are_not_a_count()
    {
        for (int i = 0; i < 100; i++)
        {
            _buffer.Receive(i % 2, 0, 0, BitConverter.GetBytes(i), 0);
        }

        Assert.Equal(Enumerable.Range(0, 100), _delivered);
    }

    [Fact]
    public void The_buffer_never_holds_more_than_its_limit()
    {
        Receive(0, 0);
        for (int i = 2; i < 400; i += 2)
        {
            Receive(i % 4 / 2, i);
            Assert.InRange(_buffer.Depth, 0, 16);
        }

        _buffer.Expire(MaxDelay);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i * 2), _delivered);
    }

    [Fact]
    public void Large_packets_fill_the_buffer_sooner()
    {
        Receive(0, 0);
        Receive(1, 1);
        for (int i = 0; i < 10; i++)
        {
            _buffer.Receive(0, (ushort)(3 + i), 0, [.. BitConverter.GetBytes(3 + i), .. new byte[60_000]], 0);
        }

        Assert.InRange(_buffer.Depth, 0, 16 * 2048 / 60_000);
    }

    [Fact]
    public void A_restarted_count_is_accepted()
    {
        Receive(0, 30000, 30001);
        for (int i = 0; i < 40; i++)
        {
            Receive(0, i);
        }

        _delivered.Clear();
        Receive(0, 41, 40);
        Assert.Equal([40, 41], _delivered);
    }

    [Property(MaxTest = 300)]
    public Property Every_packet_is_delivered_once_and_those_within_the_window_in_order()
    {
        Gen<(int[] shifts, int[] paths, int start)> gen = from count in Gen.Choose(1, 200)
                                                          from shifts in Gen.Choose(0, 12).ArrayOf(count)
                                                          from paths in Gen.Choose(0, 1).ArrayOf(count)
                                                          from start in Gen.Choose(0, ushort.MaxValue)
                                                          select (shifts, paths, start);
        return Prop.ForAll(gen.ToArbitrary(), input =>
        {
            _delivered.Clear();
            _buffer = Create(maxPackets: 32);
            // Each packet arrives up to 12 places late, and none is lost. The first packet sets the count. New paths are used, so that no wait ends early.
            int[] order = Enumerable.Range(0, input.shifts.Length).OrderBy(i => i == 0 ? -1 : i + input.shifts[i]).ToArray();
            foreach (int i in order)
            {
                _buffer.Receive(2 + i % 2, (ushort)(input.start + i), 0, BitConverter.GetBytes(i), 0);
            }

            _buffer.Flush();
            return _delivered.Order().SequenceEqual(Enumerable.Range(0, order.Length)) && _buffer.Depth == 0;
        });
    }

    [Property(MaxTest = 300)]
    public bool No_packet_is_lost_whatever_the_tags(ushort[] tags)
    {
        _delivered.Clear();
        _buffer = Create(maxPackets: 8);
        for (int i = 0; i < tags.Length; i++)
        {
            _buffer.Receive(i % 3, tags[i], 0, BitConverter.GetBytes(i), i);
        }

        _buffer.Expire(tags.Length + MaxDelay);
        return _delivered.Order().SequenceEqual(Enumerable.Range(0, tags.Length)) && _buffer.Depth == 0 && _buffer.Deadline == long.MaxValue;
    }

    private ReorderBuffer Create(int maxPackets) => new(this, maxPackets, MaxDelay, maxPaths: 4);

    [Fact]
    public void The_wait_adapts_to_the_measured_delay_of_missing_packets()
    {
        // One path, whose peer repeats lost packets after 10 ticks.
        int tag = 1;
        long now = 0;
        Receive(0, now, tag);
        for (int i = 0; i < 250; i++)
        {
            int missing = ++tag;
            Receive(0, now, ++tag, ++tag, ++tag, ++tag);
            now += 10;
            Receive(0, now, missing);
        }

        int[] last = [.. _delivered.TakeLast(5)];
        Assert.Equal(last.Order(), last);
        // The wait for a packet that never arrives is a little longer than that.
        tag++;
        Receive(0, now, ++tag);
        Assert.InRange(_buffer.Deadline - now, 10, 30);
        // If the peer stops repeating lost packets, the waits soon end.
        for (int i = 0; i < 50; i++)
        {
            tag++;
            Receive(0, now, ++tag, ++tag, ++tag, ++tag);
            now += 60;
            _buffer.Expire(now);
        }

        tag++;
        Receive(0, now, ++tag, ++tag, ++tag);
        Assert.Equal(tag, _delivered[^1]);
    }

    [Fact]
    public void A_packet_that_came_too_late_is_remembered_although_many_come_soon()
    {
        // The slow path's packets come 2 ticks late all the time. Those that it has to repeat take 30.
        int tag = 1;
        long now = 0;
        Receive(0, now, tag);
        void Soon()
        {
            for (int i = 0; i < 50; i++)
            {
                int missing = ++tag;
                Receive(0, now, ++tag);
                now += 2;
                Receive(1, now, missing);
            }
        }

        // The first delays say little, so the wait is long at the beginning.
        Soon();
        Assert.Equal(MaxDelay, _buffer.Bound);
        for (int i = 0; i < 30; i++)
        {
            Soon();
        }

        Assert.InRange(_buffer.Bound, 1, 10);
        int lost = ++tag;
        Receive(0, now, ++tag);
        now += 30;
        _buffer.Expire(now);
        Receive(1, now, lost);
        Assert.Equal(lost, _delivered[^1]); // Too late.
        Soon();
        lost = ++tag;
        Receive(0, now, ++tag);
        now += 30;
        _buffer.Expire(now);
        Receive(1, now, lost);
        Assert.Equal([lost, tag], _delivered.TakeLast(2));
        // After a time without such packets none is waited for so long.
        for (int i = 0; i < 30; i++)
        {
            Soon();
        }

        Assert.InRange(_buffer.Bound, 1, 10);
    }

    /// <summary>Loses packets of path 0 until the buffer expects no peer that sends them again. The next tag is 1, and nothing is delivered yet.</summary>
    private void LoseUntilNothingIsExpected()
    {
        for (int tag = ushort.MaxValue - 50; tag < ushort.MaxValue; tag += 5)
        {
            Receive(0, tag - 2, tag - 1, tag, tag + 1);
            _buffer.Expire(MaxDelay);
        }

        Receive(0, ushort.MaxValue - 1, ushort.MaxValue, 0);
        Assert.Equal(0, _buffer.Depth);
        _buffer.Forget(0);
        _delivered.Clear();
    }

    private void Receive(int path, params int[] tags) => Receive(path, 0L, tags);

    private void Receive(int path, long at, params int[] tags)
    {
        foreach (int tag in tags)
        {
            _buffer.Receive(path, (ushort)tag, 0, BitConverter.GetBytes(tag), at);
        }
    }
}
