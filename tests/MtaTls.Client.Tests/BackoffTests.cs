using Microsoft.Extensions.Time.Testing;
using MtaTls.Client.Sessions;

namespace MtaTls.Client.Tests;

public sealed class BackoffTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_back_off_doubles_up_to_the_maximum_and_ends_with_a_success()
    {
        Backoff backoff = Make(jitter: 0, random: 0.5);
        Assert.Equal(TimeSpan.Zero, backoff.Remaining);
        foreach (int seconds in new[] { 1, 2, 4, 8, 10, 10 })
        {
            backoff.Failed(new IOException());
            Assert.Equal(TimeSpan.FromSeconds(seconds), backoff.Remaining);
            _time.Advance(TimeSpan.FromSeconds(seconds));
            Assert.Equal(TimeSpan.Zero, backoff.Remaining);
        }
        backoff.Failed(new IOException());
        backoff.Succeeded();
        Assert.Equal(TimeSpan.Zero, backoff.Remaining);
        backoff.Failed(new IOException());
        Assert.Equal(TimeSpan.FromSeconds(1), backoff.Remaining);
    }

    [Theory]
    [InlineData(0, 8)]
    [InlineData(0.5, 6)]
    [InlineData(0.999999, 4)]
    public void Jitter_subtracts_a_random_part(double random, double expectedSeconds)
    {
        Backoff backoff = Make(jitter: 0.5, random);
        for (int i = 0; i < 4; i++)
        {
            backoff.Failed(new IOException());
        }

        Assert.Equal(expectedSeconds, backoff.Remaining.TotalSeconds, 0.001);
    }

    [Fact]
    public void It_never_overflows()
    {
        Backoff backoff = Make(jitter: 0, random: 0);
        for (int i = 0; i < 10_000; i++)
        {
            backoff.Failed(new IOException());
        }

        Assert.Equal(TimeSpan.FromSeconds(10), backoff.Remaining);
    }

    [Fact]
    public void It_keeps_the_error_of_the_last_failure()
    {
        Backoff backoff = Make(jitter: 0, random: 0);
        var reason = new IOException("gone");
        backoff.Failed(reason);
        Assert.Same(reason, backoff.LastFailure);
        Assert.Equal(1, backoff.Failures);
    }

    [Fact]
    public void Channels_wait_only_for_an_endpoint_that_was_reached_and_only_for_WaitTimeout()
    {
        Backoff backoff = Make(jitter: 0, random: 0);
        backoff.Failed(new IOException());
        Assert.Equal(TimeSpan.Zero, backoff.WaitRemaining);
        backoff.Succeeded();
        backoff.Failed(new IOException());
        Assert.Equal(TimeSpan.FromSeconds(1), backoff.Pause);
        _time.Advance(TimeSpan.FromSeconds(29));
        // Later failures do not restart WaitTimeout.
        backoff.Failed(new IOException());
        Assert.Equal(TimeSpan.FromSeconds(1), backoff.WaitRemaining);
        Assert.Equal(TimeSpan.FromSeconds(1), backoff.Pause);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, backoff.WaitRemaining);
        Assert.Equal(TimeSpan.Zero, backoff.Pause);
    }

    [Fact]
    public void A_failed_channel_waits_also_if_another_has_succeeded_since_then()
    {
        Backoff backoff = Make(jitter: 0, random: 0);
        Assert.False(backoff.IsWaitedFor);
        backoff.Failed(new IOException());
        Assert.False(backoff.IsWaitedFor);
        backoff.Succeeded();
        backoff.Failed(new IOException());
        Assert.True(backoff.IsWaitedFor);
        backoff.Succeeded();
        Assert.True(backoff.IsWaitedFor);
        backoff.Failed(new IOException());
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.False(backoff.IsWaitedFor);
        backoff = new(new BackoffSettings(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), 0, WaitTimeout: TimeSpan.Zero), _time, () => 0);
        backoff.Succeeded();
        Assert.False(backoff.IsWaitedFor);
    }

    private Backoff Make(double jitter, double random) => new(new BackoffSettings(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), jitter, WaitTimeout: TimeSpan.FromSeconds(30)), _time, () => random);
}
