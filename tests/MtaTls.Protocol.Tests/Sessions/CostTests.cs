using System.IO.Pipelines;

namespace MtaTls.Protocol.Tests;

/// <summary>Runs alone: it measures what the process allocates.</summary>
[CollectionDefinition(nameof(CostTests), DisableParallelization = true)]
public class CostTestsCollection;

/// <summary>The memory that a packet and an idle channel cost.</summary>
[Collection(nameof(CostTests))]
public class CostTests
{
    private static readonly TimeSpan s_hang = SessionPair.HangTimeout;

    [Theory]
    [InlineData(16_375)]
    [InlineData(100)]
    public async Task Data_packets_allocate_nothing_at_either_end(int packetLength)
    {
        const int Packets = 20_000;
        // Segments of the size of a record: with segments of 4 KiB the pipes below would allocate for each record.
        (IDuplexPipe a, IDuplexPipe b) = DuplexPipe.CreatePair(new PipeOptions(minimumSegmentSize: 16 * 1024, pauseWriterThreshold: 512 * 1024));
        await using var pair = SessionPair.Create(new PipeTransport(a), new PipeTransport(b));
        (MtaTlsChannel client, MtaTlsChannel server) = await pair.OpenAsync();
        long best = long.MaxValue;
        // The first rounds fill the pools and compile. The best round counts, so that a background allocation does not fail the test.
        for (int round = 0; round < 50 && best >= Packets; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            var writing = Task.Run(() => WriteAsync(client.Output, packetLength, Packets));
            var reading = Task.Run(() => FlowControlTests.ReadExactlyAsync(server.Input, (long)packetLength * Packets));
            await Task.WhenAll(writing, reading).WaitAsync(s_hang);
            best = Math.Min(best, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        // Less than one byte per packet. The rest is the cost of starting two tasks, and of buffers that a pool did not have.
        Assert.True(best < Packets, $"{best} octets were allocated for {Packets} packets");
    }

    private static async Task WriteAsync(PipeWriter output, int packetLength, int packets)
    {
        for (int i = 0; i < packets; i++)
        {
            output.GetMemory(packetLength);
            output.Advance(packetLength);
            await output.FlushAsync();
        }
    }

    [Fact]
    public async Task A_channel_that_has_not_spoken_costs_at_most_1_KiB_at_each_end()
    {
        // A round can collect objects of earlier tests, and measure too little. Then the next round counts.
        long each = 0;
        for (int round = 0; round < 10 && each is < 100 or > 1024; round++)
        {
            each = await MeasureSilentChannelAsync();
        }

        Assert.InRange(each, 100, 1024);
    }

    private static async Task<long> MeasureSilentChannelAsync()
    {
        const int Channels = 4_000;
        var accepted = new List<MtaTlsChannel>(Channels);
        await using var peer = RawPeer.Create(configure: o => o.ChannelRequested = request =>
        {
            MtaTlsChannel channel = request.Accept();
            channel.OnReadable(static (_, _) => { }, null);
            channel.OnClosed(static (_, _, _) => { }, null);
            accepted.Add(channel);
        });
        await OpenAsync(1, 100);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await OpenAsync(101, Channels);
        long each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Channels;
        GC.KeepAlive(accepted);
        return each;

        async Task OpenAsync(int first, int count)
        {
            for (int i = first; i < first + count; i++)
            {
                await peer.SendAsync(RawPeer.Request((ushort)i));
            }

            for (int i = 0; i < count; i++)
            {
                await peer.ReceiveAsync(PacketType.ChannelEstablishmentSuccess);
            }
        }
    }
}
