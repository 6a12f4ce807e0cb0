using System.Net.Sockets;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Writes bursts of packets, and handles acknowledgement and loss of their datagrams. Runs on the loop.</summary>
internal sealed unsafe partial class Ngtcp2Connection
{
    /// <summary>The most packets of one burst, before other connections get their turn.</summary>
    private const int MaxBurst = 64;

    private const int LeastBurst = 4;

    /// <summary>A burst has as many packets as the path carries in this time. Larger bursts would overflow short queues in the network; smaller ones would cost a wake-up for each packet.</summary>
    private const double BurstNanoseconds = 1_500_000;

    /// <summary>The default max_ack_delay of the peer, 25 ms (RFC 9000, section 18.2), plus 5 ms; in nanoseconds.</summary>
    private const ulong OverdueSlack = 30_000_000;

    /// <summary>The type and length of a DATAGRAM frame, in bytes.</summary>
    private const int DatagramFrameHead = 3;

    /// <summary>A packet with less room than this, in bytes, takes no further datagram.</summary>
    private const int LeastRoom = 64;

    private readonly DatagramLedger _ledger = new();
    private readonly PathModel _path = new();
    private IQuicDatagramSource? _source;
    private DatagramSlot? _held;
    private ulong _largestAcknowledged;
    private long _delivered;
    private ulong _deliveredAt;
    private long _limitedUntil; // Datagrams sent before so many bytes are delivered do not show the most that the path carries.
    private bool _isPaced; // The source has to wait before its next datagram.
    private long _roomInFlight, _leastRoom; // For the current burst, in bytes.

    public IQuicDatagramSource? DatagramSource { get => Volatile.Read(ref _source); set => Volatile.Write(ref _source, value); }

    public double DeliveryRate => _path.Rate;

    public long BytesDelivered => Volatile.Read(ref _delivered);

    public void WakeDatagrams()
    {
        if (_isConnected)
        {
            _loop.Schedule(this);
        }
    }

    public void ReturnDatagrams() => _loop.Post(GiveBack);

    public void OnDatagramLost(ulong id)
    {
        if (!_ledger.TryResolve(id, out DatagramLedger.Entry entry))
        {
            return;
        }

        _datagramsLost++;
        _mtu.OnLost(id, entry.Length + DatagramOverhead, PathMaximum, _loop.Now);
        if (entry.Slot is { } slot)
        {
            bool isStarting = _path.OnLost(entry.SentAt, _loop.Now); // Not for probes of the path MTU.
            DatagramSource?.OnLost(slot, isStarting);
        }
    }

    public void OnDatagramAcknowledged(ulong id)
    {
        if (!_ledger.TryResolve(id, out DatagramLedger.Entry entry))
        {
            return;
        }

        _mtu.OnAcknowledged(id, entry.Length + DatagramOverhead, PathMaximum, _loop.Now);
        _largestAcknowledged = Math.Max(_largestAcknowledged, id);
        _delivered += entry.Length + DatagramOverhead;
        _deliveredAt = _loop.Now;
        _path.OnDelivered(_delivered, entry, _loop.Now, (ulong)Math.Max(0, _smoothedRtt));
        if (entry.Slot is { } slot)
        {
            DatagramSource?.OnAcknowledged(slot);
        }
    }

    /// <summary>Counts all pending datagrams as lost, because no byte is in flight any more. After a probe timeout, soname 9 does not report each loss.</summary>
    private void ResolveDatagrams()
    {
        while (_ledger.TryPeek(out ulong id, out _))
        {
            OnDatagramLost(id);
        }
    }

    /// <summary>
    /// Counts overdue datagrams as lost: they are older than an acknowledged datagram, and their acknowledgement is late. ngtcp2 reports most losses; soname 9 does not report datagrams that a
    /// probe timeout has marked.
    /// </summary>
    private void ResolveOverdue()
    {
        ulong patience = (ulong)(_smoothedRtt + (_smoothedRtt / 2)) + OverdueSlack;
        while (_ledger.TryPeek(out ulong id, out DatagramLedger.Entry entry) && id < _largestAcknowledged && entry.SentAt + patience < _loop.Now)
        {
            OnDatagramLost(id);
        }
    }

    /// <summary>How many more bytes may be in flight. A little more than the path delivers in one round trip is enough; other packets wait here, not in queues of the network.</summary>
    private long RoomInFlight()
    {
        long window = (long)Math.Min(_library.GetCongestionWindowLeft(_native), long.MaxValue);
        if (window == 0)
        {
            return 0;
        }

        byte* statistics = stackalloc byte[_abi.StatisticsSize];
        _library.GetStatistics(_native, 1, statistics);
        return Math.Min(window, _path.MostInFlight - *(long*)(statistics + _abi.StatisticsBytesInFlight));
    }

    private int BurstLimit()
    {
        if (!_isConnected)
        {
            return MaxBurst;
        }

        // ngtcp2 computes its send quantum from the pacing rate, which BBR keeps low. Allow as much as the path has delivered in this time.
        double quantum = Math.Max((double)_library.GetSendQuantum(_native), _path.Rate * BurstNanoseconds / 1e9);
        quantum = Math.Min(quantum, _congestionWindow * BurstNanoseconds / Math.Max(_smoothedRtt, 100_000));
        return (int)Math.Clamp(quantum / 1350, LeastBurst, MaxBurst);
    }

    private DatagramSlot? TakeFromSource()
    {
        if (!_isConnected || _source is not { } source)
        {
            return null;
        }

        if (_held is { } held && held.Length > _maxDatagramSize)
        {
            _held = null;
            source.OnReturned(held);
        }

        if (_held is null && _roomInFlight > _leastRoom)
        {
            if (_path.PacedUntil > _loop.Now)
            {
                _isPaced = true;
                return null;
            }

            _held = source.Take();
            if (_held is null)
            {
                _limitedUntil = _delivered + Math.Max(1, _ledger.Pending * 1350L);
            }
        }

        return _held;
    }

    /// <summary>Returns all unacknowledged datagrams to the source.</summary>
    private void GiveBack()
    {
        if (_source is not { } source)
        {
            return;
        }

        _ledger.TakeSlots(source.OnReturned);
        if (_held is { } held)
        {
            _held = null;
            source.OnReturned(held);
        }
    }

    /// <summary>Writes a burst: streams first, then datagrams, then other frames of ngtcp2 (acknowledgements, probes). True when there may be more.</summary>
    /// <param name="now">The time now, in nanoseconds.</param>
    /// <param name="probes">
    /// Whether a probe may be due, because the peer does not answer. It is sent without a datagram, because a path whose MTU has become smaller would drop a large packet again.
    /// </param>
    private bool Write(ulong now, bool probes = false)
    {
        PacketSender sender = _loop.Sender;
        long refused = sender.Refused;
        sender.BeginBurst();
        RawAddress local = default, remote = default;
        var path = new NativePath { Local = { Address = (byte*)&local }, Remote = { Address = (byte*)&remote } };
        DatagramSlot? burst = _isConnected ? _datagrams.BeginBurst() : null;
        int most = BurstLimit();
        _roomInFlight = _source is null ? 0 : RoomInFlight();
        // Room for any datagram: one that is taken and does not fit waits here, and at the peer all later ones wait for it. When nothing is in flight, there will be no more room.
        _leastRoom = _source is null || _bytesInFlight == 0 ? 0 : _maxDatagramSize + DatagramOverhead;
        _isPaced = false;
        DatagramSlot? first = burst;
        DatagramSlot? lastDone = null;
        int done = 0, packets = 0;
        nint written = 0;
        UdpSocket? current = _loop.Socket((int)_library.GetPath(_native)->UserData);

        for (; packets < most; packets++)
        {
            written = 0;
            if (current is { IsBlocked: true })
            {
                _loop.ScheduleUnblocked(this);
                break;
            }
            if (_writable.TryPeek(out OutgoingStream? stream))
            {
                written = WriteStream(stream, &path, sender.Next, now, out bool takesNothing);
                if (takesNothing)
                {
                    continue;
                }
            }
            else
            {
                while (burst is not null && burst.Length > _maxDatagramSize)
                {
                    // The path MTU has become smaller.
                    _datagramsDropped++;
                    (lastDone, burst, done) = (burst, burst.Next, done + 1);
                }
                if (probes)
                {
                    probes = false;
                    ulong info = 0;
                    written = _library.WriteStream(_native, &path, 1, &info, sender.Next, PacketRoom, null, 0, -1, null, 0, now);
                    if (written == 0)
                    {
                        continue;
                    }
                }
                else if (_mtu.WantedProbe > 0 && _isConnected)
                {
                    written = WriteMtuProbe(&path, sender.Next, now);
                }
                else if (burst is not null)
                {
                    written = WriteDatagram(burst, &path, sender.Next, now, out bool accepted);
                    if (accepted)
                    {
                        _datagramsSent++;
                        (lastDone, burst, done) = (burst, burst.Next, done + 1);
                    }
                }
                else if (TakeFromSource() is { } taken)
                {
                    written = WriteFromSource(taken, &path, sender.Next, now);
                }
                else
                {
                    ulong info = 0;
                    written = _library.WriteStream(_native, &path, 1, &info, sender.Next, PacketRoom, null, 0, -1, null, 0, now);
                }
            }
            if (written <= 0)
            {
                break;
            }

            if (_loop.Socket((int)path.UserData) is not { } socket)
            {
                break; // The socket of a former path is closed: the packet counts as lost.
            }

            local.Length = (int)path.Local.Length;
            remote.Length = (int)path.Remote.Length;
            (path.Local.Length, path.Remote.Length) = (0, 0);
            _packetsSent++;
            _bytesSent += written;
            sender.Add((int)written, socket, remote, local);
        }

        sender.Flush();
        if (lastDone is not null)
        {
            lastDone.Next = null;
        }

        bool ready = _datagrams.EndBurst(first, lastDone, done, burst);
        if (written < 0)
        {
            Failed((int)written);
            return false;
        }
        _library.UpdatePacketTxTime(_native, now);
        _sendErrors += sender.Refused - refused;
        if (packets > 0)
        {
            NoteSendError(sender);
        }

        if (_native != 0 && _isConnected && ready)
        {
            Call(static c => c.Handler.OnDatagramReady(c));
        }

        return packets == most;
    }

    /// <summary>Writes a packet with a datagram of the source, and with further ones that are waiting and fit.</summary>
    private nint WriteFromSource(DatagramSlot slot, NativePath* path, byte* destination, ulong now)
    {
        // The path MTU guard sees the sizes of datagrams. Packets with several datagrams therefore keep to a size that every path carries.
        int room = Math.Min((int)PacketRoom, PathMtuGuard.Base) - DatagramOverhead - slot.Length;
        nint written = WriteDatagram(slot, path, destination, now, out bool accepted, isKept: true, hasMore: room >= LeastRoom);
        NoteAccepted(accepted);
        while (written == _abi.ErrorWriteMore)
        {
            if (TakeFromSource() is { } next && next.Length + DatagramFrameHead <= room)
            {
                room -= next.Length + DatagramFrameHead;
                written = WriteDatagram(next, path, destination, now, out accepted, isKept: true, isFirst: false, hasMore: room >= LeastRoom);
                NoteAccepted(accepted);
            }
            else
            {
                ulong info = 0;
                written = _library.WriteStream(_native, path, 1, &info, destination, PacketRoom, null, 0, -1, null, 0, now);
            }
        }

        if (written > 0)
        {
            _roomInFlight -= written;
            _path.OnSent(written, now);
        }

        return written;
    }

    private void NoteAccepted(bool accepted)
    {
        if (accepted)
        {
            _datagramsSent++;
            _held = null;
        }
    }

    private nint WriteDatagram(
        DatagramSlot slot, NativePath* path, byte* destination, ulong now, out bool accepted, bool isKept = false, bool isFirst = true, bool hasMore = false)
    {
        // Add MAX_DATA, because it arms the probe timeout. It does no harm: the window per stream and the number of streams limit the memory.
        if (_abi.DatagramsArmNoProbe && isFirst)
        {
            _library.ExtendMaxOffset(_native, InitialMaxData / 2 + 1);
        }

        ulong info = 0;
        int taken = 0;
        var vector = new NativeVector { Base = slot.Data, Length = (nuint)slot.Length };
        nint written = _library.WriteDatagram(_native, path, 1, &info, destination, PacketRoom, &taken, hasMore ? Ngtcp2Structures.WriteDatagramMore : 0, _ledger.NextId, &vector, 1, now);
        accepted = taken != 0;
        if (_ledger.Pending == 0)
        {
            _deliveredAt = now;
        }

        bool isLimited = !isKept || _delivered < _limitedUntil || _path.IsInterrupted(_congestionWindow);
        if (accepted && _ledger.Add(slot.Length, now, isKept ? slot : null, _delivered, _deliveredAt, isLimited).Slot is { } forgotten)
        {
            _source?.OnReturned(forgotten);
        }

        return written;
    }
}
