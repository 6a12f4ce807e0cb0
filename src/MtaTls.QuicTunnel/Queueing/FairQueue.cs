using MtaTls.Quic.Ngtcp2;

namespace MtaTls.QuicTunnel.Queueing;

/// <summary>
/// The packets of one session that wait to be sent: a queue for each flow, served in turn, new flows first (FQ-CoDel, RFC 8290), each with CoDel (RFC 8289), so that a flow that sends more than the
/// paths carry is told so by the loss of a packet before its delay grows. Not thread-safe: its session locks. Small until packets wait.
/// </summary>
/// <param name="maxPackets">How many wait at most; then the longest queue loses its first.</param>
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

    /// <summary>Packets that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Their bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds a packet at the end of its flow. Returns one that is dropped for it, when there are too many.</summary>
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

    /// <summary>The packet whose turn it is, without taking it; null when none waits.</summary>
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

    /// <summary>Takes the packet whose turn it is. Those that CoDel drops on the way are chained to <paramref name="dropped"/>.</summary>
    /// <param name="now">The time.</param>
    /// <param name="target">The delay that may stay, in the clock's ticks.</param>
    /// <param name="interval">How long a larger delay may last.</param>
    /// <param name="dropped">The first of those that were dropped, the others after it; null when none was.</param>
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
    /// Takes a packet from behind: the one that will be due when <paramref name="ahead"/> bytes have gone. It is for a slower path, over which it arrives when its turn would have come. Null when so
    /// many do not wait.
    /// </summary>
    /// <param name="ahead">Bytes that go before it.</param>
    /// <param name="maxLength">The largest that the path takes.</param>
    /// <param name="packets">How many packets go before it.</param>
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

        // The flows share what goes before it.
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

        packets = position * Math.Max(1, busy);
        Unlink(ref _flows[longest], slot);
        return slot;
    }

    /// <summary>Takes any packet, to give it up.</summary>
    public DatagramSlot? TakeAny()
    {
        if (Peek() is not { } slot)
        {
            return null;
        }

        Unlink(ref _flows[slot.Flow], slot);
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
            // RFC 8289, section 5.3: what was learnt in the last dropping state holds if that was not long ago.
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

    private DatagramSlot DropFromLongest()
    {
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
