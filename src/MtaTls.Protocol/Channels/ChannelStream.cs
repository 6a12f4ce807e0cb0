using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.Protocol;

/// <summary>A channel as a <see cref="Stream"/>.</summary>
/// <remarks>The synchronous members block the thread, as those of network streams do. They are for callers that have no asynchronous API.</remarks>
internal sealed class ChannelStream(MtaTlsChannel channel) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = channel.Input.ReadAsync(cancellationToken);
#pragma warning disable VSTHRD103 // It has ended.
        return read.IsCompletedSuccessfully ? Take(read.Result, buffer.Span, cancellationToken) : WaitAndTakeAsync(read, buffer, cancellationToken);
#pragma warning restore VSTHRD103
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WaitAndTakeAsync(ValueTask<ReadResult> read, Memory<byte> buffer, CancellationToken cancellationToken) =>
        await Take(await read.ConfigureAwait(false), buffer.Span, cancellationToken).ConfigureAwait(false);

    private ValueTask<int> Take(ReadResult result, Span<byte> buffer, CancellationToken cancellationToken)
    {
        ReadOnlySequence<byte> taken = result.Buffer;
        if (result.IsCanceled)
        {
            channel.Input.AdvanceTo(taken.Start);
            return ValueTask.FromException<int>(new OperationCanceledException("The read was canceled.", cancellationToken));
        }
        if (taken.Length > buffer.Length)
        {
            taken = taken.Slice(0, buffer.Length);
        }

        int count = (int)taken.Length;
        taken.CopyTo(buffer);
        channel.Input.AdvanceTo(taken.End);
        return new(count);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Wait(ReadAsync(buffer.AsMemory(offset, count)));
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ValueTask<FlushResult> flush = channel.Output.WriteAsync(buffer, cancellationToken);
#pragma warning disable VSTHRD103 // It has ended.
        return flush.IsCompletedSuccessfully ? Check(flush.Result) : WaitAndCheckAsync(flush);
#pragma warning restore VSTHRD103
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask WaitAndCheckAsync(ValueTask<FlushResult> flush) =>
        await Check(await flush.ConfigureAwait(false)).ConfigureAwait(false);

    private static ValueTask Check(FlushResult result)
    {
        if (result.IsCanceled)
        {
            return ValueTask.FromException(new OperationCanceledException("The write was canceled."));
        }

        return result.IsCompleted ? ValueTask.FromException(new IOException("The channel was closed.")) : default;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        ValueTask write = WriteAsync(buffer.AsMemory(offset, count));
        if (write.IsCompleted)
        {
            write.GetAwaiter().GetResult();
        }
        else
        {
#pragma warning disable VSTHRD002 // The synchronous half of Stream, for callers that chose to wait.
            write.AsTask().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
        }
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await channel.CloseAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Begins to close the channel in order, and does not wait for the end.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ = channel.CloseAsync().AsTask();
        }

        base.Dispose(disposing);
    }

#pragma warning disable VSTHRD002 // The synchronous half of Stream, for callers that chose to wait.
    private static int Wait(ValueTask<int> read) => read.IsCompleted ? read.GetAwaiter().GetResult() : read.AsTask().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
}
