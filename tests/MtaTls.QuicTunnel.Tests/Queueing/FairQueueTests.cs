using MtaTls.Quic.Ngtcp2;
using MtaTls.QuicTunnel.Queueing;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Queueing;

/// <summary>Flow queueing and CoDel, with a clock in milliseconds.</summary>
public sealed class FairQueueTests
{
    private const long Target = 5, Interval = 100;
    private readonly DatagramPool _pool = new(2048, 4096);
    private readonly FairQueue _queue = new(1000);

    [Fact]
    public void Flows_take_turns_by_bytes()
    {
        for (int i = 0; i < 20; i++)
        {
            Add(flow: 1, length: 1514);
            Add(flow: 2, length: 757);
        }

        int[] bytes = new int[3];
        for (int i = 0; i < 12; i++)
        {
            DatagramSlot slot = Take(0)!;
            bytes[slot.Flow] += slot.Length;
        }

        Assert.InRange(bytes[1] - bytes[2], -1514, 1514);
    }

    [Fact]
    public void A_new_flow_goes_before_waiting_flows()
    {
        for (int i = 0; i < 50; i++)
        {
            Add(flow: 1);
        }

        for (int i = 0; i < 3; i++)
        {
            Take(0);
        }

        Add(flow: 2, length: 100);
        Assert.Equal(2, Take(0)!.Flow);
    }

    [Fact]
    public void A_lasting_delay_drops_packets_more_and_more_often_and_a_short_one_drops_none()
    {
        for (int i = 0; i < 400; i++)
        {
            Add(flow: 1, now: 0);
        }

        for (long now = 10; now < 105; now += 5)
        {
            Assert.Equal(0, TakeAndCountDropped(now));
        }

        int first = 0, second = 0;
        for (long now = 110; now < 310; now += 5)
        {
            first += TakeAndCountDropped(now);
        }

        for (long now = 310; now < 510; now += 5)
        {
            second += TakeAndCountDropped(now);
        }

        Assert.True(first >= 2 && second > first, $"{first}, {second}");
    }

    [Fact]
    public void A_queue_without_a_lasting_delay_drops_nothing()
    {
        for (long now = 0; now < 1000; now++)
        {
            Add(flow: 1, now: now);
            Add(flow: 1, now: now);
            Assert.Equal(0, TakeAndCountDropped(now + 2));
            Assert.Equal(0, TakeAndCountDropped(now + 2));
        }
    }

    [Fact]
    public void Above_the_limit_the_longest_flow_loses_its_first_packet()
    {
        var queue = new FairQueue(10);
        for (int i = 0; i < 8; i++)
        {
            Assert.Null(queue.Add(Slot(1000), 1, 0));
        }

        Assert.Null(queue.Add(Slot(100), 2, 0));
        Assert.Null(queue.Add(Slot(100), 2, 0));
        Assert.Equal(1, queue.Add(Slot(100), 2, 0)!.Flow);
        Assert.Equal(10, queue.Count);
    }

    [Fact]
    public void TakeBehind_returns_the_packet_after_the_given_bytes()
    {
        for (int i = 0; i < 10; i++)
        {
            Add(flow: 1, length: 1000 + i);
        }

        Assert.Null(_queue.TakeBehind(20_000, 2000, out _));
        Assert.Equal(1005, _queue.TakeBehind(4_500, 2000, out int packets)!.Length);
        Assert.Equal(5, packets);
        Assert.Null(_queue.TakeBehind(4_500, 500, out _)); // too large for that path
        List<int> left = [];
        while (Take(0) is { } slot)
        {
            left.Add(slot.Length);
        }

        Assert.Equal([1000, 1001, 1002, 1003, 1004, 1006, 1007, 1008, 1009], left);
        Assert.Equal((0, 0L), (_queue.Count, _queue.Bytes));
    }

    [Fact]
    public void A_reserved_tag_is_used_only_once()
    {
        var tags = new TagCounter();
        Assert.Equal(1, tags.Next());
        Assert.Equal(5, tags.Keep(3));
        Assert.Equal(6, tags.Keep(3));
        Assert.Equal([2, 3, 4, 7, 8], Enumerable.Range(0, 5).Select(_ => (int)tags.Next()));
        for (int i = 0; i < 65_536; i++)
        {
            tags.Next();
        }

        Assert.Equal(9, tags.Next());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_flow_keeps_its_order_whichever_of_its_packets_a_slower_path_takes(int seed)
    {
        // Each packet has its own length, which says which one it is.
        var random = new Random(seed);
        var tags = new TagCounter();
        var sent = new List<(int Tag, int Packet)>();
        int added = 0;
        while (sent.Count < 600)
        {
            for (int i = random.Next(4); i > 0 && added < 600; i--)
            {
                Add(flow: 1, length: 500 + added++);
            }

            if (random.Next(3) == 0)
            {
                if (_queue.TakeBehind(random.Next(100_000), 2000, out int packets) is { } behind)
                {
                    sent.Add((tags.Keep(packets), behind.Length));
                }
            }
            else if (Take(0) is { } next)
            {
                sent.Add((tags.Next(), next.Length));
            }
        }

        Assert.Equal(Enumerable.Range(500, 600), sent.OrderBy(static one => one.Tag).Select(static one => one.Packet));
        Assert.Equal(Enumerable.Range(1, 600), sent.Select(static one => one.Tag).Order());
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("fd99::1", "fd99::2")]
    public void Flows_are_distinguished_by_addresses_and_ports(string from, string to)
    {
        byte[] packet = IpPackets.Udp(from, to, 20);
        byte[] other = IpPackets.Udp(from, to, 30);
        Assert.Equal(FlowHash.Compute(packet), FlowHash.Compute(other));
        other[from.Contains(':') ? 41 : 21] ^= 1; // the port
        Assert.NotEqual(FlowHash.Compute(packet), FlowHash.Compute(other));
        Assert.NotEqual(FlowHash.Compute(packet), FlowHash.Compute(IpPackets.Udp(to, from, 20)));
        Assert.Equal(0u, FlowHash.Compute([1, 2, 3]));
    }

    private DatagramSlot Slot(int length)
    {
        DatagramSlot slot = _pool.Rent()!;
        slot.Length = length;
        return slot;
    }

    private void Add(uint flow, int length = 1000, long now = 0) => Assert.Null(_queue.Add(Slot(length), flow, now));

    private DatagramSlot? Take(long now) => _queue.Take(now, Target, Interval, out _);

    private int TakeAndCountDropped(long now)
    {
        Assert.NotNull(_queue.Take(now, Target, Interval, out DatagramSlot? dropped));
        int count = 0;
        for (; dropped is not null; dropped = dropped.Next)
        {
            count++;
        }

        return count;
    }
}
