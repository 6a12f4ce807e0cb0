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
    public void Channels_are_taken_in_the_order_of_their_opens_and_not_too_early()
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
    public void A_channel_is_removed_once_from_any_position(int which)
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
