using System.Net;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Client.Sessions;

namespace MtaTls.Client.Tests;

/// <summary>Endpoints that have sent a go-away are tried last until they have stopped.</summary>
public sealed class EndpointOrderTests
{
    private static readonly DnsEndPoint s_first = new("a.test", 1), s_second = new("b.test", 2), s_third = new("c.test", 3);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void An_endpoint_that_sent_a_go_away_comes_last_until_it_has_stopped()
    {
        EndpointOrder order = new([s_first, s_second, s_third], _time);
        Assert.Equal([s_first, s_second, s_third], order.Now());
        order.WentAway(s_first, TimeSpan.FromSeconds(20));
        Assert.Equal([s_second, s_third, s_first], order.Now());
        order.WentAway(s_second, TimeSpan.FromSeconds(30));
        Assert.Equal([s_third, s_first, s_second], order.Now());
        _time.Advance(TimeSpan.FromSeconds(21));
        Assert.Equal([s_first, s_third, s_second], order.Now());
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal([s_first, s_second, s_third], order.Now());
    }

    [Fact]
    public void An_endpoint_that_stops_at_once_comes_last_for_a_short_time()
    {
        EndpointOrder order = new([s_first, s_second], _time);
        order.WentAway(s_first, TimeSpan.Zero);
        Assert.Equal([s_second, s_first], order.Now());
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal([s_first, s_second], order.Now());
    }
}
