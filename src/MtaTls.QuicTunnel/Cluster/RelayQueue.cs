using MtaTls.Quic;
using MtaTls.Quic.Ngtcp2;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Queueing;

namespace MtaTls.QuicTunnel.Cluster;

/// <summary>
/// The waiting datagrams of one direction of a relayed connection, with fair queueing and CoDel as in the queue of a session. Datagrams that the second connection loses are sent again. The lock is never
/// held while the connection is woken.
/// </summary>
internal sealed class RelayQueue(IQuicConnection to, RelayShared shared, bool toNode) : IQuicDatagramSource, IPacketHolder
{
    /// <summary>A datagram that was lost this many times is dropped.</summary>
    private const int MaxAttempts = 4;

    private static readonly TimeSpan s_mostRepairTime = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly FairQueue _queue = new(shared.Options.MaxPackets); // guarded by _lock
    private SlotList _again; // guarded by _lock: lost datagrams that are sent again
    private bool _ended; // guarded by _lock
    private int _waiting, _held;

    public int Waiting => Volatile.Read(ref _waiting);

    public int Held => Volatile.Read(ref _held);

    /// <summary>Queues a datagram of the tunnel: its header and its packet. A full queue drops one and counts it. <see cref="Wake"/> must follow.</summary>
    public void Add(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length > PacketMemory.SlotSize || shared.Memory.Rent(this, ref _held) is not { } slot)
        {
            shared.Counters.Dropped(DropReason.Congested);
            return;
        }

        datagram.CopyTo(slot.FullSpan(PacketMemory.SlotSize));
        (slot.Length, slot.Attempts, slot.IsTagged) = (datagram.Length, 0, true);
        uint flow = FlowHash.Compute(datagram[TunnelDatagram.HeaderLength..]);
        DatagramSlot? dropped;
        lock (_lock)
        {
            dropped = _ended ? slot : _queue.Add(slot, flow, shared.Time.GetTimestamp());
            Count();
        }

        if (dropped is not null)
        {
            shared.Memory.Return(dropped, ref _held);
            shared.Counters.Dropped(DropReason.Congested);
        }
    }

    public void Wake()
    {
        if (Waiting > 0)
        {
            to.WakeDatagrams();
        }
    }

    public DatagramSlot? Take()
    {
        if (Waiting == 0)
        {
            return null;
        }

        long target = Ticks(shared.Queue.Target);
        long interval = Ticks(TimeSpan.FromTicks(Math.Max(shared.Queue.Interval.Ticks, 2 * to.SmoothedRtt.Ticks)));
        int most = to.MaxDatagramSize;
        for (; ; )
        {
            DatagramSlot? slot, dropped = null;
            lock (_lock)
            {
                slot = _again.TakeFirst() ?? _queue.Take(shared.Time.GetTimestamp(), target, interval, out dropped);
                Count();
            }

            Drop(dropped, DropReason.Congested);
            if (slot is null || slot.Length <= most)
            {
                return slot;
            }

            // The path MTU has become smaller.
            slot.Next = null;
            Drop(slot, DropReason.TooBig);
        }
    }

    public void OnAcknowledged(DatagramSlot slot)
    {
        shared.Relayed.Relayed(toNode, slot.Length - TunnelDatagram.HeaderLength);
        shared.Memory.Return(slot, ref _held);
    }

    public void OnLost(DatagramSlot slot, bool isStarting)
    {
        slot.Attempts++;
        Repeat(slot);
    }

    public void OnReturned(DatagramSlot slot) => Repeat(slot);

    public bool TryDrop()
    {
        DatagramSlot? slot;
        lock (_lock)
        {
            slot = _queue.DropFromLongest() ?? _again.TakeFirst();
            Count();
        }

        Drop(slot, DropReason.Congested);
        return slot is not null;
    }

    /// <summary>Drops all waiting datagrams, and those that the connection gives back later.</summary>
    public void End()
    {
        lock (_lock)
        {
            _ended = true;
            while ((_again.TakeFirst() ?? _queue.TakeAny()) is { } slot)
            {
                shared.Memory.Return(slot, ref _held);
            }

            Count();
        }

        shared.Memory.Forget(this);
    }

    private void Repeat(DatagramSlot slot)
    {
        lock (_lock)
        {
            if (!_ended && slot.Attempts < MaxAttempts && _again.Count < shared.Options.MaxPackets && shared.Time.GetElapsedTime(slot.Stamp) <= s_mostRepairTime)
            {
                _again.Add(slot);
                Count();
            }
            else
            {
                shared.Memory.Return(slot, ref _held);
                return;
            }
        }

        to.WakeDatagrams();
    }

    private void Drop(DatagramSlot? chain, DropReason reason)
    {
        while (chain is not null)
        {
            DatagramSlot? next = chain.Next;
            shared.Memory.Return(chain, ref _held);
            shared.Counters.Dropped(reason);
            chain = next;
        }
    }

    private void Count() => Volatile.Write(ref _waiting, _queue.Count + _again.Count);

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * shared.Time.TimestampFrequency);
}
