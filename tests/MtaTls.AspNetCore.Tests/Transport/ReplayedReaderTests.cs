using System.Buffers;
using System.IO.Pipelines;
using FsCheck.Xunit;
using MtaTls.AspNetCore.Transport;

namespace MtaTls.AspNetCore.Tests.Transport;

/// <summary>Bytes that were read before and later bytes are one stream, however it is read.</summary>
public sealed class ReplayedReaderTests
{
    [Property]
    public async Task Whatever_is_consumed_and_examined_no_octet_is_lost_or_comes_twice(byte[] first, byte[][] rest, int seed)
    {
        byte[] all = [.. first, .. rest.SelectMany(static r => r ?? [])];
        Assert.Equal(all, await ReadAsync(first, rest, new Random(seed)));
    }

    [Fact]
    public async Task The_first_bytes_are_returned_at_once_and_the_next_after_they_were_examined()
    {
        Pipe pipe = new();
        ReplayedReader reader = new(new byte[] { 1, 2 }, pipe.Reader);
        Assert.True(reader.TryRead(out ReadResult result));
        Assert.Equal([1, 2], result.Buffer.ToArray());
        reader.AdvanceTo(result.Buffer.GetPosition(1), result.Buffer.End);
        Assert.False(reader.TryRead(out _));
        ValueTask<ReadResult> read = reader.ReadAsync();
        Assert.False(read.IsCompleted);
        await pipe.Writer.WriteAsync(new byte[] { 3 });
        result = await read;
        Assert.Equal([2, 3], result.Buffer.ToArray());
        // Bytes that were not examined are returned again without waiting.
        reader.AdvanceTo(result.Buffer.GetPosition(1), result.Buffer.GetPosition(1));
        result = await reader.ReadAsync();
        Assert.Equal([3], result.Buffer.ToArray());
        reader.AdvanceTo(result.Buffer.End);
        await pipe.Writer.CompleteAsync();
        Assert.True((await reader.ReadAsync()).IsCompleted);
    }

    [Fact]
    public async Task A_read_that_waits_for_the_rest_can_be_cancelled()
    {
        ReplayedReader reader = new(new byte[] { 1 }, new Pipe().Reader);
        ReadResult result = await reader.ReadAsync();
        reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        ValueTask<ReadResult> read = reader.ReadAsync();
        reader.CancelPendingRead();
        result = await read;
        Assert.True(result.IsCanceled);
        Assert.Equal([1], result.Buffer.ToArray());
        // Not examined this time, so the next read need not wait.
        reader.AdvanceTo(result.Buffer.Start, result.Buffer.Start);
        Assert.True(reader.TryRead(out result));
        Assert.Equal([1], result.Buffer.ToArray());
    }

    private static async Task<byte[]> ReadAsync(byte[] first, byte[][] rest, Random random)
    {
        Pipe pipe = new(new PipeOptions(minimumSegmentSize: 4));
        PipeReader reader = new ReplayedTransport(first, new Duplex(pipe)).Input;
        Task writing = WriteAsync(pipe.Writer, rest);
        List<byte> read = [];
        while (true)
        {
            ReadResult result = random.Next(2) == 0 && reader.TryRead(out ReadResult now) ? now : await reader.ReadAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (result.IsCompleted && buffer.IsEmpty)
            {
                break;
            }

            int consumed = random.Next((int)buffer.Length + 1);
            // At the end no further data could wake a reader that has examined all.
            int examined = result.IsCompleted ? Math.Max(consumed, 1) : random.Next(consumed, (int)buffer.Length + 1);
            consumed = result.IsCompleted ? examined : consumed;
            read.AddRange(buffer.Slice(0, consumed).ToArray());
            reader.AdvanceTo(buffer.GetPosition(consumed), buffer.GetPosition(examined));
        }

        await writing;
        return [.. read];
    }

    private static async Task WriteAsync(PipeWriter writer, byte[][] pieces)
    {
        foreach (byte[] piece in pieces)
        {
            await Task.Yield();
            await writer.WriteAsync(piece ?? []);
        }

        await writer.CompleteAsync();
    }

    private sealed class Duplex(Pipe pipe) : IDuplexPipe
    {
        public PipeReader Input => pipe.Reader;

        public PipeWriter Output => pipe.Writer;
    }
}
