using MtaTls.Quic.Ngtcp2;

namespace MtaTls.QuicTunnel.Queueing;

/// <summary>
/// The waiting packets of one session. Each flow has a queue, and the queues are served in turn, new flows first (FQ-CoDel, RFC 8290). CoDel (RFC 8289) drops a packet of a flow that sends more than
/// the paths carry, before its delay grows. Memory for the flows is allocated with the first packet. Not thread-safe: the send side locks it.
/// </summary>
/// <param name="maxPackets">The most packets that wait. Above it, the first packet of the longest queue is dropped.</param>
internal sealed class FairQueue(int maxPackets)
{
    private const int Queues = 256;
    private const int Quantum = 1514;
    private const int None = -1;

    private Flow[] _flows = [];
    private List _new = new(), _old = new();

    private enum Place : byte
    {
        Nowhere,
        New,
        Old,
    }

    /// <summary>The number of waiting packets.</summary>
    public int Count { get; private set; }

    /// <summary>The bytes of the waiting packets.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds a packet at the end of its flow. Returns a packet to drop if there are too many; null otherwise.</summary>
    public DatagramSlot? Add(DatagramSlot slot, uint hash, long now)
    {
        if (_flows.Length == 0)
        {
            _flows = new Flow[Queues];
        }

        int index = (int)(hash % Queues);
        ref Flow flow = ref _flows[index];
        (slot.Stamp, slot.Flow, slot.Next, slot.Previous) = (now, index, null, flow.Last);
        if (flow.Last is { } last)
        {
            last.Next = slot;
        }
        else
        {
            flow.First = slot;
        }

        flow.Last = slot;
        flow.Count++;
        flow.Bytes += slot.Length;
        Count++;
        Bytes += slot.Length;
        if (flow.Place == Place.Nowhere)
        {
            flow.Deficit = Quantum;
            Append(ref _new, index, Place.New);
        }

        return Count > maxPackets ? DropFromLongest() : null;
    }

    /// <summary>Returns the next packet without removing it; null if no packet waits.</summary>
    public DatagramSlot? Peek()
    {
        while (Count > 0)
        {
            ref List list = ref _new.First != None ? ref _new : ref _old;
            ref Flow flow = ref _flows[list.First];
            if (flow.Deficit <= 0)
            {
                flow.Deficit += Quantum;
                Append(ref _old, RemoveFirst(ref list), Place.Old);
            }
            else if (flow.First is { } first)
            {
                return first;
            }
            else
            {
                bool wasNew = flow.Place == Place.New;
                int index = RemoveFirst(ref list);
                if (wasNew && _old.First != None)
                {
                    Append(ref _old, index, Place.Old);
                }
            }
        }

        return null;
    }

    /// <summary>Removes and returns the next packet; null if no packet is left. Packets that CoDel drops are chained to <paramref name="dropped"/>.</summary>
    /// <param name="now">The time now, in ticks of the clock.</param>
    /// <param name="target">The acceptable standing delay (CoDel), in ticks.</param>
    /// <param name="interval">How long the delay may stay above the target (CoDel), in ticks.</param>
    /// <param name="dropped">The chain of dropped packets; null if none was dropped.</param>
    public DatagramSlot? Take(long now, long target, long interval, out DatagramSlot? dropped)
    {
        dropped = null;
        while (Peek() is { } slot)
        {
            ref Flow flow = ref _flows[slot.Flow];
            if (CoDel(ref flow, slot, now, target, interval, ref dropped) is not { } taken)
            {
                continue; // The flow is empty now.
            }

            flow.Deficit -= taken.Length;
            return taken;
        }

        return null;
    }

    /// <summary>
    /// Removes and returns the packet whose turn comes after <paramref name="ahead"/> bytes. It is for a slower path, over which it arrives just when its turn comes. Null if fewer bytes wait, or the packet
    /// is too large.
    /// </summary>
    /// <param name="ahead">The bytes that are sent before it.</param>
    /// <param name="maxLength">The largest datagram that the path carries, in bytes.</param>
    /// <param name="packets">The estimated number of packets that are sent before it.</param>
    public DatagramSlot? TakeBehind(long ahead, int maxLength, out int packets)
    {
        packets = 0;
        int longest = None, busy = 0;
        for (int pass = 0; pass < 2; pass++)
        {
            for (int index = pass == 0 ? _new.First : _old.First; index != None; index = _flows[index].Next)
            {
                ref readonly Flow flow = ref _flows[index];
                busy += flow.Count > 1 ? 1 : 0;
                if (longest == None || flow.Bytes > _flows[longest].Bytes)
                {
                    longest = index;
                }
            }
        }

        // The flows with several packets share the bytes that are sent before it.
        long own = ahead / Math.Max(1, busy);
        if (longest == None || _flows[longest].Bytes <= own)
        {
            return null;
        }

        DatagramSlot? slot = _flows[longest].First;
        int position = 0;
        for (long bytes = 0; slot is not null && bytes < own; slot = slot.Next)
        {
            bytes += slot.Length;
            position++;
        }

        if (slot is null || slot.Length > maxLength)
        {
            return null;
        }

        packets = Math.Min(position * Math.Max(1, busy), Count - 1);
        Unlink(ref _flows[longest], slot);
        return slot;
    }

    /// <summary>Removes and returns the next packet without CoDel, to drop it; null if no packet waits.</summary>
    public DatagramSlot? TakeAny()
    {
        if (Peek() is not { } slot)
        {
            return null;
        }

        Unlink(ref _flows[slot.Flow], slot);
        return slot;
    }

    /// <summary>Removes and returns the first packet of the longest flow, to drop it; null if no packet waits.</summary>
    public DatagramSlot? DropFromLongest()
    {
        if (Count == 0)
        {
            return null;
        }

        int longest = 0;
        for (int i = 1; i < _flows.Length; i++)
        {
            if (_flows[i].Bytes > _flows[longest].Bytes)
            {
                longest = i;
            }
        }

        DatagramSlot slot = _flows[longest].First!;
        Unlink(ref _flows[longest], slot);
        return slot;
    }

    private DatagramSlot? CoDel(ref Flow flow, DatagramSlot first, long now, long target, long interval, ref DatagramSlot? dropped)
    {
        DatagramSlot? slot = first;
        Unlink(ref flow, slot);
        bool mayDrop = MayDrop(ref flow, slot, now, target, interval);
        if (flow.IsDropping)
        {
            if (!mayDrop)
            {
                flow.IsDropping = false;
            }

            while (flow.IsDropping && now >= flow.DropNext)
            {
                flow.Drops++;
                Chain(slot, ref dropped);
                slot = flow.First;
                if (slot is null)
                {
                    flow.IsDropping = false;
                    return null;
                }

                Unlink(ref flow, slot);
                if (!MayDrop(ref flow, slot, now, target, interval))
                {
                    flow.IsDropping = false;
                }
                else
                {
                    flow.DropNext += ControlLaw(interval, flow.Drops);
                }
            }
        }
        else if (mayDrop)
        {
            Chain(slot, ref dropped);
            slot = flow.First;
            flow.IsDropping = true;
            // Start with the drop rate of the last dropping state if that was recent (RFC 8289, section 5.3).
            int delta = flow.Drops - flow.LastDrops;
            flow.Drops = delta > 1 && now - flow.DropNext < 16 * interval ? delta : 1;
            flow.DropNext = now + ControlLaw(interval, flow.Drops);
            flow.LastDrops = flow.Drops;
            if (slot is null)
            {
                return null;
            }

            Unlink(ref flow, slot);
            MayDrop(ref flow, slot, now, target, interval);
        }

        return slot;
    }

    private static long ControlLaw(long interval, int drops) => (long)(interval / Math.Sqrt(Math.Max(1, drops)));

    private static bool MayDrop(ref Flow flow, DatagramSlot slot, long now, long target, long interval)
    {
        if (now - slot.Stamp < target || flow.Bytes <= Quantum)
        {
            flow.FirstAbove = 0;
            return false;
        }

        if (flow.FirstAbove == 0)
        {
            flow.FirstAbove = now + interval;
            return false;
        }

        return now >= flow.FirstAbove;
    }

    private void Unlink(ref Flow flow, DatagramSlot slot)
    {
        if (slot.Previous is { } previous)
        {
            previous.Next = slot.Next;
        }
        else
        {
            flow.First = slot.Next;
        }

        if (slot.Next is { } next)
        {
            next.Previous = slot.Previous;
        }
        else
        {
            flow.Last = slot.Previous;
        }

        (slot.Next, slot.Previous) = (null, null);
        flow.Count--;
        flow.Bytes -= slot.Length;
        Count--;
        Bytes -= slot.Length;
    }

    private static void Chain(DatagramSlot slot, ref DatagramSlot? chain) => (slot.Next, chain) = (chain, slot);

    private void Append(ref List list, int index, Place place)
    {
        ref Flow flow = ref _flows[index];
        (flow.Place, flow.Next) = (place, None);
        if (list.First == None)
        {
            list.First = index;
        }
        else
        {
            _flows[list.Last].Next = index;
        }

        list.Last = index;
    }

    private int RemoveFirst(ref List list)
    {
        int index = list.First;
        list.First = _flows[index].Next;
        if (list.First == None)
        {
            list.Last = None;
        }

        _flows[index].Place = Place.Nowhere;
        return index;
    }

    private struct Flow
    {
        public DatagramSlot? First, Last;
        public int Count, Bytes, Deficit, Next, Drops, LastDrops;
        public long FirstAbove, DropNext;
        public Place Place;
        public bool IsDropping;
    }

    private struct List
    {
        public int First = None, Last = None;

        public List()
        {
        }
    }
}
