using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.Quic.Tests.Support;

/// <summary>
/// A UDP relay between clients and one server on loopback. It can drop, delay, repeat and reorder packets, and drop all of them silently. It can also
/// send a client's packets from another port, like a NAT after a rebinding. Random decisions come from a seed.
/// </summary>
internal sealed class UdpRelay : IAsyncDisposable
{
    private readonly Socket _front;
    private readonly IPEndPoint _server;
    private readonly ConcurrentDictionary<SocketAddress, Link> _links = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Random _random;
    private readonly Lock _randomLock = new();
    private readonly Task _reading;
    private long _toServer, _toClient, _dropped;

    /// <summary>Starts a relay to <paramref name="server"/> on a free port of the same loopback family.</summary>
    public UdpRelay(IPEndPoint server, int seed = 1)
    {
        _server = server;
        _random = new Random(seed);
        _front = Bind();
        EndPoint = (IPEndPoint)_front.LocalEndPoint!;
        _reading = ReadClientsAsync();
    }

    /// <summary>The address that clients send to.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>The share of packets that are dropped each way, 0 to 1.</summary>
    public double Loss { get; set; }

    /// <summary>The share of packets that are sent twice, 0 to 1.</summary>
    public double Duplicates { get; set; }

    /// <summary>The delay of each packet, each way.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>The largest random extra delay of a packet. It reorders packets.</summary>
    public TimeSpan Jitter { get; set; }

    /// <summary>The largest UDP payload that passes, in bytes. Larger ones are dropped.</summary>
    public int Mtu { get; set; } = 65535;

    /// <summary>Whether all packets are dropped, both ways.</summary>
    public bool Cut { get; set; }

    /// <summary>The address of the client whose packets are all dropped, both ways; null for no client.</summary>
    public IPAddress? CutAddress { get; set; }

    /// <summary>Called for every packet (toServer, packet) that passes <see cref="Cut"/> and <see cref="Mtu"/>. False drops it.</summary>
    public Func<bool, Memory<byte>, bool>? Filter { get; set; }

    public long ToServer => Interlocked.Read(ref _toServer);

    public long ToClient => Interlocked.Read(ref _toClient);

    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Whether packets of the server to a port from before <see cref="Rebind"/> are dropped.</summary>
    public bool ForgetsPorts { get; set; }

    /// <summary>Sends the packets of the client with this address, or of every client, from another port from now on.</summary>
    public void Rebind(IPAddress? client = null)
    {
        foreach (Link link in _links.Values.Where(link => client is null || link.Client.Equals(client)))
        {
            link.Rebind();
        }
    }

    /// <summary>Sends a packet to every client as if it came from the server, even if the path is cut.</summary>
    public void SendToClients(ReadOnlySpan<byte> packet)
    {
        foreach (Link link in _links.Values)
        {
            link.Send(packet, toServer: false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _front.Dispose();
        foreach (Link link in _links.Values)
        {
            link.Dispose();
        }

        await _reading;
    }

    private static bool Ended(Exception exception) => exception is ObjectDisposedException or OperationCanceledException or SocketException;

    private Socket Bind()
    {
        var socket = new Socket(_server.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 22, SendBufferSize = 1 << 22 };
        socket.Bind(new IPEndPoint(_server.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback, 0));
        return socket;
    }

    private async Task ReadClientsAsync()
    {
        byte[] buffer = new byte[65536];
        var from = new SocketAddress(_server.AddressFamily);
        while (!_end.IsCancellationRequested)
        {
            try
            {
                int length = await _front.ReceiveFromAsync(buffer, SocketFlags.None, from, _end.Token);
                if (!_links.TryGetValue(from, out Link? link))
                {
                    var copy = new SocketAddress(_server.AddressFamily, from.Size);
                    from.Buffer.Span[..from.Size].CopyTo(copy.Buffer.Span);
                    _links[copy] = link = new Link(this, (IPEndPoint)_server.Create(copy));
                }
                Pass(buffer.AsMemory(0, length), link, toServer: true);
            }
            catch (Exception exception) when (Ended(exception))
            {
                if (exception is ObjectDisposedException or OperationCanceledException)
                {
                    return;
                }
            }
        }
    }

    private void Pass(Memory<byte> packet, Link link, bool toServer)
    {
        int copies;
        TimeSpan delay;
        lock (_randomLock)
        {
            copies = Cut || link.Client.Equals(CutAddress) || packet.Length > Mtu || Filter?.Invoke(toServer, packet) == false || _random.NextDouble() < Loss ? 0 : _random.NextDouble() < Duplicates ? 2 : 1;
            delay = Delay + Jitter * _random.NextDouble();
        }
        if (copies == 0)
        {
            Interlocked.Increment(ref _dropped);
        }

        for (int i = 0; i < copies; i++)
        {
            Interlocked.Increment(ref toServer ? ref _toServer : ref _toClient);
            if (delay == TimeSpan.Zero)
            {
                link.Send(packet.Span, toServer);
            }
            else
            {
                _ = SendLaterAsync(packet.ToArray(), link, toServer, delay);
            }
        }
    }

    private async Task SendLaterAsync(byte[] packet, Link link, bool toServer, TimeSpan delay)
    {
        try
        {
            await Task.Delay(delay, _end.Token);
            link.Send(packet, toServer);
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>One client, with its socket to the server.</summary>
    private sealed class Link : IDisposable
    {
        private readonly UdpRelay _relay;
        private readonly IPEndPoint _client;
        private readonly List<Socket> _former = [];
        private volatile Socket _back;

        public Link(UdpRelay relay, IPEndPoint client)
        {
            (_relay, _client) = (relay, client);
            _back = relay.Bind();
            _ = ReadServerAsync(_back);
        }

        public IPAddress Client => _client.Address;

        public void Rebind()
        {
            lock (_former)
            {
                _former.Add(_back);
            }

            _back = _relay.Bind();
            _ = ReadServerAsync(_back);
        }

        public void Send(ReadOnlySpan<byte> packet, bool toServer)
        {
            try
            {
                if (toServer)
                {
                    _back.SendTo(packet, SocketFlags.None, _relay._server);
                }
                else
                {
                    _relay._front.SendTo(packet, SocketFlags.None, _client);
                }
            }
            catch (Exception exception) when (Ended(exception))
            {
            }
        }

        public void Dispose()
        {
            _back.Dispose();
            lock (_former)
            {
                _former.ForEach(static s => s.Dispose());
            }
        }

        private async Task ReadServerAsync(Socket socket)
        {
            byte[] buffer = new byte[65536];
            while (true)
            {
                try
                {
                    int length = await socket.ReceiveAsync(buffer, SocketFlags.None, _relay._end.Token);
                    if (socket == _back || !_relay.ForgetsPorts)
                    {
                        _relay.Pass(buffer.AsMemory(0, length), this, toServer: false);
                    }
                }
                catch (Exception exception) when (Ended(exception))
                {
                    if (exception is not SocketException)
                    {
                        return;
                    }
                }
            }
        }
    }
}
