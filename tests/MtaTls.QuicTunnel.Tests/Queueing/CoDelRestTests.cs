using FsCheck.Xunit;
using MtaTls.QuicTunnel.Queueing;
using MtaTls.QuicTunnel.Scheduling;

namespace MtaTls.QuicTunnel.Tests.Queueing;

/// <summary>When CoDel rests, with a clock in milliseconds.</summary>
public sealed class CoDelRestTests
{
    private readonly CoDelRest _rest = new(ticksPerSecond: 1000);

    [Fact]
    public void A_path_that_is_measured_starts_a_rest_of_the_time_that_BBR_needs()
    {
        Note(0, isInterrupted: true, now: 5000);
        Assert.True(_rest.IsResting(5000));
        Assert.True(_rest.IsResting(5335));
        Assert.False(_rest.IsResting(5341)); // 300 ms and two round trips of 20 ms
    }

    [Fact]
    public void A_second_path_starts_a_rest_of_its_own()
    {
        Note(0, isInterrupted: true, now: 5000);
        Note(1, isInterrupted: true, now: 5160, delay: 0.06);
        Note(0, isInterrupted: false, now: 5230);
        Assert.True(_rest.IsResting(5695));
        Assert.False(_rest.IsResting(5701)); // 300 ms and two round trips of 120 ms after the second began
    }

    [Fact]
    public void A_second_path_that_is_measured_after_the_first_starts_a_rest_too()
    {
        Note(0, isInterrupted: true, now: 5000);
        Note(0, isInterrupted: false, now: 5240);
        Assert.False(_rest.IsResting(5900));
        Note(1, isInterrupted: true, now: 5900, delay: 0.06);
        Assert.True(_rest.IsResting(6435));
        Assert.False(_rest.IsResting(6441));
    }

    [Fact]
    public void A_path_that_stays_interrupted_starts_one_rest()
    {
        for (int now = 5005; now < 20_000; now += 10)
        {
            Note(0, isInterrupted: true, now);
            Assert.Equal(now < 5345, _rest.IsResting(now));
        }
    }

    [Property]
    public void Rests_are_bounded_whatever_windows_become_small((byte Path, bool IsInterrupted, byte Delay)[] changes)
    {
        var rest = new CoDelRest(ticksPerSecond: 1000);
        int now = 0, resting = 0;
        foreach ((byte path, bool isInterrupted, byte delay) in changes)
        {
            rest.Note(path % 32, Estimate(isInterrupted, delay / 1000.0), now);
            for (int end = now + 40; now < end; now++)
            {
                resting += rest.IsResting(now) ? 1 : 0;
            }
        }

        Assert.True(resting <= (CoDelRest.Most * 1000) + (CoDelRest.Share * now) + 1, $"{resting} of {now} ms");
    }

    [Fact]
    public void Windows_that_become_small_all_the_time_do_not_turn_CoDel_off()
    {
        int resting = 0;
        for (int now = 0; now < 60_000; now++)
        {
            for (int path = 0; path < 32; path++)
            {
                Note(path, isInterrupted: now % 100 == path, now);
            }

            resting += _rest.IsResting(now) ? 1 : 0;
        }

        Assert.InRange(resting, 10_000, (CoDelRest.Most * 1000) + (CoDelRest.Share * 60_000) + 1);
    }

    private void Note(int path, bool isInterrupted, int now, double delay = 0.01) => _rest.Note(path, Estimate(isInterrupted, delay), now);

    private static PathEstimate Estimate(bool isInterrupted, double delay) =>
        new(delay, delay, Rate: 1e6, HasRoom: true, IsProven: true, isInterrupted);
}
