using System.Buffers;
using System.IO.Pipelines;
using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;
using MtaTls.AspNetCore.Identities;

namespace MtaTls.AspNetCore.Tests.Identities;

/// <summary>The bandwidth limit of an identity: the rate holds, no data is lost, and reads and flushes that need not wait allocate nothing.</summary>
public sealed class PacedPipeTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_quarter_of_a_second_may_be_taken_in_advance_and_then_the_rate_holds()
    {
        Pace pace = new(_time);
        Assert.True(pace.Take(250, 1000) <= _time.GetTimestamp());
        long due = pace.Take(500, 1000);
        Assert.Equal(TimeSpan.FromMilliseconds(500), _time.GetElapsedTime(_time.GetTimestamp(), due));
        Assert.True(pace.IsAhead);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(pace.IsAhead);

        // Unused time does not accumulate.
        Assert.True(pace.Take(250, 1000) <= _time.GetTimestamp());
        Assert.True(pace.Take(1, 1000) > _time.GetTimestamp());
    }

    [Property]
    public async Task However_it_is_read_no_byte_is_lost_and_the_rate_holds(byte[][] writes, int seed)
    {
        const long Rate = 4096;
        Random random = new(seed);
        byte[] all = [.. writes.SelectMany(static w => w ?? []), .. Enumerable.Range(0, 6000).Select(static i => (byte)i)];
        Pipe pipe = new(new PipeOptions(pauseWriterThreshold: 0, minimumSegmentSize: 100));
        await pipe.Writer.WriteAsync(all);
        await pipe.Writer.CompleteAsync();
        PacedReader reader = new(pipe.Reader, new Pace(_time), Rate, new PaceDelay(_time), _time, null);
        DateTimeOffset began = _time.GetUtcNow();
        List<byte> read = [];
        while (true)
        {
            ReadResult result = await ReadAsync(reader, random);
            Assert.True(read.Count + result.Buffer.Length <= (Rate / 4) + 1024 + (long)((_time.GetUtcNow() - began).TotalSeconds * Rate), "Faster than the rate.");
            if (result.IsCanceled)
            {
                reader.AdvanceTo(result.Buffer.Start);
                continue;
            }

            int consumed = random.Next((int)result.Buffer.Length + 1);
            read.AddRange(result.Buffer.Slice(0, consumed).ToArray());
            reader.AdvanceTo(result.Buffer.GetPosition(consumed), random.Next(2) == 0 ? result.Buffer.End : result.Buffer.GetPosition(consumed));
            if (result.IsCompleted && consumed == result.Buffer.Length)
            {
                break;
            }
        }

        Assert.Equal(all, read);
        Assert.True((_time.GetUtcNow() - began).TotalSeconds >= ((double)(all.Length - (Rate / 4)) / Rate) - 0.001);
    }

    [Fact]
    public async Task A_waiting_read_can_be_cancelled_and_the_next_read_gets_the_bytes_in_time()
    {
        Pipe pipe = new();
        await pipe.Writer.WriteAsync(new byte[3000]);
        PacedReader reader = new(pipe.Reader, new Pace(_time), 4096, new PaceDelay(_time), _time, null);
        ReadResult result = await reader.ReadAsync();
        Assert.Equal(1024, result.Buffer.Length);
        reader.AdvanceTo(result.Buffer.End);

        using CancellationTokenSource stop = new();
        Task<ReadResult> read = reader.ReadAsync(stop.Token).AsTask();
        Assert.False(read.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);

        read = reader.ReadAsync().AsTask();
        reader.CancelPendingRead();
        result = await read;
        Assert.True(result.IsCanceled);
        Assert.True(result.Buffer.IsEmpty);
        reader.AdvanceTo(result.Buffer.Start);
        Assert.False(reader.TryRead(out _));

        read = reader.ReadAsync().AsTask();
        Assert.False(read.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(250));
        result = await read;
        Assert.False(result.IsCanceled);
        Assert.Equal(1024, result.Buffer.Length);
        reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);

        // Data that the reader has held back is not counted again.
        _time.Advance(TimeSpan.FromMilliseconds(250));
        result = await reader.ReadAsync();
        Assert.Equal(1976, result.Buffer.Length);
    }

    [Fact]
    public async Task A_flush_waits_until_its_time_and_after_a_cancellation_the_next_flush_sends_the_bytes()
    {
        Pipe pipe = new();
        PacedWriter writer = new(pipe.Writer, new Pace(_time), 4096, new PaceDelay(_time), _time, null);
        await writer.WriteAsync(new byte[1024]);
        Assert.Equal(1024, (await pipe.Reader.ReadAsync()).Buffer.Length);
        pipe.Reader.AdvanceTo(default);

        Task<FlushResult> flush = writer.WriteAsync(new byte[2048]).AsTask();
        Assert.False(flush.IsCompleted);
        writer.CancelPendingFlush();
        Assert.True((await flush).IsCanceled);
        flush = writer.FlushAsync().AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(flush.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.False((await flush).IsCanceled);
        Assert.Equal(3072, (await pipe.Reader.ReadAsync()).Buffer.Length);
    }

    [Fact]
    public async Task Waits_end_when_the_channel_fails()
    {
        Pipe pipe = new(new PipeOptions(pauseWriterThreshold: 0));
        PaceDelay delay = new(_time);
        PacedWriter writer = new(pipe.Writer, new Pace(_time), 4096, delay, _time, null);
        Task<FlushResult> flush = writer.WriteAsync(new byte[1_000_000]).AsTask();
        Assert.False(flush.IsCompleted);
        delay.Dispose();
        await flush;
        await writer.WriteAsync(new byte[1_000_000]);
    }

    [Fact]
    public void Reads_and_flushes_that_need_not_wait_allocate_nothing()
    {
        Pipe pipe = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
        Pace pace = new(TimeProvider.System);
        PacedReader reader = new(pipe.Reader, pace, MtaTlsIdentityLimitOptions.MostRate, new PaceDelay(TimeProvider.System), TimeProvider.System, null);
        PacedWriter writer = new(pipe.Writer, pace, MtaTlsIdentityLimitOptions.MostRate, new PaceDelay(TimeProvider.System), TimeProvider.System, null);
        Run(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(10_000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);

        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                writer.GetMemory(1000);
                writer.Advance(1000);
#pragma warning disable CA2012 // The tasks have completed, and converting them would add allocations to the count.
                Assert.True(writer.FlushAsync().IsCompletedSuccessfully);
                ValueTask<ReadResult> read = reader.ReadAsync();
#pragma warning restore CA2012
                Assert.True(read.IsCompletedSuccessfully);
                reader.AdvanceTo(read.Result.Buffer.End);
            }
        }
    }

    private async Task<ReadResult> ReadAsync(PacedReader reader, Random random)
    {
        if (random.Next(3) == 0 && reader.TryRead(out ReadResult now))
        {
            return now;
        }

        ValueTask<ReadResult> read = reader.ReadAsync();
        if (!read.IsCompleted && random.Next(4) == 0)
        {
            reader.CancelPendingRead();
        }

        Task<ReadResult> task = read.AsTask();
        while (!task.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(random.Next(1, 20)));
            await Task.Yield();
        }

        return await task;
    }
}
