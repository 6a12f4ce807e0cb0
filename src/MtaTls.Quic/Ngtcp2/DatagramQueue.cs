namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The datagrams of one connection that wait to be sent, oldest first. Any thread adds; the loop takes them all for a burst of packets and gives back
/// those that the burst had no room for.
/// </summary>
internal sealed class DatagramQueue(DatagramPool pool, int limit)
{
    private readonly Lock _lock = new();
    private DatagramSlot? _first, _last;
    private int _count; // Those of a burst included.
    private bool _refused, _closed;

    /// <summary>Datagrams that wait, those of the burst that is being written included.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Adds one; false when the queue or the pool is full.</summary>
    public bool TryAdd(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        int length = header.Length + payload.Length;
        if (length > pool.SlotSize)
        {
            return false;
        }

        lock (_lock)
        {
            if (_closed)
            {
                return false;
            }

            if (_count >= limit || pool.Rent() is not { } slot)
            {
                _refused = true;
                return false;
            }
            header.CopyTo(slot.FullSpan(pool.SlotSize));
            payload.CopyTo(slot.FullSpan(pool.SlotSize)[header.Length..]);
            slot.Length = length;
            if (_last is null)
            {
                _first = slot;
            }
            else
            {
                _last.Next = slot;
            }

            _last = slot;
            _count++;
            return true;
        }
    }

    /// <summary>Loop: takes the whole chain. They still count until <see cref="EndBurst"/>.</summary>
    public DatagramSlot? BeginBurst()
    {
        lock (_lock)
        {
            DatagramSlot? first = _first;
            (_first, _last) = (null, null);
            return first;
        }
    }

    /// <summary>
    /// Loop: gives back the chain of a burst from <paramref name="rest"/> on, and frees the <paramref name="done"/> slots from <paramref name="first"/> to <paramref name="lastDone"/>. True when
    /// somebody who was refused can add again.
    /// </summary>
    public bool EndBurst(DatagramSlot? first, DatagramSlot? lastDone, int done, DatagramSlot? rest)
    {
        if (done > 0)
        {
            pool.Return(first!, lastDone!);
        }

        lock (_lock)
        {
            if (rest is not null)
            {
                DatagramSlot last = rest;
                while (last.Next is not null)
                {
                    last = last.Next;
                }

                last.Next = _first;
                _first = rest;
                _last ??= last;
            }
            _count -= done;
            if (!_refused || _count > limit / 2)
            {
                return false;
            }

            _refused = false;
            return true;
        }
    }

    /// <summary>Removes all that wait (those of a burst excepted) and shows each to <paramref name="visitor"/>.</summary>
    public int Drain(QuicDatagramVisitor? visitor, object? state)
    {
        DatagramSlot? first;
        lock (_lock)
        {
            first = _first;
            (_first, _last) = (null, null);
        }
        if (first is null)
        {
            return 0;
        }

        int count = 0;
        DatagramSlot last = first;
        try
        {
            for (DatagramSlot? slot = first; slot is not null; slot = slot.Next)
            {
                (last, count) = (slot, count + 1);
                visitor?.Invoke(slot.Span, state);
            }
        }
        finally
        {
            // A visitor that threw has lost the rest.
            while (last.Next is not null)
            {
                (last, count) = (last.Next, count + 1);
            }

            pool.Return(first, last);
            lock (_lock)
            {
                _count -= count;
            }
        }
        return count;
    }

    /// <summary>Takes nothing more; what is left goes back to the pool. Returns how many that were.</summary>
    public int Close()
    {
        lock (_lock)
        {
            _closed = true;
        }

        return Drain(null, null);
    }
}
