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
    public void Packets_in_order_go_through_at_once()
    {
        Receive(0, 100, 101, 102);
        Assert.Equal([100, 101, 102], _delivered);
        Assert.Equal(long.MaxValue, _buffer.Deadline);
    }

    [Theory]
    [InlineData(new[] { 2, 1, 3 }, new[] { 1, 2, 3 })]
    [InlineData(new[] { 1, 0, 2 }, new[] { 1, 0, 2 })]
    [InlineData(new[] { 17, 16 }, new[] { 17, 16 })]
    public void A_session_begins_with_its_first_packet_whichever_path_is_quicker(int[] tags, int[] expected)
    {
        for (int i = 0; i < tags.Length; i++)
        {
            Receive(i % 2, tags[i]);
        }

        Assert.Equal(expected, _delivered);
    }

    [Fact]
    public void A_packet_that_is_ahead_waits_for_the_one_before_it()
    {
        Receive(0, 1, 3);
        Assert.Equal([1], _delivered);
        Receive(1, 2);
        Assert.Equal([1, 2, 3], _delivered);
    }

    [Fact]
    public void Order_goes_on_over_the_end_of_the_tags()
    {
        Receive(0, 65534, 0, 65535, 1);
        Assert.Equal([65534, 65535, 0, 1], _delivered);
    }

    [Fact]
    public void A_lost_packet_is_waited_for_no_longer_than_the_bound()
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
    public void A_packet_is_given_up_when_every_path_has_brought_later_ones()
    {
        Receive(0, 1);
        Receive(1, 2);
        Receive(0, 4, 5, 6);
        Assert.Equal([1, 2], _delivered); // path 1 may still bring 3
        Receive(1, 7);
        Assert.Equal([1, 2, 4, 5, 6, 7], _delivered);
    }

    [Fact]
    public void A_path_that_has_gone_quiet_is_waited_for_a_part_of_the_bound()
    {
        Receive(1, 1);
        Receive(0, (long)MaxDelay, 2, 4, 5, 6);
        Assert.Equal([1, 2], _delivered);
        Receive(0, (long)MaxDelay + (MaxDelay / 4), 7);
        Assert.Equal([1, 2, 4, 5, 6, 7], _delivered);
    }

    [Fact]
    public void A_path_that_is_gone_is_not_waited_for()
    {
        Receive(1, 1);
        _buffer.Forget(1);
        Receive(0, 2, 4, 5, 6);
        Assert.Equal([1, 2, 4, 5, 6], _delivered);
    }

    [Fact]
    public void The_first_packet_of_a_path_is_waited_for()
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
    public void A_duplicate_has_an_equal_tag_and_equal_octets()
    {
        Receive(0, 1, 2, 4);
        Receive(1, 1, 2, 4);
        Assert.Equal(3, _buffer.Duplicates);
        Assert.Equal([1, 2], _delivered);
        _buffer.Receive(1, 2, 0, BitConverter.GetBytes(1002), 0); // the tag alone says nothing
        Assert.Equal([1, 2, 1002], _delivered);
    }

    [Fact]
    public void Tags_that_are_no_count_lose_nothing()
    {
        for (int i = 0; i < 100; i++)
        {
            _buffer.Receive(i % 2, 0, 0, BitConverter.GetBytes(i), 0);
        }

        Assert.Equal(Enumerable.Range(0, 100), _delivered);
    }

    [Fact]
    public void The_buffer_never_holds_more_than_it_may()
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
    public void Large_packets_fill_it_sooner()
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
    public void A_peer_that_counts_anew_is_followed()
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
            // Each packet comes up to 12 places late; all arrive, so none is lost. The first sets the count. Fresh paths, so that nothing is given up early.
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
    public bool Any_tags_at_all_lose_nothing(ushort[] tags)
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
    public void Missing_packets_that_come_after_all_are_waited_for_from_then_on_and_no_longer_than_they_take()
    {
        // One path, whose peer sends again what is lost, 10 ticks later.
        int tag = 1;
        long now = 0;
        Receive(0, now, tag);
        for (int i = 0; i < 20; i++)
        {
            int missing = ++tag;
            Receive(0, now, ++tag, ++tag, ++tag, ++tag);
            now += 10;
            Receive(0, now, missing);
        }

        int[] last = [.. _delivered.TakeLast(5)];
        Assert.Equal(last.Order(), last);
        // One that never comes costs little more than those took.
        tag++;
        Receive(0, now, ++tag);
        Assert.InRange(_buffer.Deadline - now, 10, 30);
        // A peer that does not is not waited for, soon again.
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

    private void Receive(int path, params int[] tags) => Receive(path, 0L, tags);

    private void Receive(int path, long at, params int[] tags)
    {
        foreach (int tag in tags)
        {
            _buffer.Receive(path, (ushort)tag, 0, BitConverter.GetBytes(tag), at);
        }
    }
}
