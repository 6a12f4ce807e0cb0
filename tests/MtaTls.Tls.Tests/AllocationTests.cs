using System.IO.Pipelines;
using System.Security.Authentication;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>What the data path allocates. Runs alone, because garbage collections of other tests empty the pools that it uses.</summary>
[Collection("Serial")]
public class AllocationTests
{
    /// <summary>Reading and writing a record allocates nothing, when data has arrived already and when the read has to wait.</summary>
    [Theory]
    [InlineData(SslProtocols.Tls12, 100)]
    [InlineData(SslProtocols.Tls13, 100)]
    [InlineData(SslProtocols.Tls12, 16_384)]
    [InlineData(SslProtocols.Tls13, 16_384)]
    public async Task Data_path_allocates_nothing(SslProtocols version, int size)
    {
        using TlsServerContext server = TlsTest.Server(version);
        using TlsClientContext client = TlsTest.Client(version);
        var options = new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);
        await using Pair pair = await TlsTest.ConnectAsync(client, server, DuplexPipe.InMemory(options));
        byte[] data = new byte[size];
        byte[] buffer = new byte[size];

        // The first rounds fill the pools, and a full collection can empty them. One round without allocations shows that none are needed.
        long[] rounds = await Task.Run(() => Enumerable.Range(0, 5).Select(_ => Round()).ToArray());
        Assert.Contains(0, rounds);

        long Round()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1_000; i++)
            {
                // Odd turns wait for the data, even turns find it there. Everything runs inline, on one thread.
                ValueTask<int> early = i % 2 == 1 ? pair.Server.ReadAsync(buffer) : default;
                pair.Client.GetMemory(10);
                pair.Client.Advance(10);
                pair.Client.Write(data.AsSpan(10));
                ValueTask flush = pair.Client.FlushAsync();
                Assert.True(flush.IsCompletedSuccessfully);
                flush.GetAwaiter().GetResult();
                int got = 0;
                if (i % 2 == 1)
                {
                    got = early.GetAwaiter().GetResult();
                }

                while (got < size)
                {
                    ValueTask<int> read = pair.Server.ReadAsync(buffer);
                    Assert.True(read.IsCompletedSuccessfully);
                    got += read.GetAwaiter().GetResult();
                }
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}

[CollectionDefinition("Serial", DisableParallelization = true)]
#pragma warning disable CA1515 // xunit creates it.
public class SerialCollection
#pragma warning restore CA1515
{
}
