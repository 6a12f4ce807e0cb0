using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace MtaTls.Protocol;

/// <summary>
/// The reading side of a channel: the bytes that the read loop has received and the application has not yet consumed. It is not a <see cref="Pipe"/>, because window is granted
/// for bytes that were examined, an idle channel must not hold a buffer, and each packet should land in one buffer of its size.
/// </summary>
/// <remarks>
/// The channel's lock guards all fields. A waiting reader continues from the thread pool's global queue, so that readers continue in the order in which their data came.
/// The send loop queues there too, behind all readers that one read has woken, so that their responses share one record.
/// </remarks>
internal sealed class ChannelInput : PipeReader, IValueTaskSource<ReadResult>, IThreadPoolWorkItem
{
    private readonly MtaTlsChannel _channel;
    private Block? _head;
    private Block? _tail;
    private long _received;
    private long _examined;
    private long _consumed;
    private ReceiveWindow _window;

    private ManualResetValueTaskSourceCore<ReadResult> _waiter;
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _cancellationToken;
    private Exception? _error;
    private bool _waiting;
    private bool _isWakeQueued;
    private bool _cancelPending;
    private bool _reading;     // the application holds a read result: its blocks stay
    private bool _receiving;   // the read loop fills the last block: it stays
    private bool _ended;       // no more data will arrive
    private bool _aborted;     // this end aborted the channel while it was open: data that had arrived was dropped
    private bool _discarding;  // the application reads no more: data that arrives is discarded

    public ChannelInput(MtaTlsChannel channel, ReceiveWindow window) => (_channel, _window) = (channel, window);

    public long Received => _received;

    /// <summary>The bytes that have arrived and that the application has not consumed.</summary>
    public long Unread => _received - _consumed;

    public bool IsDiscarding => _discarding;

    /// <summary>Whether a read would not wait.</summary>
    public bool IsReadable => _received > _examined || _ended || _error is not null;

    public ref ReceiveWindow Window => ref _window;

    // Called by the read loop, which holds the channel's lock.

    /// <summary>Returns memory for the next bytes of a packet; empty when no reader will read them.</summary>
    /// <param name="packetRest">The bytes of the packet that are still to come.</param>
    /// <param name="begins">Whether they are the first bytes of the packet.</param>
    public Memory<byte> BeginReceive(int packetRest, bool begins)
    {
        if (_discarding || _ended || _error is not null)
        {
            return default;
        }

        Block? tail = _tail;
        int room = tail is null ? 0 : tail.Array.Length - tail.End;
        // A packet does not begin in the last bytes of a block, because each part would need a read of its own. A packet that has begun fills its block:
        // otherwise a peer that sends a long packet byte by byte would cost a block for each byte.
        if (tail is null || room < (begins ? Math.Min(packetRest, BlockPool.MaxBlockSize) : 1))
        {
            Block block = BlockPool.Rent(Math.Min(packetRest, BlockPool.MaxBlockSize));
            block.BeginSequence(_received);
            if (tail is null)
            {
                _head = block;
            }
            else
            {
                tail.Append(block);
            }

            _tail = tail = block;
        }
        _receiving = true;
        return tail.Array.AsMemory(tail.End, Math.Min(packetRest, tail.Array.Length - tail.End));
    }

    /// <summary>Counts bytes that were received into the memory of <see cref="BeginReceive"/>.</summary>
    public void EndReceive(int count)
    {
        _receiving = false;
        NoteReceived(count);
        if (_discarding || _aborted)
        {
            // The application completed or aborted while the bytes arrived.
            _examined = _consumed = _received;
            ReleaseBlocks(pooled: !_reading);
            return;
        }
        _tail!.End += count;
        CompleteWait(canceled: false);
    }

    /// <summary>Counts bytes that were received and discarded. After the end of the input they do not count: the bytes before it can still be read.</summary>
    public void Skip(int count)
    {
        if (_discarding || _aborted)
        {
            NoteReceived(count);
            _examined = _consumed = _received;
        }
    }

    /// <summary>No more data arrives. The data that has arrived can be read.</summary>
    public void End()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        CompleteWait(canceled: false);
    }

    /// <summary>Reads fail, after the data that has arrived was read.</summary>
    public void Fail(Exception error)
    {
        if (_ended || _error is not null)
        {
            return;
        }

        _error = error;
        CompleteWait(canceled: false);
    }

    /// <summary>Reads fail at once, and the data that has arrived is dropped. After <see cref="End"/> or <see cref="Fail"/> this does nothing: the reader can still read that data.</summary>
    public void Abort(Exception error)
    {
        if (_ended || _error is not null)
        {
            return;
        }

        _error = error;
        _aborted = true;
        _examined = _consumed = _received;
        if (!_reading)
        {
            ReleaseBlocks(pooled: true);
        }

        CompleteWait(canceled: false);
    }

    /// <summary>The application reads no more: all data is discarded. <paramref name="byReader"/>: whether the reader says so, and so holds no read result.</summary>
    public void Discard(bool byReader)
    {
        if (_discarding)
        {
            return;
        }

        _discarding = true;
        _examined = _consumed = _received;
        // A reader that still holds a result uses the memory: it must not go back to the pool.
        ReleaseBlocks(pooled: byReader || !_reading);
        _reading = false;
        if (_waiting)
        {
            _waiting = false;
            _cancellation.Unregister();
            _waiter.SetException(_error ?? new MtaTlsChannelException("The channel was closed by its application."));
        }
    }

    /// <summary>Grants window to the peer. Returns the increment for an Acknowledgment. <paramref name="starved"/>: whether the budgets had too few bytes for all of it.</summary>
    public uint Grant(SessionReceiveBudget budget, RoundTrip roundTrip, out bool starved)
    {
        uint increment = _window.IsOwed(_examined) ? _window.Grant(_examined, _consumed, budget, roundTrip) : 0;
        starved = _window.IsOwed(_examined);
        return increment;
    }

    public bool IsAcknowledgmentDue => _window.IsDue(_examined);

    public bool IsAcknowledgmentOwed => _examined == _received && _window.IsOwed(_examined);

    private void NoteReceived(int count)
    {
        _received += count;
        _window.Received(_received, _channel.Session.RoundTrip);
    }

    // Called by the application.

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        lock (_channel.Gate)
        {
            if (TryTakeResult(out ReadResult result))
            {
                return new(result);
            }

            if (_waiting)
            {
                throw new InvalidOperationException("A read of this channel is already pending. Await it before the next read.");
            }

            _waiter.Reset();
            _waiter.RunContinuationsAsynchronously = true;
            _waiting = true;
            _cancellationToken = cancellationToken;   // set even to none: a late cancellation of the previous read must not match
            if (cancellationToken.CanBeCanceled)
            {
                _cancellation = cancellationToken.UnsafeRegister(static (state, token) => ((ChannelInput)state!).CancelWait(token), this);
            }
            return new(this, _waiter.Version);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    protected override async ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await ReadAsync(cancellationToken).ConfigureAwait(false);
            if (result.Buffer.Length >= minimumSize || result.IsCompleted || result.IsCanceled)
            {
                return result;
            }

            AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (_channel.Gate)
        {
            return TryTakeResult(out result);
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_channel.Gate)
        {
            if (_discarding)
            {
                return;
            }

            if (!_reading)
            {
                throw new InvalidOperationException("AdvanceTo was called without a read result. Call ReadAsync or TryRead first.");
            }

            _reading = false;
            if (_aborted)
            {
                ReleaseBlocks(pooled: true);   // the abort left the blocks because the application held a result
                return;
            }
            // Compute both positions before a block is released: another channel can get it at once.
            long consumedTo = PositionOf(consumed, _consumed);
            long examinedTo = Math.Max(PositionOf(examined, _examined), _examined);
            if (consumedTo < _consumed || consumedTo > examinedTo || examinedTo > _received)
            {
                throw new InvalidOperationException("The consumed or examined position is outside of the last read result.");
            }

            ConsumeTo(consumedTo);
            _examined = examinedTo;
            _channel.Session.Acknowledgments.EnqueueIfDue(_channel);
        }
    }

    public override void CancelPendingRead()
    {
        lock (_channel.Gate)
        {
            if (_waiting)
            {
                CompleteWait(canceled: true);
            }
            else
            {
                _cancelPending = true;
            }
        }
    }

    public override void Complete(Exception? exception = null)
    {
        lock (_channel.Gate)
        {
            Discard(byReader: true);
        }

        if (exception is not null)
        {
            _channel.Abort(exception);
        }
        else
        {
            _channel.SideCompleted();
        }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _waiter.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _waiter.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiter.OnCompleted(continuation, state, token, flags);

    private bool TryTakeResult(out ReadResult result)
    {
        if (_discarding)
        {
            throw new InvalidOperationException("The channel's Input was completed: it cannot be read any more.");
        }

        if (_reading)
        {
            throw new InvalidOperationException("Call AdvanceTo for the last read result before the next read.");
        }

        if (_waiting)
        {
            // New data is for the pending read.
            result = default;
            return false;
        }
        if (_cancelPending)
        {
            _cancelPending = false;
            result = Result(canceled: true);
            return true;
        }
        if (!IsReadable)
        {
            result = default;
            return false;
        }
        if (_error is not null && _received == _examined)
        {
            throw Failure();
        }

        result = Result(canceled: false);
        return true;
    }

    private ReadResult Result(bool canceled)
    {
        _reading = true;
        ReadOnlySequence<byte> sequence = _head is null || _consumed == _received
            ? ReadOnlySequence<byte>.Empty
            : new(_head, _head.Start, _tail!, _tail!.End);
        // IsCompleted is set only when there are no new bytes, as StreamPipeReader does: Kestrel treats data that comes together with the end as a request that was cut off.
        return new ReadResult(sequence, canceled, _ended && _examined == _received);
    }

    private void CompleteWait(bool canceled)
    {
        if (!_waiting || !(canceled || IsReadable))
        {
            return;
        }

        _cancelPending |= canceled;
        if (_isWakeQueued)
        {
            return;
        }

        _isWakeQueued = true;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Wakes the reader with all data that has arrived by now.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        ReadResult result = default;
        Exception? failure = null;
        lock (_channel.Gate)
        {
            _isWakeQueued = false;
            if (!_waiting || !(_cancelPending || IsReadable))
            {
                return;
            }

            _waiting = false;
            _cancellation.Unregister();
            _waiter.RunContinuationsAsynchronously = false;   // this is the thread pool already
            try
            {
                TryTakeResult(out result);
            }
            catch (Exception e)
            {
                failure = e;
            }
        }
        if (failure is not null)
        {
            _waiter.SetException(failure);
        }
        else
        {
            _waiter.SetResult(result);
        }
    }

    private void CancelWait(CancellationToken token)
    {
        lock (_channel.Gate)
        {
            if (!_waiting || token != _cancellationToken)
            {
                return;
            }

            _waiting = false;
            _waiter.SetException(new OperationCanceledException(token));
        }
    }

    /// <summary>Creates the exception for one reader: one object thrown on many threads would mix their stack traces.</summary>
    private IOException Failure() => _error is MtaTlsChannelException
        ? new MtaTlsChannelException(_error.Message, _error.InnerException)
        : ((MtaTlsSessionException)_error!).Copy();

    /// <summary>Converts a position of a read result to bytes since the channel's start.</summary>
    private static long PositionOf(SequencePosition position, long ifEmpty) =>
        position.GetObject() is Block block ? block.RunningIndex + position.GetInteger() : ifEmpty;

    private void ConsumeTo(long position)
    {
        _consumed = position;
        while (_head is { } head && head.RunningIndex + head.End <= position)
        {
            if (head == _tail && _receiving)
            {
                break;
            }

            _head = head.NextBlock;
            if (_head is null)
            {
                _tail = null;
            }

            BlockPool.Return(head);
        }
        if (_head is not null)
        {
            _head.Start = (int)(position - _head.RunningIndex);
        }
    }

    private void ReleaseBlocks(bool pooled)
    {
        Block? block = _head;
        while (block is not null)
        {
            Block? next = block.NextBlock;
            if (next is null && _receiving)
            {
                break;   // EndReceive releases it
            }

            if (pooled)
            {
                BlockPool.Return(block);
            }
            else
            {
                BlockPool.Abandon(block);
            }

            block = next;
        }
        _head = _tail = block;
    }
}
