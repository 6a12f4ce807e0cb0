using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.AspNetCore.Identities;

/// <summary>Sends at the pace of an identity: a flush waits until the time of what was written has come, and flushes then.</summary>
internal sealed class PacedWriter(PipeWriter inner, Pace pace, long perSecond, PaceDelay delay, TimeProvider time, Action<TimeSpan, bool>? delayed) : PipeWriter
{
    // Written and not taken from the pace yet, and when that which was taken may be sent.
    private long _written;
    private long _due = long.MinValue;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        inner.Advance(bytes);
        _written += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Pay();
        return _due <= time.GetTimestamp() ? inner.FlushAsync(cancellationToken) : FlushLaterAsync(cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        if (!delay.TryCancel())
        {
            inner.CancelPendingFlush();
        }
    }

    public override void Complete(Exception? exception = null)
    {
        // What is sent with the end counts, and waits for nothing.
        Pay();
        delay.Dispose();
        inner.Complete(exception);
    }

    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        Pay();
        delay.Dispose();
        return inner.CompleteAsync(exception);
    }

    private void Pay()
    {
        if (_written > 0)
        {
            _due = pace.Take(_written, perSecond);
            _written = 0;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> FlushLaterAsync(CancellationToken cancellationToken)
    {
        delayed?.Invoke(time.GetElapsedTime(time.GetTimestamp(), _due), false);
        ValueTask<bool> wait = delay.WaitAsync(_due);
        bool isTime;
        using (cancellationToken.UnsafeRegister(static state => ((PaceDelay)state!).TryCancel(), delay))
        {
            isTime = await wait;
        }

        if (isTime)
        {
            return await inner.FlushAsync(cancellationToken);
        }

        // What was written stays, and goes with the next flush.
        cancellationToken.ThrowIfCancellationRequested();
        return new FlushResult(isCanceled: true, isCompleted: false);
    }
}
