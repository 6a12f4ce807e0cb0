using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.AspNetCore.Identities;

/// <summary>Sends at the rate of the client's identity: a flush waits until the written bytes are due, and then flushes.</summary>
internal sealed class PacedWriter(PipeWriter inner, Pace pace, long perSecond, PaceDelay delay, TimeProvider time, Action<TimeSpan, bool>? delayed) : PipeWriter
{
    // Bytes that are written and not yet taken from the rate, and the time from which the bytes taken last may be sent.
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
        TakeWritten();
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
        // The last bytes count against the rate, but the end does not wait.
        TakeWritten();
        delay.Dispose();
        inner.Complete(exception);
    }

    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        TakeWritten();
        delay.Dispose();
        return inner.CompleteAsync(exception);
    }

    private void TakeWritten()
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

        // The written bytes stay and are sent with the next flush.
        cancellationToken.ThrowIfCancellationRequested();
        return new FlushResult(isCanceled: true, isCompleted: false);
    }
}
