using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MtaTls.Tls.OpenSsl;

/// <summary>
/// The receiving side of the transport: the bytes that have arrived and that OpenSSL has not taken yet. One reader receives and releases them. OpenSSL takes them under the
/// connection's lock.
/// </summary>
/// <param name="reader">The transport's reader.</param>
/// <param name="gate">The connection's lock.</param>
/// <param name="received">The bytes that were taken from the transport before.</param>
internal sealed class PipeInput(PipeReader reader, Lock gate, ReadOnlyMemory<byte> received)
{
    private ReadOnlySequence<byte> _received = new(received);
    private bool _held;
    private bool _closed;

    /// <summary>Whether OpenSSL has taken all bytes that have arrived. The caller holds the lock.</summary>
    public bool IsEmpty => _received.IsEmpty;

    /// <summary>Whether the transport has ended, so that no more bytes will arrive.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Copies bytes to OpenSSL. Returns their number, -1 when there are none yet, and 0 at the end of the transport. The caller holds the lock.</summary>
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

    /// <summary>Returns the position up to which the transport's buffer can be released, after OpenSSL has taken everything; null before. The caller holds the lock.</summary>
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

    /// <summary>Releases the transport's buffer. Called without the lock, because it can run a continuation of the pipe's writer.</summary>
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
                // The owner has completed the pipe meanwhile. The next receive fails with that.
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

    /// <summary>Receives bytes that have arrived already. Returns false when there are none.</summary>
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

    /// <summary>From now on, the transport's memory is not used any more, so that its owner can complete the pipe. The caller holds the lock.</summary>
    public void Close()
    {
        _closed = true;
        _received = default;
    }

    /// <summary>Ends a pending receive.</summary>
    public void CancelPendingRead()
    {
        try
        {
            reader.CancelPendingRead();
        }
        catch (ObjectDisposedException)
        {
            // The connection has ended and the pipe was completed: no receive is pending.
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
