using FsCheck;
using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>Section 2.2: "In any case, the result is always positive". Grants stay within the budgets.</summary>
public class WindowProperties
{
    [Property(MaxTest = 500)]
    public void A_send_window_never_goes_negative_and_never_overflows(uint window, uint maxPacketLength, uint[] increments, PositiveInt[] lengths)
    {
        var sending = new SendWindow(window, Math.Max(maxPacketLength, 1));
        long model = window;
        for (int i = 0; i < Math.Max(increments.Length, lengths.Length); i++)
        {
            if (i < increments.Length)
            {
                // Add large values: FsCheck creates mostly small ones.
                uint increment = i % 3 == 0 ? uint.MaxValue - increments[i] : increments[i];
                bool fits = model + increment <= uint.MaxValue;
                Assert.Equal(fits, sending.TryAdd(increment));
                if (fits)
                {
                    model += increment;
                }
            }
            if (i < lengths.Length)
            {
                int length = sending.NextPacketLength(lengths[i].Get);
                Assert.InRange(length, 0, Math.Min(lengths[i].Get, Math.Min(model, Math.Max(maxPacketLength, 1))));
                sending.Subtract(length);
                model -= length;
            }
            Assert.Equal(model, sending.Remaining);
        }
    }

    [Property(MaxTest = 500)]
    public void What_is_granted_and_unread_stays_within_both_budgets(PositiveInt[] steps, bool common)
    {
        const int Channels = 4;
        var time = new FakeTimeProvider();
        var roundTrip = new RoundTrip(time);
        ByteBudget? pool = common ? new ByteBudget(64 * 1024, keep: 8 * 1024) : null;
        var budget = new SessionReceiveBudget(96 * 1024, Channels, pool);
        var windows = new ReceiveWindow[Channels];
        long[] received = new long[Channels], examined = new long[Channels], consumed = new long[Channels];
        for (int i = 0; i < Channels; i++)
        {
            int first = budget.ReserveFirst(20_000);
            Assert.InRange(first, 4096, 20_000);
            windows[i] = new ReceiveWindow(first, 1 << 20, 16_375);
            Assert.True(windows[i].MaxPacketLength < first);
        }
        foreach (int step in steps.Select(s => s.Get))
        {
            var random = new Random(step);
            int i = random.Next(Channels);
            ref ReceiveWindow window = ref windows[i];
            time.Advance(TimeSpan.FromMilliseconds(random.Next(20)));
            for (int repeat = random.Next(1, 6); repeat > 0; repeat--)
            {
                received[i] += random.NextInt64(window.Limit - received[i] + 1);
                window.Received(received[i], roundTrip);
                examined[i] += random.NextInt64(received[i] - examined[i] + 1);
                if (random.Next(3) > 0)
                {
                    consumed[i] += random.NextInt64(examined[i] - consumed[i] + 1);
                }

                long before = window.Limit;
                uint granted = window.Grant(examined[i], consumed[i], budget, roundTrip);
                Assert.Equal(before + granted, window.Limit);
                int max = window.RaiseMaxPacketLength(received[i], 16_375);
                Assert.True(max == 0 || max < window.Limit - received[i]);
            }
            long all = 0;
            long reserved = 0;
            for (int c = 0; c < Channels; c++)
            {
                Assert.True(windows[c].Limit >= received[c]);
                Assert.True(windows[c].Limit - consumed[c] <= windows[c].Reserved, "more is allowed than is reserved");
                all += windows[c].Limit - consumed[c];
                reserved += windows[c].Reserved;
            }
            Assert.InRange(all, 0, 96 * 1024);
            Assert.Equal(reserved, budget.SharedReserved + Channels * 4096);
            if (pool is not null)
            {
                Assert.Equal(reserved, pool.Reserved);
                Assert.InRange(pool.Reserved, 0, pool.Size);
            }
        }
        for (int c = 0; c < Channels; c++)
        {
            budget.ReleaseAll(windows[c].TakeReserved());
        }

        Assert.Equal(0, budget.SharedReserved);
        Assert.Equal(0, pool?.Reserved ?? 0);
    }

    [Fact]
    public void A_window_grows_while_its_reader_keeps_up_and_stops_at_its_maximum()
    {
        (int size, _) = Run(readerDelay: TimeSpan.Zero);
        Assert.Equal(1 << 20, size);
    }

    [Fact]
    public void A_slow_readers_window_stays_as_it_is()
    {
        (int size, _) = Run(readerDelay: TimeSpan.FromSeconds(2));
        Assert.Equal(64 * 1024, size);
    }

    [Theory]
    [InlineData(0.2, 1 << 20)]    // a whole window each 0.25 ms: faster than four round trips of a millisecond
    [InlineData(5, 64 * 1024)]
    public void On_a_short_round_trip_a_window_grows_until_its_Acknowledgments_are_rare(double readerDelay, int expected)
    {
        (int size, _) = Run(TimeSpan.FromMilliseconds(readerDelay), TimeSpan.FromMilliseconds(0.05));
        Assert.Equal(expected, size);
    }

    [Fact]
    public void The_round_trip_is_the_shortest_time_from_an_Acknowledgment_to_an_octet_beyond_the_limit_before()
    {
        (_, TimeSpan roundTrip) = Run(readerDelay: TimeSpan.Zero);
        Assert.Equal(TimeSpan.FromMilliseconds(50), roundTrip);
    }

    /// <summary>Simulates a sender that always fills the window. The round trip is 50 ms by default.</summary>
    private static (int Size, TimeSpan RoundTrip) Run(TimeSpan readerDelay, TimeSpan? distance = null)
    {
        TimeSpan away = distance ?? TimeSpan.FromMilliseconds(50);
        var time = new FakeTimeProvider();
        var roundTrip = new RoundTrip(time);
        var budget = new SessionReceiveBudget(64 << 20, 100, null);
        var window = new ReceiveWindow(budget.ReserveFirst(64 * 1024), 1 << 20, 16_375);
        long received = 0;
        for (int round = 0; round < 100; round++)
        {
            time.Advance(away);
            received = window.Limit;
            window.Received(received, roundTrip);
            time.Advance(readerDelay);
            window.Grant(received, received, budget, roundTrip);
        }
        return (window.Size, TimeSpan.FromTicks(roundTrip.Shortest * TimeSpan.TicksPerSecond / time.TimestampFrequency));
    }
}
