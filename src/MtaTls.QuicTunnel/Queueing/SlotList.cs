using MtaTls.Quic.Ngtcp2;

namespace MtaTls.QuicTunnel.Queueing;

/// <summary>A first-in, first-out list of slots, linked by <see cref="DatagramSlot.Next"/>.</summary>
internal struct SlotList
{
    private DatagramSlot? _last;

    public DatagramSlot? First { get; private set; }

    public int Count { get; private set; }

    public void Add(DatagramSlot slot)
    {
        (slot.Next, slot.Previous) = (null, null);
        if (_last is null)
        {
            First = slot;
        }
        else
        {
            _last.Next = slot;
        }

        _last = slot;
        Count++;
    }

    public DatagramSlot? TakeFirst()
    {
        if (First is not { } slot)
        {
            return null;
        }

        First = slot.Next;
        if (First is null)
        {
            _last = null;
        }

        slot.Next = null;
        Count--;
        return slot;
    }
}
