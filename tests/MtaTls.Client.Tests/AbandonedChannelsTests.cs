using Microsoft.Extensions.Time.Testing;
using MtaTls.Client.Sessions;

namespace MtaTls.Client.Tests;

public sealed class AbandonedChannelsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly AbandonedChannels _channels;
    private int _byThemselves;
    private int _asked;

    public AbandonedChannelsTests() => _channels = new AbandonedChannels(_time, () => _byThemselves, () => _asked++);

    [Fact]
    public void No_collection_is_requested_after_one_that_happened_anyway()
    {
        int seen = _channels.Collections;
        _byThemselves++;
        _channels.CollectIfDue(seen);
        Assert.Equal(0, _asked);
    }

    [Fact]
    public void A_client_that_stays_full_requests_collections_less_and_less_often()
    {
        for (int second = 0; second < 3600; second++)
        {
            _channels.CollectIfDue(_channels.Collections);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        // After 1 + 2 + 4 ... + 64 s, and then every two minutes.
        Assert.InRange(_asked, 30, 38);
    }

    [Fact]
    public void After_a_quiet_time_the_first_collection_comes_at_once()
    {
        _channels.CollectIfDue(0);
        _channels.CollectIfDue(0);
        Assert.Equal(1, _asked);
        _time.Advance(2 * AbandonedChannels.LongestPause);
        _channels.CollectIfDue(0);
        Assert.Equal(2, _asked);
        _time.Advance(AbandonedChannels.FirstPause);
        _channels.CollectIfDue(0);
        Assert.Equal(3, _asked);
    }
}
