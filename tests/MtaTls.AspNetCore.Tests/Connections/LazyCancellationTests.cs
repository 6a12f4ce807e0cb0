using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Tests.Connections;

public sealed class LazyCancellationTests
{
    private LazyCancellation _cancellation;

    [Fact]
    public void A_token_requested_before_Cancel_is_cancelled()
    {
        int called = 0;
        CancellationToken token = _cancellation.Token;
        using CancellationTokenRegistration registration = token.Register(() => called++);
        Assert.Equal(token, _cancellation.Token);
        Assert.False(token.IsCancellationRequested);
        _cancellation.Cancel();
        _cancellation.Cancel();
        Assert.True(token.IsCancellationRequested);
        Assert.Equal(1, called);
    }

    [Fact]
    public void A_token_requested_after_Cancel_is_already_cancelled()
    {
        _cancellation.Cancel();
        Assert.True(_cancellation.Token.IsCancellationRequested);
    }

    [Fact]
    public async Task A_token_requested_during_Cancel_is_not_missed()
    {
        for (int i = 0; i < 1000; i++)
        {
            _cancellation = default;
            Task<CancellationToken> asking = Task.Run(() => _cancellation.Token);
            _cancellation.Cancel();
            Assert.True((await asking).IsCancellationRequested);
        }
    }
}
