using MtaTls.Quic.Ngtcp2;

namespace MtaTls.Quic.Tests;

/// <summary>The model of a path with 1 MB/s and 20 ms. The test generates the acknowledgements.</summary>
public class PathModelTests
{
    private const ulong Millisecond = 1_000_000;
    private readonly PathModel _path = new();
    private long _delivered;

    [Fact]
    public void The_rate_is_measured_from_acknowledgements()
    {
        Run(milliseconds: 1000, rtt: 20);
        Assert.InRange(_path.Rate, 0.9e6, 1.1e6);
    }

    [Fact]
    public void The_limit_in_flight_is_a_little_more_than_the_path_holds()
    {
        Assert.True(_path.MostInFlight > 1_000_000); // No limit before the first acknowledgement.
        Run(milliseconds: 1000, rtt: 20);
        Assert.InRange(_path.MostInFlight, 25_000, 32_000);
    }

    [Fact]
    public void A_longer_round_trip_time_counts_after_a_while()
    {
        Run(milliseconds: 1000, rtt: 20);
        Run(milliseconds: 25_000, rtt: 80, from: 2000);
        Assert.True(_path.MostInFlight > 85_000);
    }

    [Fact]
    public void A_queue_on_the_way_does_not_count_as_round_trip_time_if_it_is_empty_every_ten_seconds()
    {
        Run(milliseconds: 200, rtt: 20);
        for (int i = 0; i < 6; i++)
        {
            Run(milliseconds: 10_000, rtt: 28, from: 1000 + (i * 10_200));
            Run(milliseconds: 200, rtt: 20, from: 11_000 + (i * 10_200));
        }

        Run(milliseconds: 9_000, rtt: 28, from: 63_000);
        Assert.InRange(_path.MostInFlight, 25_000, 32_000);
    }

    [Fact]
    public void A_sender_that_has_little_to_send_learns_nothing_less_of_the_path()
    {
        Run(milliseconds: 1000, rtt: 20);
        Run(milliseconds: 5000, rtt: 20, from: 2000, bytes: 100, isLimited: true);
        Assert.InRange(_path.Rate, 0.9e6, 1.1e6);
    }

    [Fact]
    public void A_sender_that_has_more_to_send_learns_that_the_path_carries_less()
    {
        Run(milliseconds: 1000, rtt: 20);
        Run(milliseconds: 1000, rtt: 20, from: 2000, bytes: 100);
        Assert.InRange(_path.Rate, 0.09e6, 0.11e6);
    }

    [Theory]
    [InlineData(5_400, true)] // four packets
    [InlineData(10_000, true)] // half of what the path holds
    [InlineData(20_000, false)]
    public void A_window_far_smaller_than_the_path_interrupts_it(int window, bool expected)
    {
        Assert.False(_path.IsInterrupted(window));
        Run(milliseconds: 1000, rtt: 20);
        Assert.Equal(expected, _path.IsInterrupted(window));
    }

    [Fact]
    public void Packets_that_wait_on_the_way_show_the_rate_although_the_sender_has_little_to_send()
    {
        Run(milliseconds: 1000, rtt: 20);
        Run(milliseconds: 1000, rtt: 60, from: 2000, bytes: 500, isLimited: true);
        Assert.InRange(_path.Rate, 0.4e6, 0.6e6);
    }

    [Fact]
    public void Acknowledgements_that_came_late_and_all_at_once_do_not_raise_the_rate()
    {
        Run(milliseconds: 1000, rtt: 20);
        // The sender did not run for 20 ms. It sent a packet, and only then read what had arrived before: two round trips' bytes in the time of one.
        ulong sent = 1100 * Millisecond, before = sent - (20 * Millisecond);
        _path.OnDelivered(_delivered + 40_000, new DatagramLedger.Entry(1000, sent, null, _delivered, before, IsLimited: false, IsPending: true), sent + (20 * Millisecond), 20 * Millisecond);
        Assert.InRange(_path.Rate, 0.9e6, 1.1e6);
    }

    [Fact]
    public void What_was_not_sent_for_a_while_does_not_go_at_once()
    {
        Run(milliseconds: 1000, rtt: 20);
        ulong now = 5000 * Millisecond;
        int burst = 0;
        while (_path.PacedUntil <= now)
        {
            _path.OnSent(1000, now);
            burst++;
        }

        Assert.InRange(burst, 8, 30);
        // From then on no faster than a little more than the path delivers.
        int sent = 0;
        for (ulong later = now; later < now + (1000 * Millisecond); later += Millisecond / 10)
        {
            if (_path.PacedUntil <= later)
            {
                _path.OnSent(1000, later);
                sent++;
            }
        }

        Assert.InRange(sent, 1000, 2500);
    }

    [Fact]
    public void Losses_end_the_beginning_in_which_more_may_be_under_way()
    {
        Run(milliseconds: 60, rtt: 20);
        long before = _path.MostInFlight;
        for (int i = 0; i < 3; i++)
        {
            _path.OnLost(150 * Millisecond, 160 * Millisecond);
        }

        Assert.True(_path.MostInFlight < before);
    }

    [Fact]
    public void Losses_of_the_startup_say_nothing_about_the_path()
    {
        Run(milliseconds: 60, rtt: 20);
        for (int i = 0; i < 5; i++)
        {
            Assert.True(_path.OnLost(150 * Millisecond, 160 * Millisecond)); // The third one ends the startup.
        }

        Assert.False(_path.OnLost(161 * Millisecond, 180 * Millisecond));
        Assert.True(_path.OnLost(159 * Millisecond, 180 * Millisecond));
    }

    [Fact]
    public void Losses_after_the_startup_count_when_it_ended_without_losses()
    {
        Run(milliseconds: 1000, rtt: 20);
        Assert.True(_path.OnLost(110 * Millisecond, 1100 * Millisecond));
        Assert.False(_path.OnLost(1000 * Millisecond, 1100 * Millisecond));
    }

    private void Run(int milliseconds, int rtt, int from = 100, int bytes = 1000, bool isLimited = false)
    {
        for (int i = 0; i < milliseconds; i++)
        {
            _delivered += bytes;
            ulong now = (ulong)(from + i) * Millisecond, sent = now - ((ulong)rtt * Millisecond);
            _path.OnDelivered(_delivered, new DatagramLedger.Entry(bytes, sent, null, _delivered - (bytes * rtt), sent, isLimited, IsPending: true), now, (ulong)rtt * Millisecond);
        }
    }
}
