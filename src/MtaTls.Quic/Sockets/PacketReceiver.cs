using System.Runtime.InteropServices;

namespace MtaTls.Quic.Sockets;

/// <summary>Receives up to <see cref="Batch"/> packets in one system call into memory of its own.</summary>
internal sealed unsafe class PacketReceiver : IDisposable
{
    public const int Batch = 64;

    private const int ControlSize = 64;

    private readonly int _packetSize;
    private byte* _packets;
    private readonly LibSocket.MultiMessageHeader* _messages;
    private readonly LibSocket.IoVector* _vectors;
    private readonly RawAddress* _names;
    private readonly byte* _controls;

    public PacketReceiver(int packetSize)
    {
        _packetSize = packetSize;
        _packets = (byte*)NativeMemory.AlignedAlloc((nuint)(packetSize * Batch), 64);
        _messages = (LibSocket.MultiMessageHeader*)NativeMemory.AllocZeroed(Batch, (nuint)sizeof(LibSocket.MultiMessageHeader));
        _vectors = (LibSocket.IoVector*)NativeMemory.AllocZeroed(Batch, (nuint)sizeof(LibSocket.IoVector));
        _names = (RawAddress*)NativeMemory.AllocZeroed(Batch, (nuint)sizeof(RawAddress));
        _controls = (byte*)NativeMemory.AllocZeroed(Batch, ControlSize);
    }

    /// <summary>The number of packets received; 0 when there is none (or only an error, which UDP forgets).</summary>
    public int Receive(UdpSocket socket)
    {
        for (int i = 0; i < Batch; i++)
        {
            _vectors[i] = new LibSocket.IoVector { Base = _packets + i * _packetSize, Length = (nuint)_packetSize };
            _messages[i].Header = new LibSocket.MessageHeader
            {
                Name = (byte*)(_names + i),
                NameLength = RawAddress.Capacity,
                Vectors = _vectors + i,
                VectorCount = 1,
                Control = socket.IsWildcard ? _controls + i * ControlSize : null,
                ControlLength = socket.IsWildcard ? (nuint)ControlSize : 0,
            };
        }
        int count = LibSocket.ReceiveMessages(socket.Descriptor, _messages, Batch, LibSocket.MsgDontWait, 0);
        return Math.Max(count, 0);
    }

    /// <summary>The octets of packet <paramref name="index"/>; empty when it was longer than a packet may be.</summary>
    public Span<byte> Packet(int index) =>
        (_messages[index].Header.Flags & LibSocket.MsgTrunc) != 0 ? default : new Span<byte>(_packets + index * _packetSize, (int)_messages[index].Length);

    public RawAddress Remote(int index)
    {
        RawAddress remote = _names[index];
        remote.Length = (int)Math.Min(_messages[index].Header.NameLength, RawAddress.Capacity);
        return remote;
    }

    /// <summary>The address that packet <paramref name="index"/> was sent to.</summary>
    public RawAddress Local(UdpSocket socket, int index)
    {
        RawAddress local = socket.Local;
        if (!socket.IsWildcard)
        {
            return local;
        }

        byte* control = _messages[index].Header.Control;
        var header = (LibSocket.ControlHeader*)control;
        if (_messages[index].Header.ControlLength < (nuint)sizeof(LibSocket.ControlHeader))
        {
            return local;
        }

        byte* data = control + sizeof(LibSocket.ControlHeader);
        if (header->Level == LibSocket.IpProtocol && header->Type == LibSocket.IpPacketInfo)
        {
            new ReadOnlySpan<byte>(data + 8, 4).CopyTo(local.AddressOctets);
        }
        else if (header->Level == LibSocket.Ipv6Protocol && header->Type == LibSocket.Ipv6PacketInfo)
        {
            new ReadOnlySpan<byte>(data, 16).CopyTo(local.AddressOctets);
        }

        return local;
    }

    public void Dispose()
    {
        if (_packets is null)
        {
            return;
        }

        NativeMemory.AlignedFree(_packets);
        NativeMemory.Free(_messages);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_names);
        NativeMemory.Free(_controls);
        _packets = null;
    }
}
