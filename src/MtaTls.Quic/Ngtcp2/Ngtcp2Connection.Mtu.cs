namespace MtaTls.Quic.Ngtcp2;

/// <summary>Sizes of packets and datagrams. Runs on the loop.</summary>
internal sealed unsafe partial class Ngtcp2Connection
{
    /// <summary>After this many probe timeouts, discovery has ended: ngtcp2 tries few sizes, each three times within five probe timeouts.</summary>
    private const ulong DiscoveryProbeTimeouts = 12;

    /// <summary>The largest size that ngtcp2's discovery tries, in bytes.</summary>
    private const int LargestDiscovered = 1444;

    private readonly PathMtuGuard _mtu = new();
    private long _discoveryEnds;
    private volatile bool _isMtuSettled;

    public bool IsPathMtuSettled => _isMtuSettled || (Volatile.Read(ref _discoveryEnds) is > 0 and long ends && _loop.Time.GetTimestamp() >= ends);

    // The short header with a packet number of 4 bytes, the AEAD tag, the frame's type and length, and MAX_DATA if it is added.
    private int DatagramOverhead => 1 + (int)_library.GetDestinationId(_native)->Length + 4 + 16 + 3 + (_abi.DatagramsArmNoProbe ? 9 : 0);

    private int PathMaximum => Math.Min(_options.MaxUdpPayloadSize, (int)_library.GetPathMaxTxUdpPayloadSize(_native));

    /// <summary>Starts for a new path, on which ngtcp2's discovery begins.</summary>
    private void BeginPathMtu()
    {
        _mtu.Reset();
        Volatile.Write(ref _discoveryEnds, _options.PathMtuDiscovery ? _loop.Timestamp + (long)(DiscoveryProbeTimeouts * _library.GetProbeTimeout(_native) / 1e9 * _loop.Time.TimestampFrequency) : 1);
    }

    private void CheckPathMtu(ulong now)
    {
        if (now >= _mtu.Deadline)
        {
            _mtu.Check(PathMaximum, now);
        }
    }

    /// <summary>Writes a datagram that the peer ignores and that fills a packet of the wanted size.</summary>
    private nint WriteMtuProbe(NativePath* path, byte* destination, ulong now)
    {
        int size = _mtu.WantedProbe;
        ReadOnlySpan<byte> header = _options.ProbeDatagramHeader.Span;
        int length = Math.Max(header.Length, size - DatagramOverhead);
        byte* content = stackalloc byte[length];
        var whole = new Span<byte>(content, length);
        whole.Clear();
        header.CopyTo(whole);
        if (_abi.DatagramsArmNoProbe)
        {
            _library.ExtendMaxOffset(_native, InitialMaxData / 2 + 1);
        }

        ulong info = 0;
        int taken = 0;
        var vector = new NativeVector { Base = content, Length = (nuint)length };
        ulong id = _ledger.NextId;
        nint written = _library.WriteDatagram(_native, path, 1, &info, destination, (nuint)size, &taken, 0, id, &vector, 1, now);
        if (taken != 0)
        {
            _ledger.Add(length, now, null, _delivered, _deliveredAt, isLimited: true);
            _mtu.OnProbeSent(id, (int)written, now + (3 * _library.GetProbeTimeout(_native)));
        }

        return written;
    }

    private void UpdateMaxDatagramSize()
    {
        if (_native == 0)
        {
            return;
        }

        int size = ComputeMaxDatagramSize();
        bool settled = _mtu.IsSettled && (!_options.PathMtuDiscovery || PathMaximum >= Math.Min(LargestDiscovered, _options.MaxUdpPayloadSize));
        if (!_mtu.IsSettled)
        {
            Volatile.Write(ref _discoveryEnds, 0);
        }
        else if (_discoveryEnds == 0)
        {
            Volatile.Write(ref _discoveryEnds, 1);
        }

        _isMtuSettled = settled;
        if (size == _maxDatagramSize)
        {
            return;
        }

        _maxDatagramSize = size;
        if (_isConnected)
        {
            Call(static c => c.Handler.OnPathChanged(c));
        }
    }

    private int ComputeMaxDatagramSize()
    {
        byte* remote = _library.GetRemoteTransportParameters(_native);
        if (remote is null)
        {
            return 0;
        }
        // Type and length take 3 bytes up to a length of 16,383, and 5 above.
        ulong frame = *(ulong*)(remote + _abi.ParametersMaxDatagramFrameSize);
        long byPeer = frame > 16383 + 5 ? (long)Math.Min(frame, 65535) - 5 : (long)frame - 3;
        long byPath = Math.Min(PathMaximum, _mtu.Limit) - DatagramOverhead;
        return (int)Math.Clamp(Math.Min(byPeer, byPath), 0, 65535);
    }
}
