using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.AspNetCore.Identities;

/// <summary>
/// Gives received data to the application at the rate of its client's identity, one piece at a time. Data that is held back stays unexamined, so the channel's window does not grow and the client waits.
/// </summary>
internal sealed class PacedReader(PipeReader inner, Pace pace, long perSecond, PaceDelay delay, TimeProvider time, Action<TimeSpan, bool>? delayed) : PipeReader
{
    // A sixteenth of a second, so that the channels of an identity take turns.
    private readonly long _piece = Math.Clamp(perSecond / 16, 1024, 65_536);

    // The buffer of the last read, and how many bytes of it an earlier read has given and the application has not consumed.
    private ReadOnlySequence<byte> _given;
    private long _unconsumed;

    // Bytes that are taken from the rate and not yet given to the application, and the time from which they may be.
    private long _taken;
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
        return IsDue(all) ? new(Give(all)) : GiveWhenDueAsync(all, cancellationToken);
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
            result = Give(all);
            return true;
        }

        // Not yet due. The data stays unexamined, so that the next read gets it at once.
        inner.AdvanceTo(all.Buffer.Start);
        result = default;
        return false;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _unconsumed = _given.Slice(consumed).Length;
        _given = default;
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead()
    {
        // A read waits in one of the two places; the cancellation must reach only that one.
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
        return IsDue(all) ? Give(all) : await GiveWhenDueAsync(all, cancellationToken);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> GiveWhenDueAsync(ReadResult all, CancellationToken cancellationToken)
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
            return Give(all);
        }

        if (cancellationToken.IsCancellationRequested)
        {
            inner.AdvanceTo(all.Buffer.Start);
            throw new OperationCanceledException(cancellationToken);
        }

        // A cancelled read gives the bytes that the application has already seen, and no new ones.
        _given = all.Buffer.Slice(0, Math.Min(_unconsumed, all.Buffer.Length));
        return new ReadResult(_given, isCanceled: true, isCompleted: false);
    }

    private long NextPiece(in ReadResult all) => Math.Min(all.Buffer.Length - _unconsumed, _piece);

    /// <summary>Whether the application may get the next piece now. Takes the piece from the rate if that was not done yet.</summary>
    private bool IsDue(in ReadResult all)
    {
        long piece = NextPiece(all);
        if (all.IsCanceled || piece <= 0)
        {
            return true;
        }

        if (_taken < piece)
        {
            _due = pace.Take(piece - _taken, perSecond);
            _taken = piece;
        }

        return _due <= time.GetTimestamp();
    }

    private ReadResult Give(in ReadResult all)
    {
        long piece = all.IsCanceled ? 0 : Math.Max(NextPiece(all), 0);
        _taken -= Math.Min(piece, _taken);
        long length = Math.Min(_unconsumed + piece, all.Buffer.Length);
        _given = all.Buffer.Slice(0, length);
        return new ReadResult(_given, all.IsCanceled, all.IsCompleted && length == all.Buffer.Length);
    }
}
