using System.Runtime.CompilerServices;
using System.Threading.Channels;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.QuicTunnel;

/// <summary>
/// A packet interface inside the application, for <see cref="TunnelInterfaceKind.InMemory"/>. The application acts as the host: it sends complete
/// IPv4 and IPv6 packets into the tunnel, and reads the packets that arrive. Packets are dropped if a queue is full, as in any network.
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

    /// <summary>The largest packet that applications should send, in bytes.</summary>
    public int Mtu { get; }

    /// <summary>Sends one IP packet into the tunnel. As in any network, it may be lost. Any thread may call it.</summary>
    /// <param name="packet">The IPv4 or IPv6 packet. It is copied.</param>
    /// <returns>False if the tunnel is not running; otherwise true, even if the tunnel drops the packet.</returns>
    public bool TrySend(ReadOnlySpan<byte> packet)
    {
        if (_receiver is not { } receiver)
        {
            return false;
        }

        receiver.OnPacket(packet, batch: null);
        return true;
    }

    /// <summary>Waits for the next IP packet from the tunnel and copies it.</summary>
    /// <param name="buffer">The destination. A longer packet is cut.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The number of copied bytes; 0 if the tunnel has ended.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was canceled.</exception>
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
