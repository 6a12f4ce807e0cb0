using System.IO.Pipelines;

namespace MtaTls.Client;

/// <summary>The input of a channel for the application. It references the channel, so that the garbage collector does not close the channel while the input is in use.</summary>
internal sealed class ChannelPipeReader(PipeReader inner, object owner) : PipeReader
{
    public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => inner.ReadAsync(cancellationToken);

    public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    public override async Task CopyToAsync(PipeWriter destination, CancellationToken cancellationToken = default)
    {
        await inner.CopyToAsync(destination, cancellationToken).ConfigureAwait(false);
        GC.KeepAlive(owner);
    }

    public override async Task CopyToAsync(Stream destination, CancellationToken cancellationToken = default)
    {
        await inner.CopyToAsync(destination, cancellationToken).ConfigureAwait(false);
        GC.KeepAlive(owner);
    }

    protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken) => inner.ReadAtLeastAsync(minimumSize, cancellationToken);
}
