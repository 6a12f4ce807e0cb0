using System.Buffers;
using System.IO.Pipelines;

namespace MtaTls.Protocol.Tests;

/// <summary>Connects two transports by a relay that splits the data into pieces of random length and lets other work run between them.</summary>
internal sealed class ChaoticLink
{
    public ChaoticLink(int seed)
    {
        (IDuplexPipe clientEnd, IDuplexPipe clientFar) = DuplexPipe.CreatePair(new PipeOptions(pauseWriterThreshold: 8192, resumeWriterThreshold: 4096));
        (IDuplexPipe serverEnd, IDuplexPipe serverFar) = DuplexPipe.CreatePair(new PipeOptions(pauseWriterThreshold: 8192, resumeWriterThreshold: 4096));
        Client = new PipeTransport(clientEnd);
        Server = new PipeTransport(serverEnd);
        _ = RelayAsync(clientFar.Input, serverFar.Output, new Random(seed));
        _ = RelayAsync(serverFar.Input, clientFar.Output, new Random(~seed));
    }

    public PipeTransport Client { get; }

    public PipeTransport Server { get; }

    private static async Task RelayAsync(PipeReader from, PipeWriter to, Random random)
    {
        Exception? error = null;
        try
        {
            while (true)
            {
                ReadResult result = await from.ReadAsync();
                if (result.IsCompleted && result.Buffer.IsEmpty)
                {
                    break;
                }
                // Mostly pieces of about a record, sometimes of a few bytes or of one.
                int piece = random.Next(10) switch { 0 => 1, 1 => random.Next(1, 16), 2 or 3 => random.Next(1, 1500), _ => random.Next(1, 40_000) };
                ReadOnlySequence<byte> part = result.Buffer.Slice(0, Math.Min(piece, result.Buffer.Length));
                foreach (ReadOnlyMemory<byte> segment in part)
                {
                    to.Write(segment.Span);
                }

                from.AdvanceTo(part.End);
                if ((await to.FlushAsync()).IsCompleted)
                {
                    break;
                }

                for (int yields = random.Next(4); yields > 0; yields--)
                {
                    await Task.Yield();
                }
            }
        }
        catch (Exception e)
        {
            error = e;
        }
        await to.CompleteAsync(error);
        await from.CompleteAsync(error);
    }
}
