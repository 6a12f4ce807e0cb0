using MtaTls.Quic.Ngtcp2;

namespace MtaTls.Quic.Tests;

/// <summary>The guard alone: what it hears of packets, and what it makes of it.</summary>
public class PathMtuGuardTests
{
    private const int PathMaximum = 1444;
    private readonly PathMtuGuard _guard = new();
    private ulong _id;

    [Fact]
    public void Loss_among_packets_of_one_size_is_no_sign()
    {
        for (int i = 0; i < 100; i++)
        {
            Lose(1400);
            Lose(1400);
            Arrive(1400);
            Lose(300);
        }

        Assert.Equal(0, _guard.WantedProbe);
        Assert.Equal(int.MaxValue, _guard.Limit);
    }

    [Fact]
    public void Large_packets_that_are_lost_while_smaller_ones_arrive_are_a_sign_that_a_probe_can_take_back()
    {
        Suspect();
        Assert.Equal(PathMaximum, _guard.WantedProbe);
        Assert.True(_guard.IsSettled);
        Probe(arrives: true);
        Assert.Equal((0, int.MaxValue), (_guard.WantedProbe, _guard.Limit));
    }

    [Theory]
    [InlineData(1200)]
    [InlineData(1252)]
    [InlineData(1272)]
    [InlineData(1320)]
    [InlineData(1443)]
    public void The_new_size_is_found_and_no_packet_is_larger(int path)
    {
        Suspect();
        int probes = 0;
        while (_guard.WantedProbe > 0)
        {
            Probe(arrives: _guard.WantedProbe <= path);
            Assert.True(++probes < 30);
        }

        Assert.True(_guard.IsSettled);
        Assert.InRange(_guard.Limit, path - 48, path);
        Assert.True(_guard.Limit >= 1200);
    }

    [Fact]
    public void While_the_size_is_looked_for_the_smallest_that_all_paths_carry_is_used()
    {
        Suspect();
        for (int i = 0; i < 3; i++)
        {
            Probe(arrives: false);
        }

        Assert.Equal((false, 1200), (_guard.IsSettled, _guard.Limit));
    }

    [Fact]
    public void A_path_that_became_wider_again_is_found_out_after_ten_minutes()
    {
        Suspect();
        while (_guard.WantedProbe > 0)
        {
            Probe(arrives: false);
        }

        Assert.Equal(1200, _guard.Limit);
        Assert.False(_guard.Check(PathMaximum, 599_000_000_000));
        Assert.True(_guard.Check(PathMaximum, 601_000_000_000));
        Assert.Equal(PathMaximum, _guard.WantedProbe);
        Probe(arrives: true);
        Assert.Equal((true, int.MaxValue), (_guard.IsSettled, _guard.Limit));
    }

    [Fact]
    public void A_silent_path_says_nothing_of_sizes()
    {
        Suspect();
        for (int i = 0; i < 10; i++)
        {
            _guard.OnProbeSent(++_id, _guard.WantedProbe, deadline: 100);
            Assert.False(_guard.Check(PathMaximum, 200));
        }

        Assert.Equal(int.MaxValue, _guard.Limit);
    }

    private void Suspect()
    {
        for (int i = 0; i < 3; i++)
        {
            Arrive(1000);
            Lose(1400);
        }
    }

    private void Arrive(int size) => _guard.OnAcknowledged(++_id, size, PathMaximum, 0);

    private void Lose(int size) => _guard.OnLost(++_id, size, PathMaximum, 0);

    private void Probe(bool arrives)
    {
        _guard.OnProbeSent(++_id, _guard.WantedProbe, deadline: 1000);
        if (arrives)
        {
            _guard.OnAcknowledged(_id, 1, PathMaximum, 0);
        }
        else
        {
            _guard.OnLost(_id, 1, PathMaximum, 0);
        }
    }
}
