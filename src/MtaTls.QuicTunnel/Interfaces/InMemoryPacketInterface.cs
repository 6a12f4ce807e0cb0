using System.Runtime.CompilerServices;
using System.Threading.Channels;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel;

/// <summary>
/// A packet interface inside the application, with <see cref="TunnelInterfaceKind.InMemory"/>: the application takes the host's place, sends whole
/// IPv4 and IPv6 packets into the tunnel and reads those that come out. Packets are dropped where a queue is full, as any network does.
/// </summary>
public sealed class InMemoryPacketInterface : IPacketInterface
{
    private readonly Channel<(byte[] Buffer, int Length)> _packets;
    private volatile IPacketReceiver? _receiver;

    internal InMemoryPacketInterface(TunnelInterfaceOptions options)
    {
        Mtu = options.Mtu;
        _packets = Channel.CreateBounded<(byte[], int)>(new BoundedChannelOptions(options.QueueLength));
    }

    string IPacketInterface.Name => "memory";

    string? IPacketInterface.Failure => null;

    /// <summary>The largest packet, in octets, that applications should send.</summary>
    public int Mtu { get; }

    /// <summary>Sends one IP packet into the tunnel. What becomes of it is the network's affair.</summary>
    /// <returns>False when the tunnel is not running.</returns>
    public bool TrySend(ReadOnlySpan<byte> packet)
    {
        if (_receiver is not { } receiver)
        {
            return false;
        }

        receiver.OnPacket(packet, batch: null);
        return true;
    }

    /// <summary>Waits for the next IP packet that comes out of the tunnel and copies it.</summary>
    /// <param name="buffer">Where to; a packet that is longer loses its end.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>The octets copied; 0 when the tunnel has ended.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (await _packets.Reader.WaitToReadAsync(cancellationToken))
        {
            if (!_packets.Reader.TryRead(out (byte[] Buffer, int Length) packet))
            {
                continue;
            }

            int length = Math.Min(packet.Length, buffer.Length);
            packet.Buffer.AsSpan(0, length).CopyTo(buffer.Span);
            PacketPool.Shared.Return(packet.Buffer);
            return length;
        }

        return 0;
    }

    void IPacketInterface.Start(IPacketReceiver receiver) => _receiver = receiver;

    bool IPacketInterface.Write(ReadOnlySpan<byte> packet)
    {
        byte[] buffer = PacketPool.Shared.Rent(packet.Length);
        packet.CopyTo(buffer);
        if (_packets.Writer.TryWrite((buffer, packet.Length)))
        {
            return true;
        }

        PacketPool.Shared.Return(buffer);
        return false;
    }

    void IPacketInterface.SetAddresses(IReadOnlyList<string> addresses)
    {
    }

    void IPacketInterface.Flush()
    {
    }

    void IDisposable.Dispose()
    {
        _receiver = null;
        _packets.Writer.TryComplete();
    }
}
