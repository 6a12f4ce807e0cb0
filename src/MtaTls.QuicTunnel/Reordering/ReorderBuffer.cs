using System.Numerics;

namespace MtaTls.QuicTunnel.Reordering;

/// <summary>
/// Puts a session's packets back into the order of their tags (draft section 4.1.1). The next packet in order is delivered at once and
/// without a copy. A packet after a gap waits; time and buffer size are limited. The wait ends earlier when every path has delivered
/// later packets. A late packet is delivered at once, a duplicate never.
/// Not thread-safe: the receive side of the session locks it.
/// </summary>
internal sealed class ReorderBuffer
{
    // As with TCP's duplicate acknowledgements: this many later packets on a path mean loss, not reordering in the network.
    private const int ReorderingThreshold = 3;

    // This many packets in a row from far behind mean that the peer has restarted its count.
    private const int RestartThreshold = 32;

    private const int AveragePacket = 2048;

    // A quiet path may deliver its first packet for a while soon, so it gets this part of the longest delay.
    private const int QuietPathDivisor = 4;

    // If at least this share of the missing packets arrived after all, waiting is worthwhile: the peer repeats lost packets.
    private const double WorthWaiting = 0.25;

    private readonly IReorderSink _sink;
    private readonly bool _isEnabled;
    private readonly int _maxPackets;
    private readonly long _maxDelay;
    private readonly PathMark[] _paths;
    private Slot[] _slots = []; // Allocated when the first packet has to wait.
    private readonly DuplicateFilter _duplicates;
    private readonly ArrivalDelay _delay;
    private bool _started;
    private ushort _next;
    private int _count;
    private int _bytes;
    private int _farBehind;
    private long _gapStart;

    // The share of missing packets that arrived although every path had delivered later ones. At the beginning packets are waited for, until some have not arrived.
    private double _repaired = 0.3;

    /// <param name="sink">Receives the packets in order.</param>
    /// <param name="maxPackets">The most packets that wait.</param>
    /// <param name="maxDelay">The longest wait, in ticks of the caller's clock. Within this limit the wait follows the measured delay of missing packets.</param>
    /// <param name="maxPaths">The number of possible paths; their numbers start at 0.</param>
    /// <param name="isEnabled">Whether to reorder. When false, every packet except duplicates is delivered when it arrives.</param>
    public ReorderBuffer(IReorderSink sink, int maxPackets, long maxDelay, int maxPaths, bool isEnabled = true)
    {
        _isEnabled = isEnabled;
        _sink = sink;
        _maxPackets = maxPackets;
        _maxDelay = maxDelay;
        _delay = new ArrivalDelay(maxDelay);
        _paths = new PathMark[maxPaths];
        _duplicates = new DuplicateFilter((int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(512, maxPackets * 2)));
    }

    /// <summary>The number of waiting packets.</summary>
    public int Depth => _count;

    /// <summary>When <see cref="Expire"/> must be called; <see cref="long.MaxValue"/> if no packet waits.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>How long the buffer waits for a missing packet now.</summary>
    public long Bound => _delay.Bound;

    public long Duplicates { get; private set; }

    public void Receive(int path, ushort tag, ushort protocolType, ReadOnlySpan<byte> packet, long now)
    {
        ref PathMark mark = ref _paths[path];
        if (!mark.HasHighest || (short)(tag - mark.Highest) > 0)
        {
            mark.Highest = tag;
        }

        mark.IsAttached = true;
        mark.HasHighest = true;
        mark.LastSeen = now;

        if (_duplicates.IsDuplicate(path, tag, packet))
        {
            Duplicates++;
        }
        else if (!_isEnabled)
        {
            _sink.Deliver(protocolType, packet);
        }
        else
        {
            Place(tag, protocolType, packet, now);
        }

        if (_count > 0)
        {
            ReleaseLost(now);
        }
    }

    /// <summary>Delivers the packets that have waited long enough, and the packets directly after them.</summary>
    public void Expire(long now)
    {
        while (_count > 0 && OldestArrival() + _delay.Bound <= now)
        {
            SkipGap();
        }

        UpdateDeadline();
    }

    /// <summary>Adds a path that may deliver packets.</summary>
    public void Attach(int path) => _paths[path] = new PathMark { IsAttached = true };

    /// <summary>Removes a path. Its number is free again.</summary>
    public void Forget(int path) => _paths[path] = default;

    /// <summary>Delivers all waiting packets.</summary>
    public void Flush()
    {
        while (_count > 0)
        {
            SkipGap();
        }

        UpdateDeadline();
    }

    /// <summary>Drops all waiting packets, because the session has ended.</summary>
    public void Clear()
    {
        for (int i = 0; i < _slots.Length && _count > 0; i++)
        {
            if (_slots[i].IsTaken)
            {
                HeldPacket packet = _slots[i].Packet;
                Vacate(ref _slots[i]);
                packet.Free();
            }
        }

        UpdateDeadline();
    }

    private void Place(ushort tag, ushort protocolType, ReadOnlySpan<byte> packet, long now)
    {
        if (!_started)
        {
            _started = true;
            // Counts begin with 0 or 1. If the first packet to arrive has a higher tag within the window, another path delivers the packets before it.
            _next = tag > 1 && tag <= _maxPackets ? (ushort)1 : tag;
        }

        short distance = (short)(tag - _next);
        if (distance == 0)
        {
            DeliverDue(protocolType, packet, now);
        }
        else if (distance < 0)
        {
            DeliverLate(distance, tag, protocolType, packet, now);
        }
        else
        {
            Hold(tag, distance, protocolType, packet, now);
        }
    }

    private void DeliverDue(ushort protocolType, ReadOnlySpan<byte> packet, long now)
    {
        _farBehind = 0;
        if (_count > 0)
        {
            _delay.Add(now - _gapStart, now);
            if (HaveAllPassed(_next, now))
            {
                _repaired += (1 - _repaired) / 8;
            }
        }

        _next++;
        _sink.Deliver(protocolType, packet);
        if (_count > 0)
        {
            int before = _count;
            DeliverConsecutive();
            if (_count != before)
            {
                UpdateDeadline();
            }
        }
    }

    private void DeliverLate(int distance, ushort tag, ushort protocolType, ReadOnlySpan<byte> packet, long now)
    {
        if (_slots.Length > 0 && _slots[tag & (_slots.Length - 1)] is { SkippedTag: >= 0 } skipped && skipped.SkippedTag == tag)
        {
            // The wait for this packet ended too early.
            _slots[tag & (_slots.Length - 1)].SkippedTag = -1;
            _delay.Add(now - skipped.Arrival, now);
            _repaired += (1 - _repaired) / 8;
        }

        if (distance < -_maxPackets)
        {
            if (++_farBehind >= RestartThreshold)
            {
                Flush();
                foreach (ref PathMark mark in _paths.AsSpan())
                {
                    mark.HasHighest = false;
                }

                _next = (ushort)(tag + 1);
                _farBehind = 0;
            }
        }
        else
        {
            _farBehind = 0;
        }

        _sink.Deliver(protocolType, packet);
    }

    private void Hold(ushort tag, int distance, ushort protocolType, ReadOnlySpan<byte> packet, long now)
    {
        _farBehind = 0;
        while (_count > 0 && (distance >= _maxPackets || _bytes + packet.Length > _maxPackets * AveragePacket))
        {
            SkipGap();
            distance = (short)(tag - _next);
        }

        if (distance <= 0 || distance >= _maxPackets)
        {
            // The wait for all packets before it has ended, or it is so far ahead that nothing is known about the packets between.
            if (distance >= 0)
            {
                _next = (ushort)(tag + 1);
            }

            _sink.Deliver(protocolType, packet);
            DeliverConsecutive();
            UpdateDeadline();
            return;
        }

        if (_slots.Length == 0)
        {
            _slots = new Slot[BitOperations.RoundUpToPowerOf2((uint)_maxPackets)];
            foreach (ref Slot empty in _slots.AsSpan())
            {
                empty.SkippedTag = -1;
            }
        }

        ref Slot slot = ref _slots[tag & (_slots.Length - 1)];
        if (slot.IsTaken)
        {
            // Another packet with this tag already waits, so the peer's tags are not a count.
            _sink.Deliver(protocolType, packet);
            return;
        }

        slot.Packet = HeldPacket.Copy(protocolType, packet);
        slot.Arrival = now;
        slot.SkippedTag = -1;
        _bytes += packet.Length;
        if (_count++ == 0)
        {
            _gapStart = now;
            Deadline = now + _delay.Bound;
        }
    }

    private void ReleaseLost(long now)
    {
        while (_count > 0 && _repaired < WorthWaiting && HaveAllPassed(_next, now))
        {
            SkipGap();
            UpdateDeadline();
        }
    }

    private bool HaveAllPassed(ushort tag, long now)
    {
        long gapAge = now - _gapStart;
        foreach (ref readonly PathMark mark in _paths.AsSpan())
        {
            if (!mark.IsAttached)
            {
                continue;
            }

            bool quiet = !mark.HasHighest || now - mark.LastSeen >= _maxDelay;
            if (quiet ? gapAge < _maxDelay / QuietPathDivisor : (short)(mark.Highest - tag) < ReorderingThreshold)
            {
                return false;
            }
        }

        return true;
    }

    private void SkipGap()
    {
        _repaired -= _repaired / 16;
        while (true)
        {
            ref Slot slot = ref _slots[_next & (_slots.Length - 1)];
            if (slot.IsTaken)
            {
                break;
            }

            (slot.SkippedTag, slot.Arrival) = (_next++, _gapStart);
        }

        DeliverConsecutive();
    }

    private void DeliverConsecutive()
    {
        while (_count > 0)
        {
            ref Slot slot = ref _slots[_next & (_slots.Length - 1)];
            if (!slot.IsTaken)
            {
                return;
            }

            HeldPacket packet = slot.Packet;
            _next++;
            Vacate(ref slot);
            _sink.Deliver(packet);
        }
    }

    private void Vacate(ref Slot slot)
    {
        _bytes -= slot.Packet.Length;
        _count--;
        slot.Packet = default;
    }

    // A gap is as old as the first packet that arrived after it.
    private long OldestArrival()
    {
        long oldest = long.MaxValue;
        int left = _count;
        for (ushort tag = _next; left > 0; tag++)
        {
            ref readonly Slot slot = ref _slots[tag & (_slots.Length - 1)];
            if (!slot.IsTaken)
            {
                continue;
            }

            left--;
            oldest = Math.Min(oldest, slot.Arrival);
        }

        return oldest;
    }

    private void UpdateDeadline()
    {
        _gapStart = _count == 0 ? 0 : OldestArrival();
        Deadline = _count == 0 ? long.MaxValue : _gapStart + _delay.Bound;
    }

    private struct Slot
    {
        public HeldPacket Packet;
        public long Arrival; // When the packet arrived; for a skipped tag, when its gap began.
        public int SkippedTag;

        public readonly bool IsTaken => Packet.Buffer is not null;
    }

    private struct PathMark
    {
        public bool IsAttached;
        public bool HasHighest;
        public ushort Highest;
        public long LastSeen;
    }
}
