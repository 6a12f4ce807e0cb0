using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Tests.Connections;

public sealed class WaitingChannelsTests
{
    private readonly WaitingChannels _waiting = new();

    private ServerChannel Add(long openedAt)
    {
        ServerChannel channel = new(null!, null!, openedAt);
        _waiting.Add(channel);
        return channel;
    }

    [Fact]
    public void Those_that_wait_longest_are_taken_first_and_none_before_its_time()
    {
        ServerChannel[] channels = [Add(1), Add(2), Add(3)];
        Assert.Null(_waiting.TakeOpenedUntil(0));
        Assert.Same(channels[0], _waiting.TakeOpenedUntil(2));
        Assert.Same(channels[1], _waiting.TakeOpenedUntil(2));
        Assert.Null(_waiting.TakeOpenedUntil(2));
        Assert.Same(channels[2], _waiting.TakeOpenedUntil(long.MaxValue));
        Assert.Null(_waiting.TakeOpenedUntil(long.MaxValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void One_that_has_spoken_is_taken_once_from_wherever_it_waits(int which)
    {
        ServerChannel[] channels = [Add(1), Add(2), Add(3)];
        Assert.True(_waiting.Remove(channels[which]));
        Assert.False(_waiting.Remove(channels[which]));
        ServerChannel last = Add(4);
        foreach (ServerChannel channel in channels.Where((_, i) => i != which).Append(last))
        {
            Assert.Same(channel, _waiting.TakeOpenedUntil(long.MaxValue));
            Assert.False(_waiting.Remove(channel));
        }

        Assert.Null(_waiting.TakeOpenedUntil(long.MaxValue));
    }
}
