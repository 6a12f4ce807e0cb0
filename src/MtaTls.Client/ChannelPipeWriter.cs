using System.IO.Pipelines;

namespace MtaTls.Client;

/// <summary>The output of a channel for the application. It references the channel, so that the garbage collector does not close the channel while the output is in use.</summary>
internal sealed class ChannelPipeWriter(PipeWriter inner, object owner) : PipeWriter
{
    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void Advance(int bytes) => inner.Advance(bytes);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) => inner.WriteAsync(source, cancellationToken);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        inner.Complete(exception);
        GC.KeepAlive(owner);
    }

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);
}
