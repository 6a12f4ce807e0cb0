using System.Net.Sockets;
using System.Runtime.InteropServices;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Receives packets and serves the connection. Runs on the loop, never inside an ngtcp2 callback.</summary>
internal sealed unsafe partial class Ngtcp2Connection
{
    /// <summary>The largest handshake packet, in bytes. Nearly all paths and peers accept this size.</summary>
    private const int HandshakePacket = 1452;

    /// <summary>The shortest pause between paced bursts, in nanoseconds. Packets that are due in this time leave in one piece.</summary>
    private const ulong LeastPause = 1_000_000;

    private readonly TlsCredentials _credentials;
    private readonly Dictionary<long, OutgoingStream> _streams = [];
    private readonly Queue<OutgoingStream> _writable = new();
    private LibNgtcp2 _library => _loop.Library;
    private Ngtcp2Abi _abi => _loop.Library.Abi;
    private nint _native;
    private TlsSession? _session;
    private GCHandle _self;
    private long _nextToOpen;
    private RawAddress _local, _remote;
    private SocketError _sendError;
    private long _packetsSentBefore;
    private ulong _probeAt = Ngtcp2Structures.NoExpiry;
    private int _probeBackoff;
    private bool _hasProgressed;
    private bool _hasHandedOver; // Whether datagrams were delivered since the last call of Service.
    private long _inFlightKnown;

    /// <summary>The owner's handler. Set before the connection starts.</summary>
    public IQuicConnectionHandler Handler { get; set; } = null!;

    /// <summary>The ngtcp2 connection; 0 before the start and after the end.</summary>
    public nint Native => _native;

    // State of the loop and its heap for this connection.
    public int HeapIndex { get; set; } = -1;
    public ulong HeapExpiry { get; set; }
    public int Scheduled;
    public Ngtcp2Connection? NextScheduled;

    /// <summary>Processes a packet for this connection.</summary>
    public void Receive(ReadOnlySpan<byte> packet, in RawAddress local, in RawAddress remote, int socketIndex)
    {
        if (_native == 0)
        {
            AnswerClosed();
            return;
        }
        if (!IsServer && !IsServerAddress(remote))
        {
            return; // RFC 9000, section 9: a server has the address that the client chose, and one that it announces.
        }

        _packetsReceived++;
        _bytesReceived += packet.Length;
        _hasProgressed = false;
        RawAddress localCopy = local, remoteCopy = remote;
        NativePath path = Path(&localCopy, &remoteCopy, socketIndex);
        ulong info = 0;
        int result;
        fixed (byte* data = packet)
        {
            result = _library.ReadPacket(_native, &path, 1, &info, data, (nuint)packet.Length, _loop.Now);
        }

        if (result != 0)
        {
            Failed(result);
            return;
        }

        if (_native != 0)
        {
            NoteProgress();
        }

        _loop.Schedule(this);
    }

    /// <summary>
    /// Notes that the peer is alive if the packet acknowledged something or carried new data. Packets that cannot be decrypted, and repeated packets, prove nothing: an attacker
    /// that has seen a packet of this connection can send them.
    /// </summary>
    private void NoteProgress()
    {
        byte* statistics = stackalloc byte[_abi.StatisticsSize];
        _library.GetStatistics(_native, 1, statistics);
        long inFlight = *(long*)(statistics + _abi.StatisticsBytesInFlight);
        if (inFlight < _inFlightKnown)
        {
            _hasProgressed = true;
        }

        _inFlightKnown = inFlight;
        if (inFlight == 0 && _ledger.Pending > 0)
        {
            ResolveDatagrams();
        }
        else if (_ledger.Pending > 0)
        {
            ResolveOverdue();
        }

        if (_hasProgressed)
        {
            _lastReceived = _loop.Timestamp;
            _unansweredSince = 0;
            _probeBackoff = 0;
            _mtu.OnAnswer();
        }
    }

    /// <summary>Handles due timers, then sends. Returns whether there is more to send at once.</summary>
    public bool Service()
    {
        if (_hasHandedOver)
        {
            _hasHandedOver = false;
            Call(static c => c.Handler.OnDatagramsEnd(c));
        }

        if (_native == 0)
        {
            ServiceClosed();
            return false;
        }
        ulong now = _loop.Now;
        bool probes = now >= _probeAt;
        if (_library.GetExpiry(_native) <= now)
        {
            probes |= _unansweredSince != 0;
            int result = _library.HandleExpiry(_native, now);
            if (result != 0)
            {
                Failed(result);
                return false;
            }
        }
        if (now >= _probeAt)
        {
            _library.ExtendMaxOffset(_native, InitialMaxData / 2 + 1);
            _probeBackoff = Math.Min(_probeBackoff + 1, 6);
        }
        CheckPathMtu(now);
        RefreshPath();
        UpdateMaxDatagramSize();
        OpenStreams();
        TryMigrate();
        bool more = _native != 0 && Write(now, probes);
        if (_native == 0)
        {
            return false;
        }

        UpdateSnapshot();
        DropOldSocket(now);
        ulong paced = _isPaced ? Math.Max(_path.PacedUntil, now + LeastPause) : Ngtcp2Structures.NoExpiry;
        _loop.Expiries.Set(this, Math.Min(Math.Min(_library.GetExpiry(_native), _oldSocketUntil), Math.Min(Math.Min(_probeAt, _mtu.Deadline), paced)));
        return more;
    }

    /// <summary>
    /// Arms this connection's own probe, for a time long after ngtcp2's probe would have been sent. In ngtcp2, a probe with only a PING does not arm the next probe timeout; in soname 9,
    /// DATAGRAM frames do not either. If such a probe were lost, the bytes in flight would stay in flight for ever.
    /// </summary>
    private void ArmProbe(bool sent)
    {
        if (!_isConnected || _bytesInFlight == 0)
        {
            _probeAt = Ngtcp2Structures.NoExpiry;
        }
        else if (sent || _probeAt <= _loop.Now || _probeAt == Ngtcp2Structures.NoExpiry)
        {
            _probeAt = _loop.Now + (3 * _library.GetProbeTimeout(_native) << _probeBackoff);
        }
    }

    private static NativePath Path(RawAddress* local, RawAddress* remote, int socketIndex) => new()
    {
        Local = new NativeAddress { Address = (byte*)local, Length = (uint)local->Length },
        Remote = new NativeAddress { Address = (byte*)remote, Length = (uint)remote->Length },
        UserData = socketIndex,
    };

    /// <summary>The largest packet to write, in bytes. Until the peer's limit is known, it is at most <see cref="HandshakePacket"/>, whatever the options say.</summary>
    private nuint PacketRoom => (nuint)(_isConnected ? Math.Min(_options.MaxUdpPayloadSize, _mtu.Limit) : Math.Min(_options.MaxUdpPayloadSize, HandshakePacket));

    private nint WriteStream(OutgoingStream stream, NativePath* path, byte* destination, ulong now, out bool takesNothing)
    {
        takesNothing = false;
        ulong info = 0;
        NativeVector vector = stream.Next(out bool fin);
        nint count;
        nint written = _library.WriteStream(_native, path, 1, &info, destination, PacketRoom, &count, fin ? Ngtcp2Structures.WriteStreamFin : 0, stream.Id, &vector, 1, now);
        if (written < 0)
        {
            if (written != _abi.ErrorStreamDataBlocked && written != _abi.ErrorStreamShutWrite && written != _abi.ErrorStreamNotFound)
            {
                return written;
            }
            // A blocked stream waits until a packet brings more credit from the peer. Other errors mean that the stream accepts no more data.
            Unqueue(stream, blocked: written == _abi.ErrorStreamDataBlocked);
            takesNothing = true;
            return 0;
        }
        if (count >= 0)
        {
            stream.Sent(count, fin);
            if (!stream.HasUnsent)
            {
                Unqueue(stream, blocked: false);
            }
        }
        return written;
    }

    private void NoteSendError(PacketSender sender)
    {
        SocketError error = sender.LastError;
        if (error == _sendError || (error == SocketError.Success && !sender.AnySent))
        {
            return;
        }

        _sendError = error;
        if (_isConnected)
        {
            Call(static c => c.Handler.OnSendError(c, c._sendError));
        }
    }

    /// <summary>Updates the values that other threads read.</summary>
    private void UpdateSnapshot()
    {
        byte* statistics = stackalloc byte[_abi.StatisticsSize];
        _library.GetStatistics(_native, 1, statistics);
        Volatile.Write(ref _smoothedRtt, *(long*)(statistics + _abi.StatisticsSmoothedRtt));
        long least = *(long*)(statistics + _abi.StatisticsMinRtt);
        Volatile.Write(ref _minRtt, least is < 0 or long.MaxValue ? 0 : least);
        Volatile.Write(ref _congestionWindow, *(long*)(statistics + _abi.StatisticsCongestionWindow));
        long inFlight = *(long*)(statistics + _abi.StatisticsBytesInFlight);
        Volatile.Write(ref _bytesInFlight, inFlight);
        _inFlightKnown = inFlight;
        if (inFlight == 0)
        {
            _unansweredSince = 0;
        }
        else if (_unansweredSince == 0 && _packetsSent > _packetsSentBefore)
        {
            _unansweredSince = _loop.Timestamp;
        }

        ArmProbe(sent: _packetsSent > _packetsSentBefore);
        _packetsSentBefore = _packetsSent;
    }

    /// <summary>Calls the owner outside ngtcp2 callbacks. An exception closes the connection.</summary>
    private void Call(Action<Ngtcp2Connection> action)
    {
        try
        {
            action(this);
        }
        catch (Exception exception)
        {
            PendingReason = new QuicCloseReason(QuicCloseKind.Transport, IsRemote: false, QuicTransportError.InternalError, "The handler threw an exception.", exception);
            if (_native != 0)
            {
                Failed(_abi.ErrorCallbackFailure);
            }
        }
    }
}
