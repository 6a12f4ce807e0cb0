using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.Quic.Tests.Support;

/// <summary>
/// A UDP balancer on loopback that knows nothing of QUIC: a flow (a client's address and port) goes to the server that <see cref="Choose"/> says for each of its packets, and what any server answers goes back to the client.
/// </summary>
internal sealed class UdpBalancer : IAsyncDisposable
{
    private readonly Socket _front = Bind();
    private readonly ConcurrentDictionary<SocketAddress, Flow> _flows = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Task _reading;

    public UdpBalancer(params IPEndPoint[] servers)
    {
        Servers = servers;
        EndPoint = (IPEndPoint)_front.LocalEndPoint!;
        _reading = ReadClientsAsync();
    }

    /// <summary>Where clients send to.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>May be replaced as a whole.</summary>
    public volatile IPEndPoint[] Servers;

    /// <summary>The index of the server, for the number of the flow and its next packet; less than zero drops it. By default flows take turns.</summary>
    public Func<int, ReadOnlyMemory<byte>, int>? Choose { get; set; }

    /// <summary>Flows so far.</summary>
    public int Flows => _flows.Count;

    /// <summary>Packets of servers that went back to clients.</summary>
    public long ToClients => Interlocked.Read(ref _toClients);

    private long _toClients;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _front.Dispose();
        await _reading;
        foreach (Flow flow in _flows.Values)
        {
            await flow.DisposeAsync();
        }
    }

    private static Socket Bind()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 22, SendBufferSize = 1 << 22 };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private async Task ReadClientsAsync()
    {
        byte[] buffer = new byte[65536];
        var any = new IPEndPoint(IPAddress.Any, 0);
        while (!_end.IsCancellationRequested)
        {
            try
            {
                var from = new SocketAddress(AddressFamily.InterNetwork);
                int length = await _front.ReceiveFromAsync(buffer, SocketFlags.None, from, _end.Token);
                Flow flow = _flows.GetOrAdd(from, static (address, self) => new Flow(self, self._flows.Count, (IPEndPoint)new IPEndPoint(IPAddress.Any, 0).Create(address)), this);
                int server = Choose?.Invoke(flow.Number, buffer.AsMemory(0, length)) ?? flow.Number % Servers.Length;
                if (server >= 0)
                {
                    flow.Send(buffer.AsSpan(0, length), Servers[server]);
                }
            }
            catch (SocketException)
            {
                // A port where nobody listens any more.
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private sealed class Flow : IAsyncDisposable
    {
        private readonly UdpBalancer _balancer;
        private readonly IPEndPoint _client;
        private readonly Socket _socket = Bind();
        private readonly Task _reading;

        public Flow(UdpBalancer balancer, int number, IPEndPoint client)
        {
            (_balancer, Number, _client) = (balancer, number, client);
            _reading = ReadServersAsync();
        }

        public int Number { get; }

        public void Send(ReadOnlySpan<byte> packet, IPEndPoint server) => _socket.SendTo(packet, server);

        public async ValueTask DisposeAsync()
        {
            _socket.Dispose();
            await _reading;
        }

        private async Task ReadServersAsync()
        {
            byte[] buffer = new byte[65536];
            var any = new IPEndPoint(IPAddress.Any, 0);
            while (!_balancer._end.IsCancellationRequested)
            {
                try
                {
                    SocketReceiveFromResult result = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, any, _balancer._end.Token);
                    _balancer._front.SendTo(buffer.AsSpan(0, result.ReceivedBytes), _client);
                    Interlocked.Increment(ref _balancer._toClients);
                }
                catch (SocketException)
                {
                    // A port where nobody listens any more.
                }
                catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
                {
                    return;
                }
            }
        }
    }
}
