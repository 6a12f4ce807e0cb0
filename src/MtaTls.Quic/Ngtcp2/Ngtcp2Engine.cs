using System.Net;
using System.Numerics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Creates listeners, and client connections that share one loop.</summary>
internal sealed class Ngtcp2Engine(LibNgtcp2 library, ILoggerFactory loggerFactory, TimeProvider time) : IQuicEngine
{
    private const int MaxWaitingDatagrams = 32 * 1024;

    /// <summary>The largest packet of the client loop, in bytes: the upper bound of <see cref="QuicConnectionOptions.MaxUdpPayloadSize"/>, because its connections have different options.</summary>
    private const int MaxClientPacket = 65000;

    private readonly ILogger _logger = loggerFactory.CreateLogger(Log.Category);
    private readonly Lock _lock = new();
    private readonly List<Ngtcp2Listener> _listeners = [];
    private readonly Dictionary<int, DatagramPool> _pools = [];
    private QuicLoop? _clients;
    private bool _disposed;

    public IQuicListener Listen(QuicListenerOptions options, Func<IQuicConnection, IQuicConnectionHandler> accept)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(accept);
        ThrowWithoutProtocol(options);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var listener = new Ngtcp2Listener(library, _logger, time, options, accept);
            _listeners.Add(listener);
            return listener;
        }
    }

    public IQuicConnection Connect(QuicClientOptions options, IQuicConnectionHandler handler)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(handler);
        ThrowWithoutProtocol(options);
        bool v6 = options.RemoteEndPoint.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        var local = new IPEndPoint(options.LocalAddress ?? (v6 ? IPAddress.IPv6Any : IPAddress.Any), options.LocalPort);

        QuicLoop loop;
        DatagramPool pool;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_clients is null)
            {
                _clients = new QuicLoop(library, _logger, time, "QUIC clients", MaxClientPacket, RandomNumberGenerator.GetBytes(32));
                _clients.Start();
            }
            loop = _clients;
            int size = SlotSize(options.MaxUdpPayloadSize);
            if (!_pools.TryGetValue(size, out pool!))
            {
                _pools[size] = pool = CreatePool(size, MaxWaitingDatagrams);
            }
        }

        var credentials = TlsCredentials.Create(options.Certificate, options.IntermediateCertificates);
        UdpSocket socket;
        try
        {
            socket = new UdpSocket(local, options.InterfaceName, reusePort: false, options.SocketBufferSize);
        }
        catch
        {
            credentials.Dispose();
            throw;
        }
        var connection = new Ngtcp2Connection(loop, options, credentials, pool, socket.Local, new RawAddress(options.RemoteEndPoint))
        {
            Handler = handler,
            Ended = credentials.Dispose,
        };
        bool posted = loop.Post(() =>
        {
            loop.Add(connection);
            connection.StartClient(socket);
        });
        if (!posted)
        {
            socket.Dispose();
            credentials.Dispose();
            throw new ObjectDisposedException(nameof(IQuicEngine));
        }
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        QuicLoop? clients;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            clients = _clients;
        }
        foreach (Ngtcp2Listener listener in _listeners)
        {
            await listener.DisposeAsync().ConfigureAwait(false);
        }

        if (clients is null)
        {
            return;
        }

        clients.Stop();
        await clients.Ended.ConfigureAwait(false);
    }

    internal static DatagramPool CreatePool(int packetSize, int slotsOf2048)
    {
        int size = SlotSize(packetSize);
        return new DatagramPool(size, Math.Max(64, slotsOf2048 / (size / 2048)));
    }

    private static void ThrowWithoutProtocol(QuicConnectionOptions options)
    {
        if (options.ApplicationProtocols.Count == 0)
        {
            throw new ArgumentException("ApplicationProtocols is empty; set at least one application protocol.", nameof(options));
        }
    }

    private static int SlotSize(int packetSize) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(packetSize, 2048));
}
