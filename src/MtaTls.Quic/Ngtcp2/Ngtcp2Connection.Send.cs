using System.Net.Sockets;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Bursts of packets, and what becomes of the datagrams in them; on the loop.</summary>
internal sealed unsafe partial class Ngtcp2Connection
{
    /// <summary>Packets written before other connections get their turn.</summary>
    private const int MaxBurst = 64;

    private const int LeastBurst = 4;

    /// <summary>A burst is what the path carries in this time: more at once would overrun short queues on the way, less would cost a wake-up for each packet.</summary>
    private const double BurstNanoseconds = 1_500_000;

    /// <summary>The peer's delay of acknowledgements (RFC 9000, section 18.2) and a little.</summary>
    private const ulong OverdueSlack = 30_000_000;

    private readonly DatagramLedger _ledger = new();
    private readonly PathModel _path = new();
    private IQuicDatagramSource? _source;
    private DatagramSlot? _held;
    private ulong _largestAcknowledged;
    private long _delivered;
    private long _roomInFlight; // Of the burst that is being written.

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
            DatagramSource?.OnLost(slot);
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
        _path.OnDelivered(_delivered, entry.Delivered, entry.SentAt, _loop.Now, (ulong)Math.Max(0, _smoothedRtt));
        if (entry.Slot is { } slot)
        {
            DatagramSource?.OnAcknowledged(slot);
        }
    }

    /// <summary>Nothing is in flight any more: what was not acknowledged is lost. Soname 9 does not tell of each, where a probe time-out came before.</summary>
    private void ResolveDatagrams()
    {
        while (_ledger.TryPeek(out ulong id, out _))
        {
            OnDatagramLost(id);
        }
    }

    /// <summary>
    /// What is older than an acknowledged datagram, and should have been acknowledged long ago, is lost. The library tells of most; soname 9 does not tell of those that a probe time-out had marked.
    /// </summary>
    private void ResolveOverdue()
    {
        ulong patience = (ulong)(_smoothedRtt + (_smoothedRtt / 2)) + OverdueSlack;
        while (_ledger.TryPeek(out ulong id, out DatagramLedger.Entry entry) && id < _largestAcknowledged && entry.SentAt + patience < _loop.Now)
        {
            OnDatagramLost(id);
        }
    }

    /// <summary>Bytes that may go into flight: no more than the path delivers in its round-trip time and a little, so that packets wait here and not in queues on the way.</summary>
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

        // The library's quantum knows the rate of its pacing alone, which BBR keeps low; what the path has delivered may go at once as well.
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

        if (_held is null && _roomInFlight > 0)
        {
            _held = source.Take();
        }

        return _held;
    }

    /// <summary>The source gets back everything of which it is not known that it arrived.</summary>
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

    /// <summary>Writes a burst: streams first, then datagrams, then whatever the library has (acknowledgements, probes). True when there is more.</summary>
    /// <param name="now">The time.</param>
    /// <param name="probes">
    /// A probe may be due, because the peer does not answer: it goes out without a datagram, since a path that has become narrower would lose it as it lost those before.
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
                    // The path has become narrower.
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
                    written = WriteDatagram(taken, &path, sender.Next, now, out bool accepted, isKept: true);
                    if (accepted)
                    {
                        _datagramsSent++;
                        _held = null;
                        _roomInFlight -= written;
                    }
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
                break; // A former path, whose socket is gone: the packet is lost, as it could be on the way.
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

    private nint WriteDatagram(DatagramSlot slot, NativePath* path, byte* destination, ulong now, out bool accepted, bool isKept = false)
    {
        // MAX_DATA goes along, harmless, because it arms the probe time-out; the window per stream and the number of streams bound memory.
        if (_abi.DatagramsArmNoProbe)
        {
            _library.ExtendMaxOffset(_native, InitialMaxData / 2 + 1);
        }

        ulong info = 0;
        int taken = 0;
        var vector = new NativeVector { Base = slot.Data, Length = (nuint)slot.Length };
        nint written = _library.WriteDatagram(_native, path, 1, &info, destination, PacketRoom, &taken, 0, _ledger.NextId, &vector, 1, now);
        accepted = taken != 0;
        if (accepted && _ledger.Add(slot.Length, now, isKept ? slot : null, _delivered).Slot is { } forgotten)
        {
            _source?.OnReturned(forgotten);
        }

        return written;
    }
}
