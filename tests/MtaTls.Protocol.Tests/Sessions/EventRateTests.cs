namespace MtaTls.Protocol.Tests;

public class EventRateTests
{
    [Fact]
    public void The_edge_of_a_second_lets_no_more_through()
    {
        var rate = new EventRate(100, ticksPerSecond: 1000);
        Assert.Equal(100, Enumerable.Range(0, 150).Count(_ => rate.TryTake(999)));
        Assert.False(rate.TryTake(1001));
        Assert.False(rate.TryTake(1998));
        Assert.Equal(100, Enumerable.Range(0, 150).Count(_ => rate.TryTake(1999)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public void In_no_second_more_than_the_limit_and_in_the_long_run_nearly_all_of_it(int limit)
    {
        const int TicksPerSecond = 10_000, Seconds = 20;
        var random = new Random(limit);
        var rate = new EventRate(limit, TicksPerSecond);
        var taken = new List<long>();
        for (long now = 0; now < Seconds * TicksPerSecond; now += random.Next(0, 4 * TicksPerSecond / limit / 10))
        {
            if (rate.TryTake(now))
            {
                taken.Add(now);
            }
        }
        for (int i = limit; i < taken.Count; i++)
        {
            Assert.True(taken[i] - taken[i - limit] >= TicksPerSecond);
        }

        Assert.True(taken.Count >= limit * Seconds * 0.9 - limit, $"{taken.Count} of {limit * Seconds}");
    }
}
