using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// Copies bytes between a channel and the TCP connection of its destination until either ends. A channel has no half close (sections 3 and 4 of the draft close both ways at once), so
/// the destination's FIN closes the channel when all has been sent (and resets the connection where the peer had sent more than the destination got), and a closed channel becomes our FIN when all that arrived has been written; what the
/// destination says after that has nobody to go to.
/// </summary>
internal sealed class TcpTunnel : IDisposable
{
    private const int DiscardBufferSize = 4096;

    private readonly Socket _socket;
    private readonly IDuplexPipe _channel;
    private readonly TimeSpan _halfCloseLinger;
    private readonly CancellationTokenSource _stop;
    private volatile bool _channelClosed;
    private bool _stopped;
    private bool _isSending;
    private volatile bool _shuttingDown;
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

    /// <summary>What went wrong, where <see cref="RunAsync"/> returned a failure.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Whether <c>HalfCloseLinger</c> was over before the destination had ended.</summary>
    public bool HasGivenUp { get; private set; }

    /// <summary>
    /// The channel carries nothing any more. A destination that takes no more bytes, or never ends, is given up <c>HalfCloseLinger</c> after its last progress. May be called
    /// at any time, more than once.
    /// </summary>
    public void ChannelClosed()
    {
        _channelClosed = true;
        GiveUpAfter(TimeSpan.FromTicks(Math.Min(_halfCloseLinger.Ticks, Volatile.Read(ref _shutdownIdle))));
    }

    /// <summary>The server is shutting down: a tunnel through which nothing has gone for a while ends in order, one that is in use goes on.</summary>
    public void ShutDown(TimeSpan idle)
    {
        Volatile.Write(ref _shutdownIdle, idle.Ticks);
        _shuttingDown = true;
        GiveUpAfter(_channelClosed && _halfCloseLinger < idle ? _halfCloseLinger : idle);
    }

    /// <summary>Returns when both ways have ended and the socket is closed. Closing or aborting the channel is the caller's.</summary>
    /// <param name="closeChannel">
    /// Closes the channel after the destination's FIN, and tells whether the destination has got all that the peer sent until then. Null: it has.
    /// </param>
    public async Task<TcpTunnelEnd> RunAsync(Func<ValueTask<bool>>? closeChannel = null)
    {
        await Task.WhenAll(ToDestinationAsync(), FromDestinationAsync());
        var end = (TcpTunnelEnd)_end;
        HasGivenUp = !_shuttingDown && end is not TcpTunnelEnd.ServerStopped && _stop.IsCancellationRequested && !Volatile.Read(ref _stopped);
        bool isWhole = end is not TcpTunnelEnd.ChannelFailed;
        if (end is TcpTunnelEnd.DestinationClosed)
        {
            // A destination that still reads must not take a part for the whole.
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

            // Everything that arrived has been written: FIN, then wait for the other side's. The end is set first, for the
            // destination may answer the FIN before this thread goes on.
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
            Progressed();
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
            // The other way has ended, or the time to linger.
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

    /// <summary>True at the destination's FIN, with all flushed; false where the channel takes nothing more.</summary>
    private async Task<bool> CopyToChannelAsync()
    {
        PipeWriter output = _channel.Output;
        while (true)
        {
            // Waits without a buffer: an idle tunnel holds none.
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

            Progressed();
        }
    }

    /// <summary>Until the FIN: a connection closed with bytes unread is reset, and the reset may overtake what the destination has not read yet.</summary>
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

    /// <summary>The first end names the reason, and stops the other way.</summary>
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

    private void Progressed()
    {
        long limit = Volatile.Read(ref _idleLimit);
        if (limit != Timeout.Infinite)
        {
            GiveUpAfter(TimeSpan.FromTicks(limit));
        }
    }

    /// <summary>From now on, so long after each progress.</summary>
    private void GiveUpAfter(TimeSpan idle)
    {
        Volatile.Write(ref _idleLimit, idle.Ticks);
        try
        {
            _stop.CancelAfter(idle);
        }
        catch (ObjectDisposedException)
        {
            // The tunnel has ended already.
        }
    }
}
