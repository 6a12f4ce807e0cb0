namespace MtaTls.Quic.Ngtcp2;

/// <summary>Memory for one waiting datagram. It belongs to a pool and is in at most one queue.</summary>
internal sealed unsafe class DatagramSlot(byte* data)
{
    public byte* Data { get; } = data;
    public int Length;
    public DatagramSlot? Next;

    // For the source that the slot comes from; the connection does not use these fields.
    public DatagramSlot? Previous;
    public long Stamp;
    public int Flow;
    public int Attempts;
    public bool IsTagged;

    public Span<byte> Span => new(Data, Length);

    public Span<byte> FullSpan(int size) => new(Data, size);
}

/// <summary>
/// Memory for waiting datagrams, which the connections of a listener or an engine share. It grows in slabs up to a limit, and slots are used again: a
/// connection without traffic uses no memory here, and traffic allocates nothing.
/// </summary>
internal sealed unsafe class DatagramPool(int slotSize, int maxSlots)
{
    private const int SlabSlots = 64;

    // Pinned arrays, because the slots point into them. They are kept as long as the pool.
    private readonly List<byte[]> _slabs = [];
    private readonly Lock _lock = new();
    private DatagramSlot? _free;
    private int _used;

    public int SlotSize { get; } = slotSize;

    /// <summary>Slots that were created so far.</summary>
    public int Allocated { get; private set; }

    /// <summary>Takes a free slot. Null when the limit is reached and all slots are in use.</summary>
    /// <param name="held">
    /// The slots that the caller has already. It gets another one only while more than these are free. So callers that give nothing back share the pool evenly, and always leave some for others (the
    /// dynamic thresholds of shared-memory switches).
    /// </param>
    public DatagramSlot? Rent(int held = 0)
    {
        lock (_lock)
        {
            if (held >= maxSlots - _used || (_free is null && !Grow()))
            {
                return null;
            }

            DatagramSlot slot = _free!;
            _free = slot.Next;
            slot.Next = null;
            _used++;
            return slot;
        }
    }

    /// <summary>Takes back one slot.</summary>
    public void Return(DatagramSlot slot) => Return(slot, slot, 1);

    /// <summary>Takes back a chain of slots, which must no longer be in a queue.</summary>
    public void Return(DatagramSlot first, DatagramSlot last, int count)
    {
        lock (_lock)
        {
            last.Next = _free;
            _free = first;
            _used -= count;
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
