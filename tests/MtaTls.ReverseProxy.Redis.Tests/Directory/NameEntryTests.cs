using MtaTls.ReverseProxy.Redis.Directory;

namespace MtaTls.ReverseProxy.Redis.Tests.Directory;

public sealed class NameEntryTests
{
    [Fact]
    public async Task A_name_is_read_again_after_an_exception()
    {
        NameEntry entry = new("plant7.internal");
        await Assert.ThrowsAsync<InvalidOperationException>(() => entry.LoadAsync(static _ => throw new InvalidOperationException("A subscriber failed."), isNews: false).Soon());
        Assert.False(entry.IsLoading);
        Assert.True(await entry.LoadAsync(static _ => Task.FromResult(true), isNews: false).Soon());
    }

    [Fact]
    public async Task A_name_that_changes_during_a_read_is_read_once_more()
    {
        NameEntry entry = new("plant7.internal");
        TaskCompletionSource<bool> first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int reads = 0;
        Task<bool> Read(NameEntry _) => Interlocked.Increment(ref reads) == 1 ? first.Task : Task.FromResult(true);
        Task<bool> loaded = entry.LoadAsync(Read, isNews: false);
        Assert.Same(loaded, entry.LoadAsync(Read, isNews: true));
        first.SetResult(true);
        Assert.True(await loaded.Soon());
        Assert.Equal(2, reads);
        Assert.False(entry.IsLoading);
    }
}
