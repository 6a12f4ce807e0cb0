using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Reordering;

namespace MtaTls.QuicTunnel.Sessions;

/// <summary>
/// Receives the datagrams of a session: parses each one once, puts them into order, and delivers them. The lock is held while packets are ordered, but never during delivery.
/// One thread at a time delivers, in order; other threads leave their packets to it.
/// </summary>
internal sealed class ReceiveSide : IReorderSink
{
    private readonly DataPlaneOptions _options;
    private readonly TunnelSession _session;
    private readonly Lock _lock = new();
    private readonly Queue<HeldPacket> _ready = new(); // guarded by _lock
    private ReorderBuffer? _reorder; // guarded by _lock
    private ITimer? _timer; // guarded by _lock
    private bool _timerArmed; // guarded by _lock
    private bool _ended; // guarded by _lock
    private bool _delivering; // guarded by _lock: a thread delivers packets
    private bool _isDue; // guarded by _lock: the packet that has just arrived is delivered without a copy

    public ReceiveSide(TunnelSession session, DataPlaneOptions options)
    {
        _session = session;
        _options = options;
    }

    public int ReorderDepth => Volatile.Read(ref _reorder)?.Depth ?? 0;

    private TimeProvider TimeProvider => _options.TimeProvider;

    public void Attach(int path)
    {
        lock (_lock)
        {
            _reorder?.Attach(path);
        }
    }

    public void Forget(int path)
    {
        lock (_lock)
        {
            _reorder?.Forget(path);
        }
    }

    /// <summary>Receives one datagram from a path.</summary>
    public void Receive(TunnelPath path, ReadOnlySpan<byte> datagram)
    {
        if (!TunnelDatagram.TryRead(datagram, out ushort protocolType, out ushort tag, out ReadOnlySpan<byte> packet))
        {
            _options.Counters.Dropped(DropReason.Malformed);
            return;
        }

        if (protocolType == ProtocolType.None)
        {
            return; // A path MTU probe.
        }

        if (protocolType == ProtocolType.AddressMessage)
        {
            _session.OnMessage(path, packet);
            return;
        }

        _options.Counters.Received(packet.Length);
        bool isDue, mine;
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            _isDue = false;
            Order(path.Number, tag, protocolType, packet);
            isDue = _isDue;
            mine = Begin(isDue);
        }

        if (mine)
        {
            HandOn(isDue, protocolType, packet);
        }
    }

    /// <summary>Drops all waiting packets.</summary>
    public void End()
    {
        lock (_lock)
        {
            _ended = true;
            _reorder?.Clear();
            _timer?.Dispose();
            while (_ready.TryDequeue(out HeldPacket packet))
            {
                packet.Free();
            }
        }
    }

    void IReorderSink.Deliver(ushort protocolType, ReadOnlySpan<byte> packet)
    {
        if (!_delivering && _ready.Count == 0)
        {
            _isDue = true;
        }
        else if (HasRoom())
        {
            _ready.Enqueue(HeldPacket.Copy(protocolType, packet));
        }
    }

    void IReorderSink.Deliver(HeldPacket packet)
    {
        if (HasRoom())
        {
            _ready.Enqueue(packet);
        }
        else
        {
            packet.Free();
        }
    }

    private void Order(int path, ushort tag, ushort protocolType, ReadOnlySpan<byte> packet)
    {
        ReorderBuffer reorder = _reorder ??= CreateReorderBuffer();
        long duplicates = reorder.Duplicates;
        long now = TimeProvider.GetTimestamp();
        reorder.Receive(path, tag, protocolType, packet, now);
        if (reorder.Duplicates != duplicates)
        {
            _options.Counters.Dropped(DropReason.Duplicate);
        }

        ArmTimer(now);
    }

    // The delivering thread may be slower than the receiving threads. If the queue is full, the newest packet is dropped.
    private bool HasRoom()
    {
        if (_ready.Count < 4 * _options.Reordering.MaxPackets)
        {
            return true;
        }

        _options.Counters.Dropped(DropReason.Interface);
        return false;
    }

    /// <summary>Returns whether the caller must deliver packets.</summary>
    private bool Begin(bool isDue)
    {
        bool mine = !_delivering && (isDue || _ready.Count > 0);
        _delivering |= mine;
        return mine;
    }

    private void HandOn(bool isDue, ushort protocolType, ReadOnlySpan<byte> packet)
    {
        try
        {
            if (isDue)
            {
                _session.Deliver(protocolType, packet);
            }

            while (TryTake(out HeldPacket next))
            {
                try
                {
                    _session.Deliver(next.ProtocolType, next.Span);
                }
                finally
                {
                    next.Free();
                }
            }
        }
        catch
        {
            lock (_lock)
            {
                _delivering = false;
            }

            throw;
        }
    }

    private bool TryTake(out HeldPacket packet)
    {
        lock (_lock)
        {
            if (_ready.TryDequeue(out packet))
            {
                return true;
            }

            _delivering = false;
            return false;
        }
    }

    private void ArmTimer(long now)
    {
        if (_timerArmed || _reorder!.Deadline == long.MaxValue)
        {
            return;
        }

        _timer ??= TimeProvider.CreateTimer(static state => ((ReceiveSide)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        TimeSpan due = TimeProvider.GetElapsedTime(now, Math.Max(now, _reorder.Deadline));
        _timerArmed = true;
        // Timers count whole milliseconds. Round up, because a timer that fires early has no effect.
        _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(due.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        bool mine;
        lock (_lock)
        {
            _timerArmed = false;
            if (_ended)
            {
                return;
            }

            long now = TimeProvider.GetTimestamp();
            _reorder!.Expire(now);
            ArmTimer(now);
            mine = Begin(isDue: false);
        }

        if (mine)
        {
            HandOn(isDue: false, 0, default);
            _session.Flush();
        }
    }

    // Created with the first packet, because a session without packets does not need it.
    private ReorderBuffer CreateReorderBuffer()
    {
        // Without reordering no packet waits, but duplicates are still dropped.
        long delay = _options.Reordering.Enabled ? (long)(_options.Reordering.MaxDelay.TotalSeconds * TimeProvider.TimestampFrequency) : 0;
        var buffer = new ReorderBuffer(this, _options.Reordering.MaxPackets, delay, TunnelSession.MaxPaths, _options.Reordering.Enabled);
        foreach (TunnelPath path in _session.Paths)
        {
            buffer.Attach(path.Number);
        }

        return buffer;
    }
}
