using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.AspNetCore.Identities;

/// <summary>
/// Shows what has arrived at the pace of an identity: a piece at a time, each when its time has come. What is not shown is not examined, so the channel's window grows no further and the client waits.
/// </summary>
internal sealed class PacedReader(PipeReader inner, Pace pace, long perSecond, PaceDelay delay, TimeProvider time, Action<TimeSpan, bool>? delayed) : PipeReader
{
    // A sixteenth of a second, so that the channels of an identity take turns.
    private readonly long _piece = Math.Clamp(perSecond / 16, 1024, 65_536);

    // What the last read gave, and how much of it was given before and not consumed.
    private ReadOnlySequence<byte> _given;
    private long _held;

    // Taken from the pace and not shown yet, and when it may be.
    private long _paid;
    private long _due;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = inner.ReadAsync(cancellationToken);
        if (!read.IsCompletedSuccessfully)
        {
            return ReadLaterAsync(read, cancellationToken);
        }

#pragma warning disable VSTHRD103 // It has completed.
        ReadResult all = read.Result;
#pragma warning restore VSTHRD103
        return IsDue(all) ? new(Show(all)) : ShowLaterAsync(all, cancellationToken);
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out ReadResult all))
        {
            result = default;
            return false;
        }

        if (IsDue(all))
        {
            result = Show(all);
            return true;
        }

        // Not yet: what was held is unexamined, so that the next read gets it at once.
        inner.AdvanceTo(all.Buffer.Start);
        result = default;
        return false;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _held = _given.Slice(consumed).Length;
        _given = default;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead()
    {
        // One of both waits, and what is cancelled is cancelled once.
        if (!delay.TryCancel())
        {
            inner.CancelPendingRead();
        }
    }

    public override void Complete(Exception? exception = null)
    {
        delay.Dispose();
        inner.Complete(exception);
    }

    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        delay.Dispose();
        return inner.CompleteAsync(exception);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ReadLaterAsync(ValueTask<ReadResult> read, CancellationToken cancellationToken)
    {
        ReadResult all = await read;
        return IsDue(all) ? Show(all) : await ShowLaterAsync(all, cancellationToken);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ShowLaterAsync(ReadResult all, CancellationToken cancellationToken)
    {
        delayed?.Invoke(time.GetElapsedTime(time.GetTimestamp(), _due), true);
        ValueTask<bool> wait = delay.WaitAsync(_due);
        bool isTime;
        using (cancellationToken.UnsafeRegister(static state => ((PaceDelay)state!).TryCancel(), delay))
        {
            isTime = await wait;
        }

        if (isTime)
        {
            return Show(all);
        }

        if (cancellationToken.IsCancellationRequested)
        {
            inner.AdvanceTo(all.Buffer.Start);
            throw new OperationCanceledException(cancellationToken);
        }

        // What was shown before, and nothing new.
        _given = all.Buffer.Slice(0, Math.Min(_held, all.Buffer.Length));
        return new ReadResult(_given, isCanceled: true, isCompleted: false);
    }

    private long Fresh(in ReadResult all) => Math.Min(all.Buffer.Length - _held, _piece);

    /// <summary>Whether the next piece may be shown. It is taken from the pace where it was not.</summary>
    private bool IsDue(in ReadResult all)
    {
        long fresh = Fresh(all);
        if (all.IsCanceled || fresh <= 0)
        {
            return true;
        }

        if (_paid < fresh)
        {
            _due = pace.Take(fresh - _paid, perSecond);
            _paid = fresh;
        }

        return _due <= time.GetTimestamp();
    }

    private ReadResult Show(in ReadResult all)
    {
        long fresh = all.IsCanceled ? 0 : Math.Max(Fresh(all), 0);
        _paid -= Math.Min(fresh, _paid);
        long length = Math.Min(_held + fresh, all.Buffer.Length);
        _given = all.Buffer.Slice(0, length);
        return new ReadResult(_given, all.IsCanceled, all.IsCompleted && length == all.Buffer.Length);
    }
}
