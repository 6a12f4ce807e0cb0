using MtaTls.Quic.Ngtcp2;

namespace MtaTls.Quic.Tests;

/// <summary>A path of 1 MB/s and 20 ms, whose acknowledgements the test makes up.</summary>
public class PathModelTests
{
    private const ulong Millisecond = 1_000_000;
    private readonly PathModel _path = new();
    private long _delivered;

    [Fact]
    public void What_arrives_in_a_round_trip_is_the_rate()
    {
        Run(milliseconds: 1000, rtt: 20);
        Assert.InRange(_path.Rate, 0.9e6, 1.1e6);
    }

    [Fact]
    public void No_more_is_under_way_than_the_path_holds_and_a_little()
    {
        Assert.True(_path.MostInFlight > 1_000_000); // Nothing is known yet.
        Run(milliseconds: 1000, rtt: 20);
        Assert.InRange(_path.MostInFlight, 25_000, 32_000);
    }

    [Fact]
    public void A_round_trip_that_has_become_longer_is_believed_after_a_while()
    {
        Run(milliseconds: 1000, rtt: 20);
        Run(milliseconds: 12_000, rtt: 80, from: 2000);
        Assert.True(_path.MostInFlight > 85_000);
    }

    private void Run(int milliseconds, int rtt, int from = 100)
    {
        for (int i = 0; i < milliseconds; i++)
        {
            _delivered += 1000;
            ulong now = (ulong)(from + i) * Millisecond;
            _path.OnDelivered(_delivered, _delivered - (1000 * rtt), now - ((ulong)rtt * Millisecond), now, (ulong)rtt * Millisecond);
        }
    }
}
