using System.Net;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Tests;

/// <summary>The kernel splits and merges packets (UDP_SEGMENT, UDP_GRO), on loopback sockets.</summary>
public sealed unsafe class PacketSocketTests : IDisposable
{
    private const int LargestPacket = 65000;

    private readonly UdpSocket _from = new(new IPEndPoint(IPAddress.Loopback, 0), null, reusePort: false, 1 << 20);
    private readonly UdpSocket _to = new(new IPEndPoint(IPAddress.Any, 0), null, reusePort: false, 1 << 20);
    private readonly PacketSender _sender = new(LargestPacket);
    private readonly PacketReceiver _receiver = new(LargestPacket);
    private readonly RawAddress _remote;

    public PacketSocketTests() => _remote = new RawAddress(new IPEndPoint(IPAddress.Loopback, _to.LocalEndPoint.Port));

    public void Dispose()
    {
        _from.Dispose();
        _to.Dispose();
        _sender.Dispose();
        _receiver.Dispose();
    }

    [Fact]
    public void Packets_of_one_size_are_sent_and_received_in_one_call()
    {
        for (byte i = 0; i < 40; i++)
        {
            Add(1300, i);
        }

        _sender.Flush();
        Assert.True(_from.Segmentation);
        Assert.Equal(1, _receiver.Receive(_to));
        AssertPackets(0, [.. Enumerable.Repeat(1300, 40)]);
        Assert.Equal("127.0.0.1", _receiver.Local(_to, 0).ToEndPoint().Address.ToString());
        Assert.Equal(_from.LocalEndPoint, _receiver.Remote(0).ToEndPoint());
    }

    [Fact]
    public void A_smaller_packet_ends_a_message_and_a_larger_one_starts_another()
    {
        int[] sizes = [1300, 1300, 700, 900, 1000, 1000];
        for (byte i = 0; i < sizes.Length; i++)
        {
            Add(sizes[i], i);
        }

        _sender.Flush();
        Assert.Equal(3, _receiver.Receive(_to));
        AssertPackets(0, 1300, 1300, 700);
        AssertPackets(1, 900);
        AssertPackets(2, 1000, 1000);
    }

    [Fact]
    public void More_packets_than_the_kernel_accepts_go_in_several_calls()
    {
        for (int i = 0; i < 100; i++)
        {
            Add(1400, (byte)i);
        }

        _sender.Flush();
        int packets = 0;
        int messages = _receiver.Receive(_to);
        for (int i = 0; i < messages; i++)
        {
            Span<byte> message = _receiver.Message(i, out int size);
            Assert.Equal(1400, size);
            packets += message.Length / size;
        }

        Assert.Equal(100, packets);
        Assert.InRange(messages, 3, 4);
    }

    private void Add(int length, byte content)
    {
        new Span<byte>(_sender.Next, length).Fill(content);
        _sender.Add(length, _from, _remote, _from.Local);
    }

    private void AssertPackets(int index, params int[] sizes)
    {
        Span<byte> message = _receiver.Message(index, out int size);
        Assert.Equal(sizes[0], size);
        Assert.Equal(sizes.Sum(), message.Length);
        byte first = message[0];
        for (int i = 0; i < sizes.Length; i++)
        {
            Assert.Equal(first + i, message[0]);
            Assert.Equal(-1, message[..sizes[i]].IndexOfAnyExcept((byte)(first + i)));
            message = message[sizes[i]..];
        }
    }
}
