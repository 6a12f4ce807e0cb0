namespace MtaTls.Quic.Ngtcp2;

/// <summary>The connections of a loop, ordered by the time when they need service. A binary heap; each connection knows its index, so its time can change.</summary>
internal sealed class ExpiryHeap
{
    private Ngtcp2Connection[] _heap = new Ngtcp2Connection[64];

    public int Count { get; private set; }

    /// <summary>The connection with the earliest time; null if there is none.</summary>
    public Ngtcp2Connection? First => Count > 0 ? _heap[0] : null;

    /// <summary>Adds the connection, or changes its time.</summary>
    public void Set(Ngtcp2Connection connection, ulong expiry)
    {
        if (connection.HeapIndex < 0)
        {
            if (Count == _heap.Length)
            {
                Array.Resize(ref _heap, Count * 2);
            }

            connection.HeapIndex = Count;
            _heap[Count++] = connection;
            connection.HeapExpiry = expiry;
            Up(connection.HeapIndex);
            return;
        }
        ulong before = connection.HeapExpiry;
        connection.HeapExpiry = expiry;
        if (expiry < before)
        {
            Up(connection.HeapIndex);
        }
        else if (expiry > before)
        {
            Down(connection.HeapIndex);
        }
    }

    public void Remove(Ngtcp2Connection connection)
    {
        int index = connection.HeapIndex;
        if (index < 0)
        {
            return;
        }

        connection.HeapIndex = -1;
        Ngtcp2Connection last = _heap[--Count];
        _heap[Count] = null!;
        if (index == Count)
        {
            return;
        }

        Place(last, index);
        Up(index);
        Down(last.HeapIndex);
    }

    private void Up(int index)
    {
        Ngtcp2Connection moving = _heap[index];
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (_heap[parent].HeapExpiry <= moving.HeapExpiry)
            {
                break;
            }

            Place(_heap[parent], index);
            index = parent;
        }
        Place(moving, index);
    }

    private void Down(int index)
    {
        Ngtcp2Connection moving = _heap[index];
        while (true)
        {
            int child = index * 2 + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && _heap[child + 1].HeapExpiry < _heap[child].HeapExpiry)
            {
                child++;
            }

            if (_heap[child].HeapExpiry >= moving.HeapExpiry)
            {
                break;
            }

            Place(_heap[child], index);
            index = child;
        }
        Place(moving, index);
    }

    private void Place(Ngtcp2Connection connection, int index)
    {
        _heap[index] = connection;
        connection.HeapIndex = index;
    }
}
