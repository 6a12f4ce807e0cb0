using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// Copies bytes between a channel and the TCP connection of its destination until either ends. A channel has no half-close: the draft (section 2.1.2) closes both directions at once. So
/// after the destination's FIN the channel closes when all data is sent; if the client had sent more than the destination got, the TCP connection is reset. After the close of the channel the server
/// sends its FIN when all received data is written; data that the destination sends later is discarded.
/// </summary>
internal sealed class TcpTunnel : IDisposable
{
    private const int DiscardBufferSize = 4096;

    private readonly Socket _socket;
    private readonly IDuplexPipe _channel;
    private readonly TimeSpan _halfCloseLinger;
    private readonly CancellationTokenSource _stop;
    private readonly Lock _lock = new();
    private volatile bool _channelClosed;
    private bool _stopped;
    private bool _isSending;
    private volatile bool _shuttingDown;
    private TcpTunnelSide? _server;   // guarded by _lock
    private int _lastTo = -1;
    private long _shutdownIdle = long.MaxValue;
    private long _idleLimit = Timeout.Infinite;
    private long _bytesSent;
    private long _bytesReceived;
    private int _end = -1;

    public TcpTunnel(Socket socket, IDuplexPipe channel, TimeSpan halfCloseLinger, TimeProvider timeProvider)
    {
        _socket = socket;
        _channel = channel;
        _halfCloseLinger = halfCloseLinger;
        _stop = new CancellationTokenSource(Timeout.InfiniteTimeSpan, timeProvider);
    }

    /// <summary>Bytes written to the destination.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    /// <summary>Bytes read from the destination for the channel.</summary>
    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    /// <summary>The error, if <see cref="RunAsync"/> returned a failure.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Whether <c>HalfCloseLinger</c> elapsed before the destination had closed.</summary>
    public bool HasGivenUp { get; private set; }

    /// <summary>
    /// Tells the tunnel that the channel has closed. If the destination reads no more bytes or does not close, the connection is closed <c>HalfCloseLinger</c> after its last progress. May be called
    /// at any time, and more than once.
    /// </summary>
    public void ChannelClosed()
    {
        _channelClosed = true;
        GiveUpAfter(TimeSpan.FromTicks(Math.Min(_halfCloseLinger.Ticks, Volatile.Read(ref _shutdownIdle))));
    }

    /// <summary>Tells the tunnel that its process is shutting down. It ends when it has carried no data for the given time.</summary>
    /// <param name="idle">The longest time without data.</param>
    /// <param name="server">
    /// The side that answers requests. While the last data went to it, an answer is expected, and the tunnel does not end for want of data. Null: the tunnel does not wait for answers.
    /// </param>
    public void ShutDown(TimeSpan idle, TcpTunnelSide? server = null)
    {
        lock (_lock)
        {
            _server = server;
        }

        Volatile.Write(ref _shutdownIdle, idle.Ticks);
        _shuttingDown = true;
        Volatile.Write(ref _idleLimit, idle.Ticks);
        // Either this thread sees which way the last data went, or the thread that carries it sees the limit.
        Interlocked.MemoryBarrierProcessWide();
        GiveUpAfter(_channelClosed && _halfCloseLinger < idle ? _halfCloseLinger : idle);
    }

    /// <summary>Returns when both directions have ended and the socket is closed. The caller closes or aborts the channel.</summary>
    /// <param name="closeChannel">
    /// Closes the channel after the destination's FIN, and returns whether the destination has got all data that the client sent until then. Null means that it has.
    /// </param>
    public async Task<TcpTunnelEnd> RunAsync(Func<ValueTask<bool>>? closeChannel = null)
    {
        await Task.WhenAll(ToDestinationAsync(), FromDestinationAsync());
        var end = (TcpTunnelEnd)_end;
        HasGivenUp = !_shuttingDown && end is not TcpTunnelEnd.ServerStopped && _stop.IsCancellationRequested && !Volatile.Read(ref _stopped);
        bool isWhole = end is not TcpTunnelEnd.ChannelFailed;
        if (end is TcpTunnelEnd.DestinationClosed)
        {
            // A destination that still reads must not see incomplete data as complete, so it gets a reset.
            isWhole = !_isSending && (closeChannel is null || await closeChannel());
        }

        if (!isWhole)
        {
            _socket.LingerState = new LingerOption(true, 0);
        }

        _socket.Dispose();
        return end;
    }

    public void Dispose()
    {
        _stop.Dispose();
        _socket.Dispose();
    }

    private async Task ToDestinationAsync()
    {
        PipeReader input = _channel.Input;
        try
        {
            while (true)
            {
                ReadResult result;
                try
                {
                    result = await input.ReadAsync(_stop.Token);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    End(TcpTunnelEnd.ChannelFailed, e);
                    return;
                }

                _isSending = true;
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    await SendAsync(segment);
                }

                _isSending = false;
                input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }

            // All received data is written, so the FIN follows, then the wait for the destination's FIN. The end is set first, because the
            // destination may answer the FIN before this thread continues.
            SetEnd(TcpTunnelEnd.ChannelClosed);
            _socket.Shutdown(SocketShutdown.Send);
            ChannelClosed();
        }
        catch (OperationCanceledException)
        {
            End(_shuttingDown && !_channelClosed ? TcpTunnelEnd.ServerStopped : TcpTunnelEnd.ChannelClosed, null);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            End(TcpTunnelEnd.DestinationFailed, e);
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            int sent = await _socket.SendAsync(octets, SocketFlags.None, _stop.Token);
            octets = octets[sent..];
            Interlocked.Add(ref _bytesSent, sent);
            Progressed(TcpTunnelSide.Socket);
        }
    }

    private async Task FromDestinationAsync()
    {
        try
        {
            if (await CopyToChannelAsync())
            {
                End(TcpTunnelEnd.DestinationClosed, null);
                return;
            }

            ChannelClosed();
            await DiscardAsync();
        }
        catch (OperationCanceledException)
        {
            // The other direction has ended, or HalfCloseLinger has elapsed.
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            End(TcpTunnelEnd.DestinationFailed, e);
        }
        catch (Exception e)
        {
            End(TcpTunnelEnd.ChannelFailed, e);
        }
    }

    /// <summary>Returns true after the destination's FIN, when all data is flushed; false if the channel is closed.</summary>
    private async Task<bool> CopyToChannelAsync()
    {
        PipeWriter output = _channel.Output;
        while (true)
        {
            // Waits without a buffer, so an idle tunnel needs none.
            await _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, _stop.Token);
            int received = await _socket.ReceiveAsync(output.GetMemory(), SocketFlags.None, _stop.Token);
            if (received == 0)
            {
                return true;
            }

            output.Advance(received);
            Interlocked.Add(ref _bytesReceived, received);
            FlushResult flush = await output.FlushAsync(_stop.Token);
            if (flush.IsCompleted)
            {
                return false;
            }

            Progressed(TcpTunnelSide.Channel);
        }
    }

    /// <summary>Reads until the FIN. A connection that is closed with unread bytes is reset, and a reset can destroy data that the destination has not read yet.</summary>
    private async Task DiscardAsync()
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(DiscardBufferSize);
        try
        {
            while (await _socket.ReceiveAsync(buffer, SocketFlags.None, _stop.Token) > 0)
            {
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Keeps the first end as the reason, and stops the other direction.</summary>
    private void End(TcpTunnelEnd end, Exception? error)
    {
        if (SetEnd(end))
        {
            Error = error;
        }

        if (_stop.IsCancellationRequested)
        {
            return;
        }

        Volatile.Write(ref _stopped, true);
        _stop.Cancel();
    }

    private bool SetEnd(TcpTunnelEnd end) => Interlocked.CompareExchange(ref _end, (int)end, -1) == -1;

    private void Progressed(TcpTunnelSide to)
    {
        Volatile.Write(ref _lastTo, (int)to);
        long limit = Volatile.Read(ref _idleLimit);
        if (limit != Timeout.Infinite)
        {
            GiveUpAfter(TimeSpan.FromTicks(limit));
        }
    }

    /// <summary>Stops the tunnel when it makes no progress for the given time.</summary>
    private void GiveUpAfter(TimeSpan idle)
    {
        Volatile.Write(ref _idleLimit, idle.Ticks);
        lock (_lock)
        {
            bool isOwed = _server is { } server && !_channelClosed && (int)server == Volatile.Read(ref _lastTo);
            try
            {
                _stop.CancelAfter(isOwed ? Timeout.InfiniteTimeSpan : idle);
            }
            catch (ObjectDisposedException)
            {
                // The tunnel has ended already.
            }
        }
    }
}
