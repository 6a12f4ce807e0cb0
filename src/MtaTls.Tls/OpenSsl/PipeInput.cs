using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// The receiving half of the transport: what has arrived and OpenSSL has not taken yet. One reader receives and releases; OpenSSL takes under the
/// connection's lock.
/// </summary>
/// <param name="reader">The transport's reader.</param>
/// <param name="gate">The connection's lock.</param>
/// <param name="received">What was taken from the transport before.</param>
internal sealed class PipeInput(PipeReader reader, Lock gate, ReadOnlyMemory<byte> received)
{
    private ReadOnlySequence<byte> _received = new(received);
    private bool _held;
    private bool _closed;

    /// <summary>Whether OpenSSL has taken all that has arrived. The lock is held.</summary>
    public bool IsEmpty => _received.IsEmpty;

    /// <summary>Whether the transport has ended: nothing follows what has arrived.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Moves bytes to OpenSSL: -1 when there are none yet, 0 at the end of the transport. The lock is held.</summary>
    public int Take(Span<byte> buffer)
    {
        if (_received.IsEmpty)
        {
            return HasEnded ? 0 : -1;
        }

        int count = (int)Math.Min(buffer.Length, _received.Length);
        ReadOnlySequence<byte> part = _received.Slice(0, count);
        part.CopyTo(buffer);
        _received = _received.Slice(part.End);
        return count;
    }

    /// <summary>Where the transport can go on once OpenSSL has taken everything; null before. The lock is held.</summary>
    public SequencePosition? TakeUsed()
    {
        if (!_held || !_received.IsEmpty || _closed)
        {
            return null;
        }

        _held = false;
        SequencePosition used = _received.End;
        _received = default;
        return used;
    }

    /// <summary>Gives the transport's buffers back. Outside the lock, because this may run a continuation of the pipe's writer.</summary>
    public void Release(SequencePosition? used)
    {
        if (used is { } position)
        {
            try
            {
                reader.AdvanceTo(position);
            }
            catch (InvalidOperationException)
            {
                // The owner has completed the pipe meanwhile; the next receive says so.
            }
        }
    }

    /// <summary>Waits for bytes, or for the end of the transport.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ReceiveAsync(CancellationToken cancellationToken)
    {
        ReadResult result;
        try
        {
            result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            throw TransportFailure.Of(e, cancellationToken);
        }

        Accept(result);
    }

    /// <summary>Receives what is here already; false when nothing is.</summary>
    public bool TryReceive()
    {
        ReadResult result;
        try
        {
            if (!reader.TryRead(out result))
            {
                return false;
            }
        }
        catch (Exception e)
        {
            throw TransportFailure.Of(e, CancellationToken.None);
        }

        Accept(result);
        return true;
    }

    /// <summary>From now on the transport's memory is not touched any more: its owner may complete the pipe. The lock is held.</summary>
    public void Close()
    {
        _closed = true;
        _received = default;
    }

    /// <summary>Ends a receive that waits.</summary>
    public void CancelPendingRead()
    {
        try
        {
            reader.CancelPendingRead();
        }
        catch (ObjectDisposedException)
        {
            // The pipe was completed meanwhile, as its connection has ended: nothing waits.
        }
    }

    private void Accept(ReadResult result)
    {
        lock (gate)
        {
            _held = true;
            HasEnded |= result.IsCompleted;
            _received = _closed ? default : result.Buffer;
        }
    }
}
