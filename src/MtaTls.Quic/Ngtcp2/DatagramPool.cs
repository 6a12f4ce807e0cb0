namespace MtaTls.Quic.Ngtcp2;

/// <summary>One datagram that waits to be sent. It belongs to a pool and is in one queue at most.</summary>
internal sealed unsafe class DatagramSlot(byte* data)
{
    public byte* Data { get; } = data;
    public int Length;
    public DatagramSlot? Next;

    // The owner's, for a slot that a source hands out.
    public DatagramSlot? Previous;
    public long Stamp;
    public int Flow;
    public int Attempts;
    public bool IsTagged;

    public Span<byte> Span => new(Data, Length);

    public Span<byte> FullSpan(int size) => new(Data, size);
}

/// <summary>
/// Memory for waiting datagrams, shared by the connections of a listener or of an engine: it grows by slabs up to a limit and is used again, so that a
/// connection without traffic costs nothing and traffic allocates nothing.
/// </summary>
internal sealed unsafe class DatagramPool(int slotSize, int maxSlots)
{
    private const int SlabSlots = 64;

    // Pinned for good: the slots point into them.
    private readonly List<byte[]> _slabs = [];
    private readonly Lock _lock = new();
    private DatagramSlot? _free;

    public int SlotSize { get; } = slotSize;

    /// <summary>Slots made so far.</summary>
    public int Allocated { get; private set; }

    /// <summary>A slot, or null when the limit is reached and all are in use.</summary>
    public DatagramSlot? Rent()
    {
        lock (_lock)
        {
            if (_free is null && !Grow())
            {
                return null;
            }

            DatagramSlot slot = _free!;
            _free = slot.Next;
            slot.Next = null;
            return slot;
        }
    }

    /// <summary>Takes back one slot.</summary>
    public void Return(DatagramSlot slot) => Return(slot, slot);

    /// <summary>Takes back a chain of slots, which must no longer be in a queue.</summary>
    public void Return(DatagramSlot first, DatagramSlot last)
    {
        lock (_lock)
        {
            last.Next = _free;
            _free = first;
        }
    }

    private bool Grow()
    {
        if (Allocated >= maxSlots)
        {
            return false;
        }

        byte[] slab = GC.AllocateUninitializedArray<byte>(SlotSize * SlabSlots, pinned: true);
        _slabs.Add(slab);
        fixed (byte* start = slab)
        {
            for (int i = 0; i < SlabSlots; i++)
            {
                _free = new DatagramSlot(start + i * SlotSize) { Next = _free };
            }
        }
        Allocated += SlabSlots;
        return true;
    }
}
