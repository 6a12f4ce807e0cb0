using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace MtaTls.Protocol;

/// <summary>
/// The writing side of a channel: what the application has written and the send loop has not yet sent. Before the data of each block there is room for a packet
/// header, so that a block goes to the transport without another copy; when only a part was sent, the next header takes the place of bytes that are gone.
/// </summary>
/// <remarks>
/// Guarded by the channel's lock, except what only the application touches: the bytes behind <see cref="Block.End"/> of the blocks from the first unflushed one on. Those blocks stay
/// while <see cref="_writing"/>. The block that is being sent stays while <see cref="_sending"/>.
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
    private bool _writing;    // the application holds memory of the tail
    private bool _sending;    // the send loop holds memory of the head
    private bool _large;      // the application fills blocks: give it large ones
    private bool _completed;  // the application writes no more
    private bool _closed;     // nothing is sent any more: what is written is thrown away

    public ChannelOutput(MtaTlsChannel channel, SendWindow window)
    {
        _channel = channel;
        _window = window;
    }

    public ref SendWindow Window => ref _window;

    public bool IsCompleted => _completed;

    /// <summary>Bytes that the application has flushed and that are not sent.</summary>
    public long Unsent => _unsent;

    public bool HasUnsent => _unsent > 0;

    public bool CanSend => _unsent > 0 && _window.Remaining > 0 && !_closed;

    private SessionSendBudget Budget => _channel.Session.SendBudget;

    /// <summary>Whether the channel holds more than any may that can't send while the budgets are exceeded.</summary>
    public bool HoldsTooMuch => _unsent > SessionSendBudget.Floor && Budget.IsExceeded;

    /// <summary>How much may be unsent before the writer waits.</summary>
    private int Allowance => Budget.Allowance(_channel.Session.Limits.OutputBufferSize);

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _unflushed;

    // The writer's side.

    /// <summary>Hands the writer one packet of data. A short one is gathered at once; of a long one <see cref="Taken"/> is to be called when it was written.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="quantum">The most bytes of data.</param>
    /// <param name="gatherBelow">The length below which packets are gathered.</param>
    /// <param name="packet">A long packet with its header; empty when it was gathered.</param>
    /// <param name="more">Of a packet that was gathered: whether the channel has more to send.</param>
    /// <returns>The bytes of data; 0: nothing can be sent.</returns>
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

    /// <summary>The packet of <see cref="TryTake"/> was written, or could not be because the transport has failed.</summary>
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

    /// <summary>The next packet, header in place; its data are counted as sent by <see cref="EndSend"/>. Empty: nothing can be sent.</summary>
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
            ReleaseSent();   // closed while the packet went out
            return;
        }
        // What the application wrote behind End and has not flushed stays, also when it writes in a later block already.
        if (head.Start == head.End && (head == _tail ? !_writing : head.End == head.Written))
        {
            ReleaseHead();
        }

        if (_waiting && _unsent <= Allowance / 2)
        {
            CompleteWait(canceled: false);
        }
    }

    /// <summary>The packet of <see cref="BeginSend"/> could not be sent, nor will another: the transport has failed.</summary>
    private void CancelSend()
    {
        _sending = false;
        if (_closed)
        {
            ReleaseSent();
        }
    }

    /// <summary>Nothing is sent any more: drops what is unsent, and a flush that waits ends.</summary>
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

    /// <summary>The application writes no more; what it has written is sent.</summary>
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

    // The application's side.

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

            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "More than the memory that was asked for.");
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
                throw new InvalidOperationException("Concurrent flushes of a channel are not possible.");
            }

            if (_unsent < _channel.Session.Limits.OutputBufferSize)
            {
                _channel.Session.Counters.CountExceeded(Budget.Exhausted);
            }

            _waiter.Reset();
            _waiting = true;
            _cancellationToken = cancellationToken;   // also none: a cancellation of the flush before may still be on its way
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
                throw new InvalidOperationException("The channel's output was completed.");
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
            // A burst is over: what comes next may be small again.
            if (head.End < HeaderRoom + SmallBlock / 2)
            {
                _large = false;
            }
        }
        Budget.Return(head.Array.Length);
        BlockPool.Return(head);
    }

    /// <summary>After the close: drops all blocks that are not in use.</summary>
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
