using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace MtaTls.Protocol;

/// <summary>
/// The writing side of a channel: the bytes that the application has written and the send loop has not yet sent. Each block has room for a packet header before its data,
/// so that the block goes to the transport without another copy. After a part of a block was sent, the next header overwrites bytes that were sent.
/// </summary>
/// <remarks>
/// Guarded by the channel's lock, except the bytes that only the application touches: those after <see cref="Block.End"/>, in the blocks from the first unflushed one on. Those blocks
/// stay while <see cref="_writing"/> is set. The block that is being sent stays while <see cref="_sending"/> is set.
/// </remarks>
internal sealed class ChannelOutput : PipeWriter, IValueTaskSource<FlushResult>
{
    private const int HeaderRoom = PacketHeader.DataSize;
    private const int SmallBlock = 4096;

    private readonly MtaTlsChannel _channel;
    private Block? _head;
    private Block? _tail;
    private Block? _firstUnflushed;
    private long _unflushed;
    private long _unsent;
    private SendWindow _window;

    private ManualResetValueTaskSourceCore<FlushResult> _waiter = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _cancellationToken;
    private bool _waiting;
    private bool _cancelPending;
    private bool _writing;    // the application holds memory of the last block
    private bool _sending;    // the send loop holds memory of the first block
    private bool _large;      // the application fills whole blocks: it gets large ones
    private bool _completed;  // the application writes no more
    private bool _closed;     // no more data is sent: what the application writes is discarded

    public ChannelOutput(MtaTlsChannel channel, SendWindow window)
    {
        _channel = channel;
        _window = window;
    }

    public ref SendWindow Window => ref _window;

    public bool IsCompleted => _completed;

    /// <summary>The bytes that the application has flushed and that are not sent.</summary>
    public long Unsent => _unsent;

    public bool HasUnsent => _unsent > 0;

    public bool CanSend => _unsent > 0 && _window.Remaining > 0 && !_closed;

    private SessionSendBudget Budget => _channel.Session.SendBudget;

    /// <summary>Whether a send budget is exceeded and the channel holds more than <see cref="SessionSendBudget.Floor"/>: then it is closed if it cannot send.</summary>
    public bool HoldsTooMuch => _unsent > SessionSendBudget.Floor && Budget.IsExceeded;

    /// <summary>The bytes that can be unsent before the application's flush waits.</summary>
    private int Allowance => Budget.Allowance(_channel.Session.Limits.OutputBufferSize);

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _unflushed;

    // Called by the send loop.

    /// <summary>Hands one packet of data to the send loop. A short packet is gathered at once. After a long packet was written, <see cref="Taken"/> must be called.</summary>
    /// <param name="writer">The send loop.</param>
    /// <param name="quantum">The most bytes of data.</param>
    /// <param name="gatherBelow">Packets shorter than this are gathered; in bytes, with the header.</param>
    /// <param name="packet">A long packet with its header; empty when the packet was gathered.</param>
    /// <param name="more">Whether the channel has more to send. Only set for a packet that was gathered.</param>
    /// <returns>The bytes of data; 0 when nothing can be sent.</returns>
    public int TryTake(SessionWriter writer, int quantum, int gatherBelow, out ReadOnlySpan<byte> packet, out bool more)
    {
        lock (_channel.Gate)
        {
            more = false;
            packet = BeginSend(_channel.Id, quantum, out int length);
            if (length == 0 || packet.Length >= gatherBelow)
            {
                return length;
            }

            try
            {
                writer.Gather(packet);
            }
            catch
            {
                CancelSend();
                throw;
            }

            packet = default;
            more = AfterSend(length);
            return length;
        }
    }

    /// <summary>The packet of <see cref="TryTake"/> was written, or was not, because the transport failed.</summary>
    /// <returns>Whether the channel has more to send.</returns>
    public bool Taken(int length, bool isWritten)
    {
        lock (_channel.Gate)
        {
            if (isWritten)
            {
                return AfterSend(length);
            }

            CancelSend();
            return false;
        }
    }

    private bool AfterSend(int length)
    {
        EndSend(length);
        _channel.OnSent(length);
        return CanSend;
    }

    /// <summary>Returns the next packet with its header; empty when nothing can be sent. <see cref="EndSend"/> counts its data as sent.</summary>
    private ReadOnlySpan<byte> BeginSend(ChannelId id, int quantum, out int dataLength)
    {
        dataLength = 0;
        if (!CanSend)
        {
            return default;
        }

        while (_head!.Start == _head.End)
        {
            ReleaseHead();
        }

        Block head = _head;
        dataLength = _window.NextPacketLength(Math.Min(head.End - head.Start, quantum));
        int start = head.Start - HeaderRoom;
        new Plaintext(id, dataLength).Write(head.Array.AsSpan(start));
        _sending = true;
        return head.Array.AsSpan(start, HeaderRoom + dataLength);
    }

    private void EndSend(int dataLength)
    {
        _sending = false;
        Block head = _head!;
        head.Start += dataLength;
        _window.Subtract(dataLength);
        _unsent -= dataLength;
        if (_closed)
        {
            ReleaseSent();   // the channel was closed while the packet was written
            return;
        }
        // A block with bytes that the application has not flushed stays, even when the application already writes to a later block.
        if (head.Start == head.End && (head == _tail ? !_writing : head.End == head.Written))
        {
            ReleaseHead();
        }

        if (_waiting && _unsent <= Allowance / 2)
        {
            CompleteWait(canceled: false);
        }
    }

    /// <summary>The packet of <see cref="BeginSend"/> was not sent because the transport failed. No other packet will be sent.</summary>
    private void CancelSend()
    {
        _sending = false;
        if (_closed)
        {
            ReleaseSent();
        }
    }

    /// <summary>Sends no more data: drops unsent data and ends a pending flush.</summary>
    public void Close()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        ReleaseSent();
        if (_waiting)
        {
            CompleteWait(canceled: false);
        }
    }

    /// <summary>The application writes no more. The data that it has written is sent.</summary>
    public void CompleteWriting()
    {
        if (_completed)
        {
            return;
        }

        Commit();
        _completed = true;
        if (_closed)
        {
            ReleaseSent();
        }
    }

    // Called by the application.

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        Block tail = _writing && _tail is { } current && current.Array.Length - current.Written >= Math.Max(sizeHint, 1) ? current : PrepareTail(sizeHint);
        return tail.Array.AsMemory(tail.Written);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (!_writing || (uint)bytes > (uint)(_tail!.Array.Length - _tail.Written))
        {
            if (bytes == 0)
            {
                return;
            }

            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "The count is larger than the memory that GetMemory returned.");
        }
        _tail.Written += bytes;
        _unflushed += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        lock (_channel.Gate)
        {
            Commit();
            if (_closed)
            {
                ReleaseSent();
            }
            else
            {
                _channel.SendIfPossible();
                if (HoldsTooMuch)
                {
                    ChannelProgress.CloseIfStuck(_channel);
                }
            }

            if (_cancelPending)
            {
                _cancelPending = false;
                return new(new FlushResult(isCanceled: true, isCompleted: _closed));
            }
            if (_closed || _unsent < Allowance)
            {
                return new(new FlushResult(isCanceled: false, isCompleted: _closed));
            }

            if (_waiting)
            {
                throw new InvalidOperationException("A flush of this channel is already pending. Await it before the next flush.");
            }

            if (_unsent < _channel.Session.Limits.OutputBufferSize)
            {
                _channel.Session.Counters.CountExceeded(Budget.Exhausted);
            }

            _waiter.Reset();
            _waiting = true;
            _cancellationToken = cancellationToken;   // set even to none: a late cancellation of the previous flush must not match
            if (cancellationToken.CanBeCanceled)
            {
                _cancellation = cancellationToken.UnsafeRegister(static (state, token) => ((ChannelOutput)state!).CancelWait(token), this);
            }
            return new(this, _waiter.Version);
        }
    }

    public override void CancelPendingFlush()
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
        if (exception is not null)
        {
            lock (_channel.Gate)
            {
                CompleteWriting();
            }

            _channel.Abort(exception);
            return;
        }
        lock (_channel.Gate)
        {
            CompleteWriting();
            if (!_closed)
            {
                _channel.SendIfPossible();
            }
        }
        _channel.SideCompleted();
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _waiter.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _waiter.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiter.OnCompleted(continuation, state, token, flags);

    private Block PrepareTail(int sizeHint)
    {
        int wanted = Math.Max(sizeHint, 1);
        lock (_channel.Gate)
        {
            if (_completed)
            {
                throw new InvalidOperationException("The channel's Output was completed: it cannot be written any more.");
            }

            if (_tail is null || _tail.Array.Length - _tail.Written < wanted)
            {
                if (_tail is not null)
                {
                    _large = true;
                }

                int size = wanted + HeaderRoom;
                bool large = _large && Allowance > BlockPool.MaxBlockSize;
                Block block = BlockPool.Rent(Math.Max(size, large ? BlockPool.MaxBlockSize : SmallBlock));
                Budget.Take(block.Array.Length);
                block.Start = block.End = block.Written = HeaderRoom;
                if (_tail is null)
                {
                    _head = block;
                }
                else
                {
                    _tail.Link(block);
                }

                _tail = block;
            }
            _writing = true;
            _firstUnflushed ??= _tail;
            return _tail;
        }
    }

    private void Commit()
    {
        for (Block? block = _firstUnflushed; block is not null; block = block.NextBlock)
        {
            block.End = block.Written;
        }

        _firstUnflushed = null;
        _unsent += _unflushed;
        _unflushed = 0;
        _writing = false;
        if (_unsent == 0 && !_closed)
        {
            ReleaseAll();
        }
    }

    private void ReleaseHead()
    {
        Block head = _head!;
        _head = head.NextBlock;
        if (_head is null)
        {
            _tail = null;
            // A burst is over: the next writes may be small again.
            if (head.End < HeaderRoom + SmallBlock / 2)
            {
                _large = false;
            }
        }
        Budget.Return(head.Array.Length);
        BlockPool.Return(head);
    }

    /// <summary>Drops all blocks of a closed channel, unless one is in use.</summary>
    private void ReleaseSent()
    {
        if (_sending || _writing)
        {
            return;
        }

        ReleaseAll();
        _unsent = 0;
    }

    private void ReleaseAll()
    {
        while (_head is not null)
        {
            ReleaseHead();
        }
    }

    private void CompleteWait(bool canceled)
    {
        _waiting = false;
        _cancellation.Unregister();
        _waiter.SetResult(new FlushResult(canceled, _closed));
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
}
