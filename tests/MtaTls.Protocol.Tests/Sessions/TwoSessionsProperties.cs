using System.Buffers;
using System.IO.Pipelines;
using FsCheck;
using FsCheck.Xunit;

namespace MtaTls.Protocol.Tests;

/// <summary>Two sessions with random operations over a link that delays and splits data: no byte is lost or reordered, and no end waits forever.</summary>
public class TwoSessionsProperties
{
    [Property(MaxTest = 25)]
    public async Task Random_operations_never_deadlock_lose_or_reorder(int seed, PositiveInt[] channels)
    {
        var random = new Random(seed);
        var link = new ChaoticLink(seed);
        await using var pair = SessionPair.Create(link.Client, link.Server, Options(random), Options(random));
        var accepting = Task.WhenAll(ServeAsync(pair.Client), ServeAsync(pair.Server));
        Task[] opened = [.. channels.Take(24).Select((c, i) => OpenAsync(i % 3 == 0 ? pair.Server : pair.Client, c.Get ^ seed))];
        await Task.WhenAll(opened).WaitAsync(SessionPair.HangTimeout);
        await Task.WhenAll(pair.Client.ShutdownAsync(), pair.Server.ShutdownAsync()).WaitAsync(SessionPair.HangTimeout);
        await accepting.WaitAsync(SessionPair.HangTimeout);
        await pair.Client.Completion;
        await pair.Server.Completion;
        foreach (MtaTlsSession session in new[] { pair.Client, pair.Server })
        {
            MtaTlsSessionStatistics statistics = session.GetStatistics();
            Assert.Equal(0, statistics.ActiveChannels);
            Assert.Equal(0, statistics.ChannelErrors);
            Assert.Equal(0, session.Budget.SharedReserved);
        }
    }

    /// <summary>Limits so small that windows are often used up and packets are often cut.</summary>
    private static MtaTlsSessionOptions Options(Random random) => new()
    {
        Limits =
        {
            MaxChannelsPerSession = 30,
            SessionReceiveBudget = 30 * 4096 + random.Next(200_000),
            InitialWindowSize = random.Next(4096, 100_000),
            MaxPacketLength = random.Next(1, 30_000),
            OutputBufferSize = random.Next(1, 100_000),
        },
    };

    private static async Task ServeAsync(MtaTlsSession session)
    {
        var serving = new List<Task>();
        while (await session.AcceptChannelAsync() is { } request)
        {
            serving.Add(RunAsync(request.Accept(), request.Destination.Port));
        }

        await Task.WhenAll(serving);
    }

    private static async Task OpenAsync(MtaTlsSession session, int choice)
    {
        // The port tells the other end the plan.
        int plan = choice & 0xFFFF;
        MtaTlsChannel channel = await session.OpenChannelAsync(SessionPair.Source, new ChannelAddress("plan.example", plan));
        await RunAsync(channel, plan);
    }

    /// <summary>The plan of a channel, which both ends know: how much each sends, and whether the acceptor aborts.</summary>
    private static async Task RunAsync(MtaTlsChannel channel, int plan)
    {
        var shared = new Random(plan);
        int fromOpener = shared.Next(4) == 0 ? 0 : shared.Next(60_000);
        int fromAcceptor = shared.Next(4) == 0 ? 0 : shared.Next(60_000);
        bool breaksOff = shared.Next(8) == 0;
        bool opener = channel.IsOwn;
        var own = new Random(plan ^ (opener ? 1 : 2));
        if (breaksOff && !opener)
        {
            await WriteAsync(channel.Output, plan, own.Next(fromAcceptor + 1), opener, own);
            if (own.Next(2) == 0)
            {
                channel.Abort();
            }

            await channel.DisposeAsync();
            return;
        }
        Task writing = WriteAsync(channel.Output, plan, opener ? fromOpener : fromAcceptor, opener, own);
        int expected = opener ? fromAcceptor : fromOpener;
        int read = await ReadAsync(channel.Input, plan, expected, !opener, new Random(plan ^ (opener ? 3 : 4)));
        if (!breaksOff)
        {
            Assert.Equal(expected, read);
        }

        await writing;
        if (opener || breaksOff)
        {
            await channel.DisposeAsync();
            return;
        }
        // The opener closes. Otherwise it could lose data that is still on its way.
        ReadResult end = await channel.Input.ReadAsync();
        Assert.True(end is { IsCompleted: true, Buffer.IsEmpty: true });
        await channel.DisposeAsync();
    }

    /// <summary>Returns the byte at a position of the stream that an end sends.</summary>
    private static byte OctetAt(int plan, bool opener, int position) => (byte)(plan + (opener ? 7 : 13) * position + (position >> 8));

    private static async Task WriteAsync(PipeWriter output, int plan, int count, bool opener, Random random)
    {
        int position = 0;
        while (position < count)
        {
            int piece = Math.Min(count - position, random.Next(3) == 0 ? random.Next(1, 20) : random.Next(1, 20_000));
            Memory<byte> memory = output.GetMemory(random.Next(2) == 0 ? 0 : piece);
            piece = Math.Min(piece, memory.Length);
            for (int i = 0; i < piece; i++)
            {
                memory.Span[i] = OctetAt(plan, opener, position + i);
            }

            output.Advance(piece);
            position += piece;
            if (random.Next(3) > 0 && (await output.FlushAsync()).IsCompleted)
            {
                return;
            }

            if (random.Next(4) == 0)
            {
                await Task.Yield();
            }
        }
        await output.FlushAsync();
    }

    private static async Task<int> ReadAsync(PipeReader input, int plan, int expected, bool fromOpener, Random random)
    {
        int position = 0;
        while (position < expected)
        {
            ReadResult result = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            // Consume a part. Examine only that part, more, or everything.
            long consumed = random.NextInt64(buffer.Length + 1);
            if (result.IsCompleted)
            {
                consumed = buffer.Length;
            }

            int at = position;
            foreach (ReadOnlyMemory<byte> segment in buffer.Slice(0, consumed))
            {
                foreach (byte octet in segment.Span)
                {
                    Assert.Equal(OctetAt(plan, fromOpener, at++), octet);
                }
            }
            position += (int)consumed;
            bool wait = random.Next(2) == 0 && position + (buffer.Length - consumed) < expected;
            input.AdvanceTo(buffer.GetPosition(consumed), wait ? buffer.End : buffer.GetPosition(consumed));
            if (result.IsCompleted)
            {
                break;
            }

            if (random.Next(4) == 0)
            {
                await Task.Yield();
            }
        }
        return position;
    }
}
