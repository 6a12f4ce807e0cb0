using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MtaTls.AspNetCore.Transport;

/// <summary>
/// A TCP connection that nobody reads yet. Whoever asks for its <see cref="Transport"/> gets Kestrel's, with the loops that read ahead and notice that a client has gone.
/// A session takes the socket instead (<see cref="TakeSocket"/>): it reads all the time anyway, and saves the loops, their threads' turns and a copy.
/// </summary>
internal sealed class AcceptedConnection : DefaultConnectionContext, IConnectionSocketFeature, IMemoryPoolFeature
{
    // A ClientHello is half of it.
    private const int PeekBufferSize = 4096;

    private readonly Lock _gate = new();
    private readonly SocketConnectionContextFactory _kestrels;
    private readonly CancellationTokenSource _closed = new();
    private NetworkStream? _stream;
    private PipeReader? _peeked;
    private StreamPipes? _direct;
    private ConnectionContext? _kestrel;
    private IDuplexPipe? _transport;
    private bool _isClosed;

    public AcceptedConnection(Socket socket, SocketConnectionContextFactory kestrels, MemoryPool<byte> memoryPool)
        : base(ConnectionIds.Next())
    {
        _kestrels = kestrels;
        Socket = socket;
        MemoryPool = memoryPool;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        Features.Set<IConnectionSocketFeature>(this);
        Features.Set<IMemoryPoolFeature>(this);
    }

    public Socket Socket { get; }

    public MemoryPool<byte> MemoryPool { get; }

    /// <summary>The session's, once it has taken the socket; else Kestrel's, from the first time on that anybody asks.</summary>
    public override IDuplexPipe Transport
    {
        get
        {
            lock (_gate)
            {
                return _transport ??= UseKestrels();
            }
        }

        set
        {
            lock (_gate)
            {
                _transport = value;
            }
        }
    }

    /// <summary>What arrives, to be looked at and not consumed before it is decided who serves the connection; null where somebody uses the transport already.</summary>
    public PipeReader? Peek()
    {
        lock (_gate)
        {
            if (_transport is not null || _isClosed)
            {
                return null;
            }

            _stream ??= new NetworkStream(Socket, ownsSocket: false);
            return _peeked ??= PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: PeekBufferSize, minimumReadSize: 1024, leaveOpen: true, useZeroByteReads: true));
        }
    }

    /// <summary>From now on <see cref="Transport"/> reads and writes the socket itself; not where somebody uses it already.</summary>
    public void TakeSocket()
    {
        lock (_gate)
        {
            if (_transport is null && _stream is not null && !_isClosed)
            {
                _direct = new StreamPipes(_stream, holdsBuffer: false);
                _transport = new ReplayedTransport(TakePeeked(), _direct);
            }
        }
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        lock (_gate)
        {
            if (_kestrel is null)
            {
                Close();
                return;
            }
        }

        _kestrel.Abort(abortReason);
    }

    public override async ValueTask DisposeAsync()
    {
        ConnectionContext? kestrel;
        lock (_gate)
        {
            kestrel = _kestrel;
            if (kestrel is null)
            {
                Close();
            }
        }

        if (kestrel is not null)
        {
            await kestrel.DisposeAsync();
        }

        if (_direct is not null)
        {
            await _direct.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    // Under the lock.
    private IDuplexPipe UseKestrels()
    {
        _kestrel = _kestrels.Create(Socket);
        _kestrel.ConnectionId = ConnectionId;
        Features.Set(_kestrel.Features.Get<IMemoryPoolFeature>());
        _kestrel.ConnectionClosed.UnsafeRegister(static closed => ((CancellationTokenSource)closed!).Cancel(), _closed);
        ReadOnlyMemory<byte> peeked = TakePeeked();
        return peeked.IsEmpty ? _kestrel.Transport : new ReplayedTransport(peeked, _kestrel.Transport);
    }

    private byte[] TakePeeked()
    {
        if (_peeked is null || !_peeked.TryRead(out ReadResult result))
        {
            return [];
        }

        byte[] octets = result.Buffer.ToArray();
        _peeked.Complete();
        return octets;
    }

    // Under the lock.
    private void Close()
    {
        if (_isClosed)
        {
            return;
        }

        _isClosed = true;
        try
        {
            Socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The peer was faster.
        }

        Socket.Dispose();
        ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), _closed, preferLocal: false);
    }
}
