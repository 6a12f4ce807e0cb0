using System.Numerics;
using MtaTls.QuicTunnel.Packets;

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

    private const int AverageDatagram = 2048;

    // A path that was quiet may be bringing its first packet for a while: it is waited for this part of the longest delay.
    private const int QuietPathDivisor = 4;

    private readonly IReorderSink _sink;
    private readonly int _maxPackets;
    private readonly long _maxDelay;
    private readonly PathMark[] _paths;
    private Slot[] _slots = []; // Made when the first packet has to wait.
    private readonly DuplicateFilter _duplicates;
    private bool _started;
    private ushort _next;
    private int _count;
    private int _bytes;
    private int _farBehind;

    /// <param name="sink">Takes the packets.</param>
    /// <param name="maxPackets">Packets that wait at most.</param>
    /// <param name="maxDelay">How long one waits at most, in the caller's clock's ticks.</param>
    /// <param name="maxPaths">Paths are numbered from 0 to this, less one.</param>
    public ReorderBuffer(IReorderSink sink, int maxPackets, long maxDelay, int maxPaths)
    {
        _sink = sink;
        _maxPackets = maxPackets;
        _maxDelay = maxDelay;
        _paths = new PathMark[maxPaths];
        _duplicates = new DuplicateFilter((int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(512, maxPackets * 2)));
    }

    /// <summary>Packets that wait now.</summary>
    public int Depth => _count;

    /// <summary>When <see cref="Expire"/> is due; <see cref="long.MaxValue"/> when nothing waits.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    public long Duplicates { get; private set; }

    public void Receive(int path, ushort tag, ReadOnlySpan<byte> datagram, long now)
    {
        ref PathMark mark = ref _paths[path];
        if (!mark.HasHighest || (short)(tag - mark.Highest) > 0)
        {
            mark.Highest = tag;
        }

        mark.IsAttached = true;
        mark.HasHighest = true;
        mark.LastSeen = now;

        if (_duplicates.IsDuplicate(tag, datagram))
        {
            Duplicates++;
        }
        else
        {
            Place(tag, datagram, now);
        }

        if (_count > 0)
        {
            ReleaseLost(now);
        }
    }

    /// <summary>Delivers what has waited long enough, and with it what is due then.</summary>
    public void Expire(long now)
    {
        while (_count > 0 && OldestArrival() + _maxDelay <= now)
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
            if (_slots[i].Buffer is { } buffer)
            {
                Free(ref _slots[i], buffer);
            }
        }

        UpdateDeadline();
    }

    private void Place(ushort tag, ReadOnlySpan<byte> datagram, long now)
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
            DeliverDue(datagram);
        }
        else if (distance < 0)
        {
            DeliverLate(distance, tag, datagram);
        }
        else
        {
            Hold(tag, distance, datagram, now);
        }
    }

    private void DeliverDue(ReadOnlySpan<byte> datagram)
    {
        _farBehind = 0;
        _next++;
        _sink.Deliver(datagram);
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

    private void DeliverLate(int distance, ushort tag, ReadOnlySpan<byte> datagram)
    {
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

        _sink.Deliver(datagram);
    }

    private void Hold(ushort tag, int distance, ReadOnlySpan<byte> datagram, long now)
    {
        _farBehind = 0;
        while (_count > 0 && (distance >= _maxPackets || _bytes + datagram.Length > _maxPackets * AverageDatagram))
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

            _sink.Deliver(datagram);
            DeliverConsecutive();
            UpdateDeadline();
            return;
        }

        if (_slots.Length == 0)
        {
            _slots = new Slot[BitOperations.RoundUpToPowerOf2((uint)_maxPackets)];
        }

        ref Slot slot = ref _slots[tag & (_slots.Length - 1)];
        if (slot.Buffer is not null)
        {
            // Another packet with this tag waits already: the peer's tags are no count.
            _sink.Deliver(datagram);
            return;
        }

        slot.Buffer = PacketPool.Shared.Rent(datagram.Length);
        slot.Length = datagram.Length;
        slot.Arrival = now;
        datagram.CopyTo(slot.Buffer);
        _bytes += datagram.Length;
        if (_count++ == 0)
        {
            Deadline = now + _maxDelay;
        }
    }

    private void ReleaseLost(long now)
    {
        while (_count > 0 && IsLost(_next, now))
        {
            SkipGap();
            UpdateDeadline();
        }
    }

    private bool IsLost(ushort tag, long now)
    {
        long gapAge = now - (Deadline - _maxDelay);
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
        while (_slots[_next & (_slots.Length - 1)].Buffer is null)
        {
            _next++;
        }

        DeliverConsecutive();
    }

    private void DeliverConsecutive()
    {
        while (_count > 0)
        {
            ref Slot slot = ref _slots[_next & (_slots.Length - 1)];
            if (slot.Buffer is not { } buffer)
            {
                return;
            }

            int length = slot.Length;
            _next++;
            slot.Buffer = null;
            _bytes -= length;
            _count--;
            try
            {
                _sink.Deliver(buffer.AsSpan(0, length));
            }
            finally
            {
                PacketPool.Shared.Return(buffer);
            }
        }
    }

    private void Free(ref Slot slot, byte[] buffer)
    {
        slot.Buffer = null;
        _bytes -= slot.Length;
        _count--;
        PacketPool.Shared.Return(buffer);
    }

    // The gap before the first packet that waits is as old as the first packet that came after it.
    private long OldestArrival()
    {
        long oldest = long.MaxValue;
        int left = _count;
        for (ushort tag = _next; left > 0; tag++)
        {
            ref readonly Slot slot = ref _slots[tag & (_slots.Length - 1)];
            if (slot.Buffer is null)
            {
                continue;
            }

            left--;
            oldest = Math.Min(oldest, slot.Arrival);
        }

        return oldest;
    }

    private void UpdateDeadline() => Deadline = _count == 0 ? long.MaxValue : OldestArrival() + _maxDelay;

    private struct Slot
    {
        public byte[]? Buffer;
        public int Length;
        public long Arrival;
    }

    private struct PathMark
    {
        public bool IsAttached;
        public bool HasHighest;
        public ushort Highest;
        public long LastSeen;
    }
}
