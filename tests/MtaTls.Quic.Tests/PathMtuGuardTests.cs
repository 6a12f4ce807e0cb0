using MtaTls.Quic.Ngtcp2;

namespace MtaTls.Quic.Tests;

/// <summary>The guard alone: its limit and its probes after packets were acknowledged or lost.</summary>
public class PathMtuGuardTests
{
    private const int PathMaximum = 1444;
    private readonly PathMtuGuard _guard = new();
    private ulong _id;

    [Fact]
    public void Loss_among_packets_of_one_size_starts_no_probe()
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
    public void Loss_of_only_large_packets_starts_a_probe_and_changes_nothing_if_the_probe_arrives()
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
    public void The_search_finds_the_new_size_and_never_exceeds_it(int path)
    {
        Suspect();
        Search(path);
        Assert.True(_guard.IsSettled);
        Assert.InRange(_guard.Limit, path - 48, path);
        Assert.True(_guard.Limit >= 1200);
    }

    [Theory]
    [InlineData(1200)]
    [InlineData(1272)]
    [InlineData(1400)]
    public void A_search_loses_only_the_probes_of_one_size(int path)
    {
        // Lost probes count for the congestion control of ngtcp2.
        Suspect();
        Assert.InRange(Search(path), 3, 6); // Three show that the size is too large.
        Assert.True(_guard.Check(PathMaximum, 601_000_000_000));
        Assert.InRange(Search(path), 0, 3);
    }

    [Fact]
    public void During_the_search_packets_have_the_size_that_all_paths_carry()
    {
        Suspect();
        for (int i = 0; i < 3; i++)
        {
            Probe(arrives: false);
        }

        Assert.Equal((false, 1200), (_guard.IsSettled, _guard.Limit));
    }

    [Fact]
    public void A_larger_path_MTU_is_found_after_ten_minutes()
    {
        Suspect();
        while (_guard.WantedProbe > 0)
        {
            Probe(arrives: false);
        }

        Assert.Equal(1200, _guard.Limit);
        Assert.False(_guard.Check(PathMaximum, 599_000_000_000));
        Assert.True(_guard.Check(PathMaximum, 601_000_000_000));
        Assert.Equal(1232, _guard.WantedProbe);
        Assert.Equal(0, Search(PathMaximum));
        Assert.Equal((true, int.MaxValue), (_guard.IsSettled, _guard.Limit));
    }

    [Fact]
    public void The_largest_size_of_a_path_is_tried_although_it_is_unusual()
    {
        Suspect();
        Search(1300);
        Assert.Equal(1292, _guard.Limit);
        _guard.Check(1410, 601_000_000_000);
        for (int i = 0; _guard.WantedProbe > 0; i++)
        {
            Assert.True(i < 30);
            _guard.OnProbeSent(++_id, _guard.WantedProbe, deadline: 1000);
            _guard.OnAcknowledged(_id, 1, 1410, 0);
        }

        Assert.Equal(int.MaxValue, _guard.Limit);
    }

    [Fact]
    public void A_path_without_any_answer_changes_no_size()
    {
        Suspect();
        for (int i = 0; i < 10; i++)
        {
            _guard.OnProbeSent(++_id, _guard.WantedProbe, deadline: 100);
            Assert.False(_guard.Check(PathMaximum, 200));
        }

        Assert.Equal(int.MaxValue, _guard.Limit);
    }

    /// <summary>Answers probes up to a size until the search ends. Returns the number of lost probes.</summary>
    private int Search(int path)
    {
        int lost = 0;
        for (int probes = 0; _guard.WantedProbe > 0; probes++)
        {
            Assert.True(probes < 30);
            bool arrives = _guard.WantedProbe <= path;
            lost += arrives ? 0 : 1;
            Probe(arrives);
        }

        return lost;
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
