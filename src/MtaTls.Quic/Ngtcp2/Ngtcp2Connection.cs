using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// A connection on ngtcp2. This file has the members that other threads call; they queue work for the loop. The other files run on the loop's thread only.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The loop frees the session when the connection ends.")]
internal sealed partial class Ngtcp2Connection : IQuicConnection
{
    private static long s_lastId;

    private readonly QuicLoop _loop;
    private readonly QuicConnectionOptions _options;
    private readonly DatagramQueue _datagrams;
    private long _nextStreamId;
    private int _unacknowledged;

    // Written by the loop, read by any thread.
    private volatile bool _isConnected;
    private volatile bool _isClosed;
    private volatile IPEndPoint _localEndPoint;
    private volatile IPEndPoint _remoteEndPoint;
    private volatile int _maxDatagramSize;
    private long _smoothedRtt, _minRtt, _congestionWindow, _bytesInFlight, _lastReceived, _unansweredSince;
    private long _packetsReceived, _packetsSent, _bytesReceived, _bytesSent, _datagramsReceived, _datagramsSent, _datagramsLost, _datagramsDropped, _sendErrors;

    /// <summary>Creates a connection without its native part. <see cref="StartClient"/> or <see cref="StartServer"/> must follow on the loop.</summary>
    public Ngtcp2Connection(QuicLoop loop, QuicConnectionOptions options, TlsCredentials credentials, DatagramPool pool, in RawAddress local, in RawAddress remote)
    {
        _loop = loop;
        _options = options;
        _credentials = credentials;
        _datagrams = new DatagramQueue(pool, options.DatagramQueueLength);
        IsServer = options is QuicListenerOptions;
        _nextStreamId = IsServer ? 3 : 2;
        _nextToOpen = _nextStreamId;
        (_local, _remote) = (local, remote);
        (_localEndPoint, _remoteEndPoint) = (local.ToEndPoint(), remote.ToEndPoint());
        _lastReceived = loop.Time.GetTimestamp();
        _streamsGranted = Math.Min(options.MaxConcurrentStreams, options.MaxStreams);
    }

    public long Id { get; } = Interlocked.Increment(ref s_lastId);

    public bool IsServer { get; }

    public object? State { get; set; }

    public bool IsConnected => _isConnected;

    public string? ApplicationProtocol { get; private set; }

    public X509Certificate2? PeerCertificate { get; private set; }

    public IPEndPoint LocalEndPoint => _localEndPoint;

    public IPEndPoint RemoteEndPoint => _remoteEndPoint;

    public int MaxDatagramSize => _isConnected ? _maxDatagramSize : 0;

    public TimeSpan SmoothedRtt => TimeSpan.FromTicks(Volatile.Read(ref _smoothedRtt) / 100);

    public TimeSpan MinRtt => TimeSpan.FromTicks(Volatile.Read(ref _minRtt) / 100);

    public long CongestionWindow => Volatile.Read(ref _congestionWindow);

    public long BytesInFlight => Volatile.Read(ref _bytesInFlight);

    public int WaitingStreams => (int)((Volatile.Read(ref _nextStreamId) - Volatile.Read(ref _nextToOpen)) / 4);

    public int QueuedDatagrams => _datagrams.Count;

    public long LastReceivedTimestamp => Volatile.Read(ref _lastReceived);

    public long UnansweredSinceTimestamp => Volatile.Read(ref _unansweredSince);

    public QuicConnectionStatistics Statistics => new(
        Volatile.Read(ref _packetsReceived), Volatile.Read(ref _packetsSent), Volatile.Read(ref _bytesReceived), Volatile.Read(ref _bytesSent),
        Volatile.Read(ref _datagramsReceived), Volatile.Read(ref _datagramsSent), Volatile.Read(ref _datagramsLost), Volatile.Read(ref _datagramsDropped),
        Volatile.Read(ref _sendErrors));

    public long OpenUnidirectionalStream()
    {
        long id = Interlocked.Add(ref _nextStreamId, 4) - 4;
        _loop.Schedule(this);
        return id;
    }

    public void SendStream(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (_isClosed)
        {
            return;
        }

        if (Interlocked.Add(ref _unacknowledged, data.Length) > _options.MaxStreamSendBuffer)
        {
            Interlocked.Add(ref _unacknowledged, -data.Length);
            throw new InvalidOperationException($"{this} has more than {_options.MaxStreamSendBuffer} bytes of streams that the peer has not acknowledged (MaxStreamSendBuffer).");
        }
        var block = new StreamBlock(data);
        if (!_loop.Post(() => AppendToStream(streamId, block, fin)))
        {
            block.Free();
        }
    }

    public void ResetStream(long streamId, ulong errorCode) => _loop.Post(() => ResetOutgoing(streamId, errorCode));

    public void StopSending(long streamId, ulong errorCode) => _loop.Post(() => StopIncoming(streamId, errorCode));

    public bool TrySendDatagram(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (!_isConnected || header.Length + payload.Length > _maxDatagramSize || !_datagrams.TryAdd(header, payload))
        {
            return false;
        }

        _loop.Schedule(this);
        return true;
    }

    public int DrainUnsent(QuicDatagramVisitor visitor, object? state)
    {
        ArgumentNullException.ThrowIfNull(visitor);
        return _datagrams.Drain(visitor, state);
    }

    public void Migrate(IPAddress? localAddress, string? interfaceName)
    {
        if (IsServer)
        {
            throw new InvalidOperationException("Only a client can migrate a connection to another address (RFC 9000, section 9).");
        }

        IPAddress any = _remote.IsV6 ? IPAddress.IPv6Any : IPAddress.Any;
        var socket = new UdpSocket(new IPEndPoint(localAddress ?? any, 0), interfaceName, reusePort: false, _options.SocketBufferSize);
        if (!_loop.Post(() => BeginMigration(socket)))
        {
            socket.Dispose();
        }
    }

    public void Ping() => _loop.Post(SendPing);

    public void Close(ulong applicationErrorCode, string? reason = null) => _loop.Post(() => CloseByApplication(applicationErrorCode, reason ?? ""));

    public void Abort() => _loop.Post(() => Finish(new QuicCloseReason(QuicCloseKind.Aborted, IsRemote: false)));

    public override string ToString() => $"QUIC connection {Id} ({(IsServer ? "from" : "to")} {RemoteEndPoint})";
}
