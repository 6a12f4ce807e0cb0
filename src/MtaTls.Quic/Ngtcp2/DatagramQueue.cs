namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The waiting datagrams of one connection, oldest first. Any thread adds datagrams. For a burst of packets, the loop takes all of them and puts back
/// those that did not fit.
/// </summary>
internal sealed class DatagramQueue(DatagramPool pool, int limit)
{
    private readonly Lock _lock = new();
    private DatagramSlot? _first, _last;
    private int _count; // Includes the datagrams of a burst.
    private bool _refused, _closed;

    /// <summary>Waiting datagrams, including those of a burst in progress.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Adds a datagram. False when the queue or the pool is full, the datagram is too large, or the queue is closed.</summary>
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

    /// <summary>On the loop: takes all datagrams as a chain. They still count until <see cref="EndBurst"/>.</summary>
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
    /// On the loop: puts back the chain from <paramref name="rest"/> on, and frees the <paramref name="done"/> slots from <paramref name="first"/> to <paramref name="lastDone"/>. True when
    /// a caller was refused before and can add again.
    /// </summary>
    public bool EndBurst(DatagramSlot? first, DatagramSlot? lastDone, int done, DatagramSlot? rest)
    {
        if (done > 0)
        {
            pool.Return(first!, lastDone!, done);
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

    /// <summary>Removes all waiting datagrams, except those of a burst, and shows each to <paramref name="visitor"/>. Returns their number.</summary>
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
            // If the visitor threw, the remaining datagrams are lost, but their slots go back to the pool.
            while (last.Next is not null)
            {
                (last, count) = (last.Next, count + 1);
            }

            pool.Return(first, last, count);
            lock (_lock)
            {
                _count -= count;
            }
        }
        return count;
    }

    /// <summary>Refuses further datagrams and returns the waiting ones to the pool. Returns their number.</summary>
    public int Close()
    {
        lock (_lock)
        {
            _closed = true;
        }

        return Drain(null, null);
    }
}
