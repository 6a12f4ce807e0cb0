using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Transport;

/// <summary>
/// A TCP connection that nothing reads yet. The first access to <see cref="Transport"/> creates Kestrel's transport, whose loops read ahead and notice that a client has disconnected.
/// A session takes the socket instead (<see cref="TakeSocket"/>): it reads all the time anyway, and so saves the loops, their thread switches and a copy.
/// </summary>
internal sealed class AcceptedConnection : DefaultConnectionContext, IConnectionSocketFeature, IMemoryPoolFeature
{
    // A ClientHello has about 2,000 bytes.
    private const int PeekBufferSize = 4096;

    // The most bytes that are read and discarded when the socket closes. If bytes stay unread, the kernel resets the connection and drops unsent data, such as the close_notify.
    private const int MaxDrained = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly SocketConnectionContextFactory _kestrelConnections;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closed = new();
    private NetworkStream? _stream;
    private PipeReader? _peeked;
    private StreamPipes? _direct;
    private ConnectionContext? _kestrel;
    private IDuplexPipe? _transport;
    private bool _isClosed;

    public AcceptedConnection(Socket socket, SocketConnectionContextFactory kestrelConnections, MemoryPool<byte> memoryPool, ILogger logger)
        : base(ConnectionIds.Next())
    {
        _kestrelConnections = kestrelConnections;
        _logger = logger;
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

    /// <summary>The session's transport after it has taken the socket; else Kestrel's, which the first access creates. After an abort, a transport that has ended.</summary>
    public override IDuplexPipe Transport
    {
        get
        {
            ConnectionContext? made = null;
            IDuplexPipe transport;
            lock (_gate)
            {
                transport = _transport ??= _isClosed ? Ended() : UseKestrelTransport(out made);
            }

            // Not under the lock: if the connection has already ended, the callback runs here, and with it callbacks of the application.
            made?.ConnectionClosed.UnsafeRegister(static connection => ((AcceptedConnection)connection!).FireClosed(), this);
            return transport;
        }

        set
        {
            lock (_gate)
            {
                _transport = value;
            }
        }
    }

    /// <summary>Returns a reader for the first bytes, from which they can be read before it is decided who serves the connection. Null if the transport is already in use.</summary>
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

    /// <summary>Lets <see cref="Transport"/> read and write the socket directly. Does nothing if the transport is already in use.</summary>
    /// <returns>The bytes that <see cref="Peek"/> has read and the transport does not return again; empty if the transport was already in use.</returns>
    public ReadOnlyMemory<byte> TakeSocket()
    {
        lock (_gate)
        {
            if (_transport is not null || _stream is null || _isClosed)
            {
                return default;
            }

            _transport = _direct = new StreamPipes(_stream, holdsBuffer: false);
            return TakePeeked();
        }
    }

    /// <summary>Ends the connection with a reset, as Kestrel does.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        if (BeginClose(out ConnectionContext? kestrel))
        {
            Close(static socket => socket.Close(0));
        }

        kestrel?.Abort(abortReason);
    }

    /// <summary>Closes the connection with a FIN if a session has taken the socket; else returns false.</summary>
    public bool TryEndSession()
    {
        if (_direct is null)
        {
            return false;
        }

        if (BeginClose(out _))
        {
            Close(CloseWithFin);
        }

        return true;
    }

    public override async ValueTask DisposeAsync()
    {
        if (BeginClose(out ConnectionContext? kestrel))
        {
            Close(CloseWithFin);
        }

        if (kestrel is null)
        {
            _peeked?.Complete();
        }
        else
        {
            await kestrel.DisposeAsync();
        }

        if (_direct is not null)
        {
            await _direct.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    // Call it under _gate.
    private IDuplexPipe UseKestrelTransport(out ConnectionContext made)
    {
        made = _kestrel = _kestrelConnections.Create(Socket);
        made.ConnectionId = ConnectionId;
        Features.Set(made.Features.Get<IMemoryPoolFeature>());
        ReadOnlyMemory<byte> peeked = TakePeeked();
        return peeked.IsEmpty ? made.Transport : new ReplayedTransport(peeked, made.Transport);
    }

    private byte[] TakePeeked()
    {
        if (_peeked is null)
        {
            return [];
        }

        // TryRead gives no bytes if all were consumed, as after a PROXY protocol header.
        byte[] octets = _peeked.TryRead(out ReadResult result) ? result.Buffer.ToArray() : [];
        _peeked.Complete();
        _peeked = null;
        return octets;
    }

    private static DuplexPipe Ended()
    {
        Pipe pipe = new();
        pipe.Writer.Complete(new ConnectionAbortedException());
        return new DuplexPipe(pipe.Reader, PipeWriter.Create(Stream.Null));
    }

    /// <summary>Sends a FIN after all written data, and discards unread bytes. It never waits.</summary>
    private static void CloseWithFin(Socket socket)
    {
        socket.Shutdown(SocketShutdown.Send);

        // A receive on a blocking socket would wait for an event that a thread-pool thread delivers, and block another such thread meanwhile. Many at a time could stop the server.
        socket.Blocking = false;
        Span<byte> unread = stackalloc byte[4096];
        for (int drained = 0; drained < MaxDrained;)
        {
#pragma warning disable RS0030 // The socket does not block.
            int count = socket.Receive(unread, SocketFlags.None, out SocketError error);
#pragma warning restore RS0030
            if (error != SocketError.Success || count == 0)
            {
                break;
            }

            drained += count;
        }

        socket.Dispose();
    }

    /// <summary>Returns whether the caller must close the socket. Nothing is closed under the lock.</summary>
    /// <param name="kestrel">Kestrel's connection, if there is one; it closes the socket itself.</param>
    private bool BeginClose(out ConnectionContext? kestrel)
    {
        lock (_gate)
        {
            kestrel = _kestrel;
            return kestrel is null && !_isClosed && (_isClosed = true);
        }
    }

    private void Close(Action<Socket> close)
    {
        try
        {
            close(Socket);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer has closed the connection, or other code has closed the socket through IConnectionSocketFeature.
            Socket.Dispose();
        }

        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.FireClosed(), this, preferLocal: false);
    }

    private void FireClosed()
    {
        try
        {
            _closed.Cancel();
        }
        catch (Exception e)
        {
            // A callback of the application must not end the process.
            _logger.ConnectionClosedCallbackFailed(ConnectionId, e);
        }
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
