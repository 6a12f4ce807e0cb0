using System.Numerics;

namespace MtaTls.QuicTunnel.Reordering;

/// <summary>
/// Puts a session's packets back into the order of their tags (draft section 4.1.1). A packet that is due goes through at once and
/// uncopied; one that is ahead waits, for at most a time and in a buffer of at most a size. What is missing is given up earlier when
/// every path that brings packets has brought later ones. A late packet is delivered at once, a duplicate not at all.
/// Not thread-safe: its session locks.
/// </summary>
internal sealed class ReorderBuffer
{
    // As with TCP's duplicate acknowledgements: so many later packets on a path mean loss rather than reordering in the network.
    private const int ReorderingThreshold = 3;

    // So many packets in a row from far behind mean that the peer counts anew.
    private const int RestartThreshold = 32;

    private const int LateStart = 16;

    private const int AveragePacket = 2048;

    // A path that was quiet may be bringing its first packet for a while: it is waited for this part of the longest delay.
    private const int QuietPathDivisor = 4;

    // From this share on of missing packets that came after all, it is worth waiting for them: the peer sends again what its paths lose.
    private const double WorthWaiting = 0.25;

    private readonly IReorderSink _sink;
    private readonly bool _isEnabled;
    private readonly int _maxPackets;
    private readonly long _maxDelay;
    private readonly PathMark[] _paths;
    private Slot[] _slots = []; // Made when the first packet has to wait.
    private readonly DuplicateFilter _duplicates;
    private readonly ArrivalDelay _delay;
    private bool _started;
    private ushort _next;
    private int _count;
    private int _bytes;
    private int _farBehind;
    private long _gapStart;
    private double _repaired; // The share of missing packets that came although every path had brought later ones.

    /// <param name="sink">Takes the packets.</param>
    /// <param name="maxPackets">Packets that wait at most.</param>
    /// <param name="maxDelay">How long one waits at most, in the caller's clock's ticks. The bound follows what missing packets really took.</param>
    /// <param name="maxPaths">Paths are numbered from 0 to this, less one.</param>
    /// <param name="isEnabled">False delivers every packet as it comes, duplicates excepted.</param>
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

    /// <summary>Packets that wait now.</summary>
    public int Depth => _count;

    /// <summary>When <see cref="Expire"/> is due; <see cref="long.MaxValue"/> when nothing waits.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

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

    /// <summary>Delivers what has waited long enough, and with it what is due then.</summary>
    public void Expire(long now)
    {
        while (_count > 0 && OldestArrival() + _delay.Bound <= now)
        {
            SkipGap();
        }

        UpdateDeadline();
    }

    /// <summary>A path is there that may bring packets.</summary>
    public void Attach(int path) => _paths[path] = new PathMark { IsAttached = true };

    /// <summary>A path is gone and its number free.</summary>
    public void Forget(int path) => _paths[path] = default;

    /// <summary>Delivers everything that waits.</summary>
    public void Flush()
    {
        while (_count > 0)
        {
            SkipGap();
        }

        UpdateDeadline();
    }

    /// <summary>Gives up what waits, when nobody wants it any more.</summary>
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
            // Counts begin with 0 or 1: where the first to come is a little later, another path brings those before it.
            _next = tag is > 1 and <= LateStart ? (ushort)1 : tag;
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
            _delay.Add(now - _gapStart);
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
            // It was given up too soon.
            _slots[tag & (_slots.Length - 1)].SkippedTag = -1;
            _delay.Add(now - skipped.Arrival);
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
            // Everything before it has been given up, or it is so far ahead that nothing can be said of what is between.
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
            // Another packet with this tag waits already: the peer's tags are no count.
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

    // The gap before the first packet that waits is as old as the first packet that came after it.
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
        public long Arrival; // Of the packet; of a tag that was given up, when its gap began.
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
