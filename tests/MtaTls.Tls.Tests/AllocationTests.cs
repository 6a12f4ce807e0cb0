using System.IO.Pipelines;
using System.Security.Authentication;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>What the data path allocates. Alone: other tests' collections empty the pools that it lives from.</summary>
[Collection("Serial")]
public class AllocationTests
{
    /// <summary>Reading and writing a record costs no garbage: neither when data is there nor when it has to be waited for.</summary>
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

        // The first rounds fill the pools, and a full collection may empty them: one round without garbage says that none is made.
        long[] rounds = await Task.Run(() => Enumerable.Range(0, 5).Select(_ => Round()).ToArray());
        Assert.Contains(0, rounds);

        long Round()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1_000; i++)
            {
                // Odd turns wait for the data, even turns find it there. All is inline: one thread does everything.
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
#pragma warning disable CA1515 // Made by xunit.
public class SerialCollection
#pragma warning restore CA1515
{
}
