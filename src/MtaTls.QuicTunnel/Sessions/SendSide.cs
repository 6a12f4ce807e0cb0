using MtaTls.Quic.Ngtcp2;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Queueing;
using MtaTls.QuicTunnel.Scheduling;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Sends the packets of a session. They wait in one queue, and a path that can send takes the next one if the scheduler allows it. Packets that a path loses, or has not delivered when it stops
/// answering, are sent again over any path. So the hosts inside see only losses of the queue. The lock is never held while a path is woken.
/// </summary>
internal sealed class SendSide : IPacketHolder
{
    /// <summary>A packet that was lost this many times is dropped.</summary>
    private const int MaxAttempts = 4;

    private static readonly TimeSpan s_mostRepairTime = TimeSpan.FromSeconds(1);

    // A retransmission waits for the fastest path only if that path is faster by more than this, in seconds.
    private const double RepairSlack = 0.01;

    // The target of CoDel grows by this multiple of the delay difference. After a loss a TCP connection sends 0.7 of what it sent, and enough has to wait for the slower path then too.
    private const double ShareOfDifference = 2.5;

    // The largest delay difference of paths that raises the target of CoDel, in seconds.
    private const double MostDifference = 0.2;

    private readonly TunnelSession _session;
    private readonly DataPlaneOptions _options;
    private readonly IPathScheduler _scheduler;
    private readonly Lock _lock = new();
    private readonly FairQueue _queue; // guarded by _lock
    private readonly CoDelRest _rest; // guarded by _lock
    private readonly TagCounter _tags; // guarded by _lock
    private readonly double _ticksPerSecond;
    private SlotList _again; // guarded by _lock: lost packets that are sent again
    private bool _ended; // guarded by _lock
    private int _waiting, _held;

    public SendSide(TunnelSession session, DataPlaneOptions options, IPathScheduler scheduler, TagCounter tags)
    {
        (_session, _options, _scheduler, _tags) = (session, options, scheduler, tags);
        _queue = new FairQueue(options.Queue.MaxPackets);
        _ticksPerSecond = options.TimeProvider.TimestampFrequency;
        _rest = new CoDelRest(_ticksPerSecond);
    }

    /// <summary>The number of waiting packets.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public int Held => Volatile.Read(ref _held);

    /// <summary>Queues one packet. False if there is no memory for it. A full queue drops a packet, counts it, and returns true.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="protocolType">Its EtherType.</param>
    /// <param name="wakes">Whether to wake the paths now. Otherwise the caller calls <see cref="WakeWaiting"/> later.</param>
    public bool TryAdd(ReadOnlySpan<byte> packet, ushort protocolType, bool wakes = true)
    {
        int length = packet.Length + TunnelDatagram.HeaderLength;
        if (length > PacketMemory.SlotSize || _options.Memory.Rent(this, ref _held) is not { } slot)
        {
            return false;
        }

        Span<byte> content = slot.FullSpan(PacketMemory.SlotSize);
        TunnelDatagram.WriteHeader(content, protocolType, 0);
        packet.CopyTo(content[TunnelDatagram.HeaderLength..]);
        (slot.Length, slot.Attempts, slot.IsTagged) = (length, 0, false);
        uint flow = FlowHash.Compute(packet);
        DatagramSlot? dropped;
        PathSet toWake = default;
        int count = 0;
        lock (_lock)
        {
            if (_ended)
            {
                dropped = slot;
            }
            else
            {
                dropped = _queue.Add(slot, flow, _options.TimeProvider.GetTimestamp());
                Volatile.Write(ref _waiting, _queue.Count + _again.Count);
                count = wakes ? FindToWake(ref toWake) : 0;
            }
        }

        if (dropped is not null)
        {
            _options.Memory.Return(dropped, ref _held);
            _options.Counters.Dropped(DropReason.Congested);
        }

        for (int i = 0; i < count; i++)
        {
            toWake[i].Connection.WakeDatagrams();
        }

        return true;
    }

    /// <summary>Wakes the paths that have something to send.</summary>
    public void WakeWaiting()
    {
        PathSet toWake = default;
        int count = 0;
        lock (_lock)
        {
            if (_queue.Count + _again.Count > 0)
            {
                count = FindToWake(ref toWake);
            }
        }

        for (int i = 0; i < count; i++)
        {
            toWake[i].Connection.WakeDatagrams();
        }
    }

    /// <summary>Wakes every path.</summary>
    public void Wake()
    {
        foreach (TunnelPath path in _session.Paths)
        {
            path.Connection.WakeDatagrams();
        }
    }

    /// <summary>Returns the datagram that the path sends now; null if it must send none.</summary>
    public DatagramSlot? Take(TunnelPath path)
    {
        DatagramSlot? slot, dropped = null;
        TunnelPath? other = null;
        lock (_lock)
        {
            if (Volatile.Read(ref _waiting) == 0)
            {
                return null;
            }

            slot = Choose(path, ref dropped, ref other);
            if (slot is { IsTagged: false })
            {
                Tag(slot, _tags.Next());
            }

            Volatile.Write(ref _waiting, _queue.Count + _again.Count);
        }

        GiveUp(dropped);
        other?.Connection.WakeDatagrams();
        return slot;
    }

    /// <summary>Returns the slot of a delivered datagram to the pool.</summary>
    public void OnAcknowledged(DatagramSlot slot) => _options.Memory.Return(slot, ref _held);

    /// <summary>Queues a lost datagram again, unless it is too old or was lost too often.</summary>
    public void OnLost(DatagramSlot slot)
    {
        slot.Attempts++;
        Repeat(slot);
    }

    /// <summary>Queues a datagram again that a path returned. The path may have sent it.</summary>
    public void OnReturned(DatagramSlot slot) => Repeat(slot);

    public bool TryDrop()
    {
        DatagramSlot? slot;
        lock (_lock)
        {
            slot = _queue.DropFromLongest() ?? _again.TakeFirst();
            Volatile.Write(ref _waiting, _queue.Count + _again.Count);
        }

        GiveUp(slot);
        return slot is not null;
    }

    /// <summary>Drops all waiting packets.</summary>
    public void End()
    {
        lock (_lock)
        {
            _ended = true;
            while (_queue.TakeAny() is { } slot)
            {
                _options.Memory.Return(slot, ref _held);
            }

            while (_again.TakeFirst() is { } slot)
            {
                _options.Memory.Return(slot, ref _held);
            }

            Volatile.Write(ref _waiting, 0);
        }

        _options.Memory.Forget(this);
    }

    private void Repeat(DatagramSlot slot)
    {
        PathSet toWake = default;
        int count;
        lock (_lock)
        {
            if (_ended || slot.Attempts >= MaxAttempts || _again.Count >= _options.Queue.MaxPackets
                || _options.TimeProvider.GetElapsedTime(slot.Stamp) > s_mostRepairTime)
            {
                _options.Memory.Return(slot, ref _held);
                return;
            }

            _again.Add(slot);
            Volatile.Write(ref _waiting, _queue.Count + _again.Count);
            count = FindToWake(ref toWake);
        }

        for (int i = 0; i < count; i++)
        {
            toWake[i].Connection.WakeDatagrams();
        }
    }

    private DatagramSlot? Choose(TunnelPath path, ref DatagramSlot? dropped, ref TunnelPath? other)
    {
        PathSet fitting = default;
        Span<PathEstimate> estimates = stackalloc PathEstimate[TunnelSession.MaxPaths];
        if (_again.First is { } lost)
        {
            int count = Estimate(lost, path, ref fitting, estimates, out int asking, out int quickest);
            if (count == 0)
            {
                dropped = _again.TakeFirst();
            }
            else if (asking >= 0
                && (asking == quickest || !estimates[quickest].HasRoom || estimates[asking].Delivery < estimates[quickest].Delivery + RepairSlack))
            {
                return _again.TakeFirst();
            }
        }

        return _queue.Peek() is { } head ? ChooseFromQueue(head, path, ref fitting, estimates, ref dropped, ref other) : null;
    }

    private DatagramSlot? ChooseFromQueue(
        DatagramSlot head, TunnelPath path, ref PathSet fitting, Span<PathEstimate> estimates, ref DatagramSlot? dropped, ref TunnelPath? other)
    {
        int count = Estimate(head, path, ref fitting, estimates, out int asking, out int quickest);
        if (count == 0)
        {
            // The path MTUs have become too small for it.
            dropped = _queue.TakeAny();
            return null;
        }

        long now = _options.TimeProvider.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            _rest.Note(fitting[i].Number, estimates[i], now);
        }

        DatagramSlot? slot = null;
        if (asking >= 0)
        {
            long ahead = _scheduler.Ahead(new PathChoice(((ReadOnlySpan<TunnelPath>)fitting)[..count], estimates[..count], asking));
            if (ahead < 2 * 1400)
            {
                slot = TakeDue(estimates[..count], quickest, now, ref dropped);
                if (slot is not null && !Fits(path, slot))
                {
                    // CoDel dropped the first packet, and the next one is too large for this path.
                    other = fitting[quickest];
                    Tag(slot, _tags.Next());
                    _again.Add(slot);
                    return null;
                }
            }
            else if (ahead < _queue.Bytes && _queue.TakeBehind(ahead, path.MaxDatagramSize, out int packets) is { } behind)
            {
                slot = behind;
                Tag(slot, _tags.Keep(packets));
            }
        }

        if (slot is null && asking != quickest && estimates[quickest].HasRoom)
        {
            other = fitting[quickest];
        }

        return slot;
    }

    private DatagramSlot? TakeDue(ReadOnlySpan<PathEstimate> estimates, int quickest, long now, ref DatagramSlot? dropped)
    {
        // A path that BBR measures carries little only for a moment. The packets that wait for it still do.
        double slower = 0;
        foreach (ref readonly PathEstimate estimate in estimates)
        {
            if (!estimate.IsProven || estimate.IsInterrupted || estimate.Rate > estimates[quickest].Rate / 20)
            {
                slower = Math.Max(slower, estimate.Delay - estimates[quickest].Delay);
            }
        }

        // A slower path is useful only while packets wait for it, so the target grows with the delay difference of the paths.
        double target = _options.Queue.Target.TotalSeconds + (Math.Min(slower, MostDifference) * ShareOfDifference);
        if (_rest.IsResting(now))
        {
            target = int.MaxValue;
        }

        double interval = Math.Max(_options.Queue.Interval.TotalSeconds, 4 * (estimates[quickest].Delay + slower));
        return _queue.Take(now, (long)(target * _ticksPerSecond), (long)(interval * _ticksPerSecond), out dropped);
    }

    /// <summary>Finds the usable paths that carry the packet, and estimates each. Returns their number.</summary>
    private int Estimate(DatagramSlot slot, TunnelPath path, ref PathSet fitting, Span<PathEstimate> estimates, out int asking, out int quickest)
    {
        PathSet usable = default;
        int all = _session.FindUsable(ref usable), count = 0;
        asking = quickest = -1;
        for (int i = 0; i < all; i++)
        {
            if (!Fits(usable[i], slot))
            {
                continue;
            }

            fitting[count] = usable[i];
            estimates[count] = PathEstimate.Of(usable[i]);
            if (usable[i] == path)
            {
                asking = count;
            }

            if (quickest < 0 || estimates[count].Delivery < estimates[quickest].Delivery)
            {
                quickest = count;
            }

            count++;
        }

        return count;
    }

    private static bool Fits(TunnelPath path, DatagramSlot slot)
    {
        int most = path.MaxDatagramSize;
        return slot.Length <= most && (most >= TunnelSession.LeastIPv6Datagram || TunnelDatagram.ProtocolTypeOf(slot.Span) != ProtocolType.IPv6);
    }

    private static void Tag(DatagramSlot slot, ushort tag)
    {
        Span<byte> header = slot.Span[..TunnelDatagram.HeaderLength];
        TunnelDatagram.WriteTag(header, tag);
        slot.IsTagged = true;
    }

    /// <summary>Finds the paths to wake: the fastest one, and slower ones for which enough packets wait. Returns their number.</summary>
    private int FindToWake(ref PathSet toWake)
    {
        PathSet usable = default;
        int count = _session.FindUsable(ref usable);
        if (count <= 1 || !_scheduler.PrefersQuickest)
        {
            toWake = usable;
            return count;
        }

        Span<PathEstimate> estimates = stackalloc PathEstimate[count];
        for (int i = 0; i < count; i++)
        {
            estimates[i] = PathEstimate.Of(usable[i]);
        }

        int found = 0;
        for (int i = 0; i < count; i++)
        {
            if (new PathChoice(usable[..count], estimates, i).BytesOfQuickerPaths() < _queue.Bytes || _again.Count > 0)
            {
                toWake[found++] = usable[i];
            }
        }

        return found;
    }

    private void GiveUp(DatagramSlot? chain)
    {
        while (chain is not null)
        {
            DatagramSlot? next = chain.Next;
            _options.Memory.Return(chain, ref _held);
            _options.Counters.Dropped(DropReason.Congested);
            chain = next;
        }
    }

    /// <summary>A set of paths that needs no allocation.</summary>
    [System.Runtime.CompilerServices.InlineArray(TunnelSession.MaxPaths)]
    internal struct PathSet
    {
        private TunnelPath _first;
    }
}
