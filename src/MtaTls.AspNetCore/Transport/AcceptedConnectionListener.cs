using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Transport;

/// <summary>Accepts connections like Kestrel's listener, but does not start to read them.</summary>
internal sealed class AcceptedConnectionListener : IConnectionListener
{
    // If accepting fails because file descriptors or memory are used up, an immediate retry would only use CPU time.
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_logInterval = TimeSpan.FromMinutes(1);

    private readonly Socket _listener;
    private readonly SocketTransportOptions _options;
    private readonly SocketConnectionContextFactory _kestrelConnections;
    private readonly MemoryPool<byte> _memoryPool;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _unbound = new();
    private long? _failureLogged;

    private AcceptedConnectionListener(
        Socket listener, SocketTransportOptions options, SocketConnectionContextFactory kestrelConnections, MemoryPool<byte> memoryPool, ILogger logger, TimeProvider time)
    {
        _listener = listener;
        _options = options;
        _kestrelConnections = kestrelConnections;
        _memoryPool = memoryPool;
        _logger = logger;
        _time = time;
        EndPoint = listener.LocalEndPoint!;
        AcceptSocket = listener.AcceptAsync;
    }

    public EndPoint EndPoint { get; }

    /// <summary>Accepts the next socket. Tests replace it.</summary>
    internal Func<CancellationToken, ValueTask<Socket>> AcceptSocket { get; set; }

    /// <summary>Binds a socket and listens on it.</summary>
    /// <exception cref="AddressInUseException">The address is in use.</exception>
    public static AcceptedConnectionListener Bind(
        EndPoint endPoint, SocketTransportOptions options, SocketConnectionFactoryOptions connections, IMemoryPoolFactory<byte>? memoryPools, ILogger logger, TimeProvider time)
    {
        Socket listener;
        try
        {
            listener = options.CreateBoundListenSocket(endPoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }

        listener.Listen(options.Backlog);
        return new AcceptedConnectionListener(
            listener, options, new SocketConnectionContextFactory(connections, logger), memoryPools?.Create() ?? MemoryPool<byte>.Shared, logger, time);
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        TimeSpan pause = s_firstPause;
        while (true)
        {
            Socket? socket = null;
            try
            {
                socket = await AcceptSocket(cancellationToken);
                socket.NoDelay = _options.NoDelay;
                return new AcceptedConnection(socket, _kestrelConnections, _memoryPool, _logger);
            }
            catch (ObjectDisposedException)
            {
                // The listener was unbound.
                socket?.Dispose();
                return null;
            }
            catch (SocketException e)
            {
                socket?.Dispose();
                if (e.SocketErrorCode == SocketError.OperationAborted || _unbound.IsCancellationRequested)
                {
                    return null;
                }

                // A connection that was reset before it was accepted needs no pause; the next one is accepted at once.
                if (socket is null && e.SocketErrorCode is not (SocketError.ConnectionAborted or SocketError.ConnectionReset))
                {
                    if (!await PauseAsync(e.SocketErrorCode, pause, cancellationToken))
                    {
                        return null;
                    }

                    pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
                }
            }
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _listener.Dispose();
        return new ValueTask(_unbound.CancelAsync());
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _unbound.CancelAsync();
        _kestrelConnections.Dispose();
        _memoryPool.Dispose();
    }

    /// <summary>Waits before the next attempt, and logs the reason at most once a minute. Returns false if the listener was unbound meanwhile.</summary>
    private async ValueTask<bool> PauseAsync(SocketError error, TimeSpan pause, CancellationToken cancellationToken)
    {
        long now = _time.GetTimestamp();
        if (_failureLogged is not { } logged || _time.GetElapsedTime(logged, now) >= s_logInterval)
        {
            _failureLogged = now;
            _logger.AcceptFailed(EndPoint, error);
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(_unbound.Token, cancellationToken);
        try
        {
            await Task.Delay(pause, _time, either.Token);
            return true;
        }
        catch (OperationCanceledException) when (_unbound.IsCancellationRequested)
        {
            return false;
        }
    }
}
