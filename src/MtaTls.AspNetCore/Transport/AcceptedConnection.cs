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
/// A TCP connection that nobody reads yet. Whoever asks for its <see cref="Transport"/> gets Kestrel's, with the loops that read ahead and notice that a client has gone.
/// A session takes the socket instead (<see cref="TakeSocket"/>): it reads all the time anyway, and saves the loops, their threads' turns and a copy.
/// </summary>
internal sealed class AcceptedConnection : DefaultConnectionContext, IConnectionSocketFeature, IMemoryPoolFeature
{
    // A ClientHello is half of it.
    private const int PeekBufferSize = 4096;

    // What a client may have sent behind the end that nobody reads any more. With it unread, the kernel would drop what is unsent, last words included.
    private const int MaxDrained = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly SocketConnectionContextFactory _kestrels;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closed = new();
    private NetworkStream? _stream;
    private PipeReader? _peeked;
    private StreamPipes? _direct;
    private ConnectionContext? _kestrel;
    private IDuplexPipe? _transport;
    private bool _isClosed;

    public AcceptedConnection(Socket socket, SocketConnectionContextFactory kestrels, MemoryPool<byte> memoryPool, ILogger logger)
        : base(ConnectionIds.Next())
    {
        _kestrels = kestrels;
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

    /// <summary>The session's, once it has taken the socket; else Kestrel's, from the first time on that anybody asks. After an abort it has ended.</summary>
    public override IDuplexPipe Transport
    {
        get
        {
            ConnectionContext? made = null;
            IDuplexPipe transport;
            lock (_gate)
            {
                transport = _transport ??= _isClosed ? Ended() : UseKestrels(out made);
            }

            // Not under the lock: of a connection that has ended already the callback, and with it the application's, runs here.
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
    /// <returns>The bytes that <see cref="Peek"/> has read, which the transport does not give again; empty where it does.</returns>
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

    /// <summary>Ends the connection in order where a session has taken the socket. False where it has not.</summary>
    public bool TryEndSession()
    {
        if (_direct is null)
        {
            return false;
        }

        if (BeginClose(out _))
        {
            Close(CloseInOrder);
        }

        return true;
    }

    public override async ValueTask DisposeAsync()
    {
        if (BeginClose(out ConnectionContext? kestrel))
        {
            Close(CloseInOrder);
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

    // Under the lock.
    private IDuplexPipe UseKestrels(out ConnectionContext made)
    {
        made = _kestrel = _kestrels.Create(Socket);
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

        // None, where all that was read is consumed: a balancer's header.
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

    /// <summary>Sends a FIN behind all that was written, and takes off what is unread. It never waits.</summary>
    private static void CloseInOrder(Socket socket)
    {
        socket.Shutdown(SocketShutdown.Send);

        // A receive that may block waits for an event that a thread of the pool hands on, and holds one meanwhile: many at a time would stop the server.
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

    /// <summary>Whether the caller is to close the socket. Nothing is closed under the lock.</summary>
    /// <param name="kestrel">Kestrel's connection, which closes it otherwise.</param>
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
            // The peer was faster, or other code has closed the socket that a feature shows.
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
            // A callback of the application's is not the end of the process.
            _logger.ConnectionClosedCallbackFailed(ConnectionId, e);
        }
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
