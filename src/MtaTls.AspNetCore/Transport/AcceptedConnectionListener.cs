using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace MtaTls.AspNetCore.Transport;

/// <summary>Accepts connections as Kestrel's listener does, without starting to read them.</summary>
internal sealed class AcceptedConnectionListener : IConnectionListener
{
    private readonly Socket _listener;
    private readonly SocketTransportOptions _options;
    private readonly SocketConnectionContextFactory _kestrels;
    private readonly MemoryPool<byte> _memoryPool;
    private readonly ILogger _logger;

    private AcceptedConnectionListener(Socket listener, SocketTransportOptions options, SocketConnectionContextFactory kestrels, MemoryPool<byte> memoryPool, ILogger logger)
    {
        _listener = listener;
        _options = options;
        _kestrels = kestrels;
        _memoryPool = memoryPool;
        _logger = logger;
        EndPoint = listener.LocalEndPoint!;
    }

    public EndPoint EndPoint { get; }

    /// <exception cref="AddressInUseException">Somebody else listens there.</exception>
    public static IConnectionListener Bind(EndPoint endPoint, SocketTransportOptions options, SocketConnectionFactoryOptions connections, IMemoryPoolFactory<byte>? memoryPools, ILogger logger)
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
        return new AcceptedConnectionListener(listener, options, new SocketConnectionContextFactory(connections, logger), memoryPools?.Create() ?? MemoryPool<byte>.Shared, logger);
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Socket? socket = null;
            try
            {
                socket = await _listener.AcceptAsync(cancellationToken);
                socket.NoDelay = _options.NoDelay;
                return new AcceptedConnection(socket, _kestrels, _memoryPool, _logger);
            }
            catch (ObjectDisposedException)
            {
                // Unbound.
                socket?.Dispose();
                return null;
            }
            catch (SocketException e)
            {
                socket?.Dispose();
                if (e.SocketErrorCode == SocketError.OperationAborted)
                {
                    return null;
                }

                // The connection was reset while it waited to be accepted: the next.
            }
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _listener.Dispose();
        return default;
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _kestrels.Dispose();
        _memoryPool.Dispose();
        return default;
    }
}
