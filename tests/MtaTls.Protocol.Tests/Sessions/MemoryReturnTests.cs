using Microsoft.Extensions.Time.Testing;

namespace MtaTls.Protocol.Tests;

/// <summary>Runs alone, because the process has only one pool.</summary>
[Collection(nameof(CostTests))]
public class MemoryReturnTests
{
    [Fact]
    public void Blocks_that_nobody_has_needed_since_the_last_trim_are_given_up()
    {
        BlockPool.Trim();
        BlockPool.Trim();
        Block[] blocks = [.. Enumerable.Range(0, 500).Select(static _ => BlockPool.Rent(16 * 1024))];
        foreach (Block block in blocks)
        {
            BlockPool.Return(block);
        }

        BlockPool.Trim();   // they were needed since the last trim
        Assert.True(BlockPool.FreeBytes >= 500 * 16 * 1024);
        blocks = [.. Enumerable.Range(0, 100).Select(static _ => BlockPool.Rent(16 * 1024))];
        foreach (Block block in blocks)
        {
            BlockPool.Return(block);
        }

        Assert.True(BlockPool.Trim() >= 400 * 16 * 1024);
        Assert.InRange(BlockPool.FreeBytes, 100 * 16 * 1024, 400 * 16 * 1024);
        BlockPool.Trim();
        Assert.Equal(0, BlockPool.FreeBytes);
    }

    [Fact]
    public void What_a_flood_has_left_is_collected_once_if_no_collection_comes_by_itself()
    {
        var time = new FakeTimeProvider();
        long givenUp = 0;
        int collections = 0, asked = 0;
        bool isEmpty = false;
        using var memory = new MemoryReturn(time, () => Interlocked.Exchange(ref givenUp, 0), () => isEmpty, () => collections, () => (asked, collections) = (asked + 1, collections + 1));
        memory.SessionStarted();
        // A small amount is not worth a collection.
        Turn(MemoryReturn.WorthCollecting / 2);
        Turn(0);
        Assert.Equal(0, asked);
        // Together they are, but the runtime gets one interval first.
        Turn(MemoryReturn.WorthCollecting / 2);
        Assert.Equal(0, asked);
        collections++;
        Turn(0);
        Turn(0);
        Assert.Equal(0, asked);
        // It also runs after the last session.
        memory.SessionEnded();
        Turn(MemoryReturn.WorthCollecting);
        isEmpty = true;
        Turn(0);
        Assert.Equal(1, asked);
        Turn(0);
        Turn(0);
        Assert.Equal(1, asked);

        void Turn(long bytes)
        {
            givenUp += bytes;
            time.Advance(TimeSpan.FromSeconds(10));
        }
    }
}
