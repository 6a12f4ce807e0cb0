using System.Net;
using System.Net.Sockets;
using MtaTls.Tests.Network;

namespace MtaTls.QuicTunnel.Tests.Namespaces;

/// <summary>A relay in an access network between one client and the concentrator. It drops packets both ways at random, with a fixed seed.</summary>
internal sealed class LossyRelay : IDisposable
{
    private readonly Socket _front;
    private readonly Socket _back;
    private readonly double _loss;
    private SocketAddress? _client;
    private long _lost;
    private int _mtu = 65535;

    public LossyRelay(string name, IPEndPoint front, IPEndPoint concentrator, double loss, int seed)
    {
        _loss = loss;
        _front = NamespaceSockets.Bind(name, front);
        _back = NamespaceSockets.Bind(name, new IPEndPoint(IPAddress.Any, 0));
        _back.Connect(concentrator);
        Start(() => Pass(new Random(seed), _front, fromClient: true));
        Start(() => Pass(new Random(seed + 1), _back, fromClient: false));
    }

    /// <summary>The largest UDP payload that passes, in bytes. Larger ones are dropped.</summary>
    public int Mtu { get => Volatile.Read(ref _mtu); set => Volatile.Write(ref _mtu, value); }

    public long Lost => Interlocked.Read(ref _lost);

    public void Dispose()
    {
        _front.Dispose();
        _back.Dispose();
    }

    private static void Start(Action loop) => new Thread(() => loop()) { IsBackground = true }.Start();

    private void Pass(Random random, Socket socket, bool fromClient)
    {
        byte[] buffer = new byte[65536];
        while (true)
        {
            try
            {
                int length;
                if (fromClient)
                {
                    var from = new SocketAddress(AddressFamily.InterNetwork);
                    length = socket.ReceiveFrom(buffer, SocketFlags.None, from);
                    Volatile.Write(ref _client, from);
                }
                else
                {
                    length = socket.Receive(buffer);
                }

                if (length > Mtu || random.NextDouble() < _loss)
                {
                    Interlocked.Increment(ref _lost);
                }
                else if (fromClient)
                {
                    _back.Send(buffer, length, SocketFlags.None);
                }
                else if (Volatile.Read(ref _client) is { } client)
                {
                    _front.SendTo(buffer.AsSpan(0, length), SocketFlags.None, client);
                }
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException exception)
            {
                if (exception.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted)
                {
                    return;
                }
            }
        }
    }
}
