using System.Buffers;
using System.IO.Pipelines;

namespace MtaTls.AspNetCore.Transport;

/// <summary>Returns bytes that were read before, then the bytes of another reader.</summary>
internal sealed class ReplayedReader(ReadOnlyMemory<byte> first, PipeReader rest) : PipeReader
{
    private ReadOnlyMemory<byte> _first = first;
    private bool _isFirstExamined;

    // The buffer of the last read while first bytes are left: those, then bytes of the other reader.
    private ReadOnlySequence<byte>? _joined;
    private ReadOnlySequence<byte> _restBuffer;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (_first.IsEmpty)
        {
            return rest.ReadAsync(cancellationToken);
        }

        return _isFirstExamined ? CombineWithNextAsync(rest.ReadAsync(cancellationToken)) : new(Combine(default));
    }

    public override bool TryRead(out ReadResult result)
    {
        if (_first.IsEmpty)
        {
            return rest.TryRead(out result);
        }

        ReadResult next = default;
        if (_isFirstExamined && !rest.TryRead(out next))
        {
            result = default;
            return false;
        }

        result = Combine(next);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_joined is not { } joined)
        {
            rest.AdvanceTo(consumed, examined);
            return;
        }

        long consumedTo = joined.Slice(0, consumed).Length, examinedTo = joined.Slice(0, examined).Length;
        bool hasRest = _isFirstExamined;
        int length = _first.Length;
        _joined = null;
        _isFirstExamined = examinedTo >= length;
        _first = _first[(int)Math.Min(consumedTo, length)..];
        if (hasRest)
        {
            // Even if not all first bytes were examined, the next read must ask the other reader again, because its bytes that came with them are still there.
            _isFirstExamined |= !_restBuffer.IsEmpty;
            rest.AdvanceTo(RestAt(consumedTo - length), RestAt(examinedTo - length));
        }

        _restBuffer = default;
    }

    public override void CancelPendingRead() => rest.CancelPendingRead();

    public override void Complete(Exception? exception = null) => rest.Complete(exception);

    private SequencePosition RestAt(long offset) => _restBuffer.GetPosition(Math.Max(offset, 0));

    private async ValueTask<ReadResult> CombineWithNextAsync(ValueTask<ReadResult> next) => Combine(await next);

    private ReadResult Combine(ReadResult next)
    {
        _restBuffer = next.Buffer;
        Segment start = new(_first, 0), end = start;
        foreach (ReadOnlyMemory<byte> memory in _restBuffer)
        {
            end = end.Append(memory);
        }

        ReadOnlySequence<byte> joined = new(start, 0, end, end.Memory.Length);
        _joined = joined;
        return new ReadResult(joined, next.IsCanceled, next.IsCompleted);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            Segment next = new(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
