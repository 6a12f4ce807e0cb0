using MtaTls.Quic.Ngtcp2;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Queueing;
using MtaTls.QuicTunnel.Scheduling;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// What a session does with the packets that it sends: they wait in one queue, and a path that can send takes the next, if the scheduler lets it. What a path loses, or has not delivered when it stops
/// to answer, goes again, over any path, so that the hosts inside see no loss but that of the queue. The lock is held for a moment, never while a path is told.
/// </summary>
internal sealed class SendSide
{
    /// <summary>A packet that was lost so often is given up.</summary>
    private const int MaxAttempts = 4;

    private static readonly TimeSpan s_mostRepairTime = TimeSpan.FromSeconds(1);

    // A retransmission does not wait for a path that is so much quicker than the one that asks.
    private const double RepairSlack = 0.01;

    // A path that is slower by more is not waited for.
    private const double MostDifference = 0.2;

    private readonly TunnelSession _session;
    private readonly DataPlaneOptions _options;
    private readonly IPathScheduler _scheduler;
    private readonly Lock _lock = new();
    private readonly FairQueue _queue; // guarded by _lock
    private readonly TagCounter _tags; // guarded by _lock
    private readonly double _ticksPerSecond;
    private SlotList _again; // guarded by _lock: lost, and sent once more
    private bool _ended; // guarded by _lock
    private int _waiting;

    public SendSide(TunnelSession session, DataPlaneOptions options, IPathScheduler scheduler, TagCounter tags)
    {
        (_session, _options, _scheduler, _tags) = (session, options, scheduler, tags);
        _queue = new FairQueue(options.Queue.MaxPackets);
        _ticksPerSecond = options.TimeProvider.TimestampFrequency;
    }

    /// <summary>Packets that wait.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Queues one packet; false when it is dropped.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="protocolType">Its EtherType.</param>
    /// <param name="wakes">Whether the paths are told now; otherwise <see cref="WakeWaiting"/> follows.</param>
    public bool TryAdd(ReadOnlySpan<byte> packet, ushort protocolType, bool wakes = true)
    {
        int length = packet.Length + TunnelDatagram.HeaderLength;
        if (length > _options.Pool.SlotSize || _options.Pool.Rent() is not { } slot)
        {
            return false;
        }

        Span<byte> content = slot.FullSpan(_options.Pool.SlotSize);
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
            _options.Pool.Return(dropped);
            _options.Counters.Dropped(DropReason.Congested);
        }

        for (int i = 0; i < count; i++)
        {
            toWake[i].Connection.WakeDatagrams();
        }

        return true;
    }

    /// <summary>The paths that have something to take are told.</summary>
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

    /// <summary>Every path looks whether there is something for it.</summary>
    public void Wake()
    {
        foreach (TunnelPath path in _session.Paths)
        {
            path.Connection.WakeDatagrams();
        }
    }

    /// <summary>A path can send: what it sends now, if anything.</summary>
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

    /// <summary>The peer has it.</summary>
    public void OnAcknowledged(DatagramSlot slot) => _options.Pool.Return(slot);

    /// <summary>A path lost it: it goes again, unless it is too old or was lost too often.</summary>
    public void OnLost(DatagramSlot slot)
    {
        slot.Attempts++;
        Repeat(slot);
    }

    /// <summary>A path gives it back, which may have sent it.</summary>
    public void OnReturned(DatagramSlot slot) => Repeat(slot);

    /// <summary>Gives up what waits.</summary>
    public void End()
    {
        lock (_lock)
        {
            _ended = true;
            while (_queue.TakeAny() is { } slot)
            {
                _options.Pool.Return(slot);
            }

            while (_again.TakeFirst() is { } slot)
            {
                _options.Pool.Return(slot);
            }

            Volatile.Write(ref _waiting, 0);
        }
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
                _options.Pool.Return(slot);
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
            // The paths have become too narrow for it.
            dropped = _queue.TakeAny();
            return null;
        }

        DatagramSlot? slot = null;
        if (asking >= 0)
        {
            long ahead = _scheduler.Ahead(new PathChoice(((ReadOnlySpan<TunnelPath>)fitting)[..count], estimates[..count], asking));
            if (ahead < 2 * 1400)
            {
                slot = TakeDue(estimates[..count], quickest, ref dropped);
                if (slot is not null && !Fits(path, slot))
                {
                    // CoDel dropped the head, and the next is too large for this path.
                    other = fitting[quickest];
                    Tag(slot, _tags.Next());
                    _again.Add(slot);
                    return null;
                }
            }
            else if (ahead < _queue.Bytes && _queue.TakeBehind(ahead, path.Connection.MaxDatagramSize, out int packets) is { } behind)
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

    private DatagramSlot? TakeDue(ReadOnlySpan<PathEstimate> estimates, int quickest, ref DatagramSlot? dropped)
    {
        double slower = 0;
        foreach (ref readonly PathEstimate estimate in estimates)
        {
            if (!estimate.IsProven || estimate.Rate > estimates[quickest].Rate / 20)
            {
                slower = Math.Max(slower, estimate.Delay - estimates[quickest].Delay);
            }
        }

        // A slower path is of use only while its share waits: the delay that may stay grows by the difference of the paths.
        double target = _options.Queue.Target.TotalSeconds + (Math.Min(slower, MostDifference) * 1.25);
        double interval = Math.Max(_options.Queue.Interval.TotalSeconds, 4 * (estimates[quickest].Delay + slower));
        return _queue.Take(_options.TimeProvider.GetTimestamp(), (long)(target * _ticksPerSecond), (long)(interval * _ticksPerSecond), out dropped);
    }

    /// <summary>Those of the paths that work which take the packet, and what is known of them.</summary>
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
        int most = path.Connection.MaxDatagramSize;
        return slot.Length <= most && (most >= TunnelSession.LeastIPv6Datagram || TunnelDatagram.ProtocolTypeOf(slot.Span) != ProtocolType.IPv6);
    }

    private static void Tag(DatagramSlot slot, ushort tag)
    {
        Span<byte> header = slot.Span[..TunnelDatagram.HeaderLength];
        TunnelDatagram.WriteTag(header, tag);
        slot.IsTagged = true;
    }

    /// <summary>The quickest path, and the slower ones for which enough waits.</summary>
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
            _options.Pool.Return(chain);
            _options.Counters.Dropped(DropReason.Congested);
            chain = next;
        }
    }

    /// <summary>The paths of a session that work, without an allocation.</summary>
    [System.Runtime.CompilerServices.InlineArray(TunnelSession.MaxPaths)]
    internal struct PathSet
    {
        private TunnelPath _first;
    }
}
