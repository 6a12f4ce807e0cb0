using System.Runtime.InteropServices;

namespace MtaTls.Quic.Sockets;

/// <summary>
/// Receives up to <see cref="Batch"/> messages in one system call into its own memory. A message is one packet, or several packets that the kernel merged (UDP_GRO). Merged packets have the
/// same size, except that the last may be smaller.
/// </summary>
internal sealed unsafe class PacketReceiver : IDisposable
{
    public const int Batch = 64;

    private const int ControlSize = 64;

    // The largest merged message, plus some bytes so that the starts of the messages do not map to the same cache lines.
    private const int MessageSize = 65536 + 2112;

    private readonly int _packetSize;
    private byte* _packets;
    private readonly LibSocket.MultiMessageHeader* _messages;
    private readonly LibSocket.IoVector* _vectors;
    private readonly RawAddress* _names;
    private readonly byte* _controls;

    public PacketReceiver(int packetSize)
    {
        _packetSize = packetSize;
        _packets = (byte*)NativeMemory.AlignedAlloc((nuint)MessageSize * Batch, 64);
        _messages = (LibSocket.MultiMessageHeader*)NativeMemory.AllocZeroed(Batch, (nuint)sizeof(LibSocket.MultiMessageHeader));
        _vectors = (LibSocket.IoVector*)NativeMemory.AllocZeroed(Batch, (nuint)sizeof(LibSocket.IoVector));
        _names = (RawAddress*)NativeMemory.AllocZeroed(Batch, (nuint)sizeof(RawAddress));
        _controls = (byte*)NativeMemory.AllocZeroed(Batch, ControlSize);
    }

    /// <summary>Receives waiting messages and returns their number. 0 when there is none, or only an error, which UDP sockets can ignore.</summary>
    public int Receive(UdpSocket socket)
    {
        for (int i = 0; i < Batch; i++)
        {
            _vectors[i] = new LibSocket.IoVector { Base = _packets + (i * MessageSize), Length = MessageSize };
            _messages[i].Header = new LibSocket.MessageHeader
            {
                Name = (byte*)(_names + i),
                NameLength = RawAddress.Capacity,
                Vectors = _vectors + i,
                VectorCount = 1,
                Control = _controls + (i * ControlSize),
                ControlLength = ControlSize,
            };
        }
        int count = LibSocket.ReceiveMessages(socket.Descriptor, _messages, Batch, LibSocket.MsgDontWait, 0);
        return Math.Max(count, 0);
    }

    /// <summary>The bytes of message <paramref name="index"/>, and the size of each packet in it; the last packet may be smaller. Empty when its packets are larger than the allowed size.</summary>
    public Span<byte> Message(int index, out int packetSize)
    {
        ref LibSocket.MessageHeader header = ref _messages[index].Header;
        int length = (int)_messages[index].Length;
        packetSize = FindControl(header, LibSocket.SolUdp, LibSocket.UdpReceiveOffload) is var data && data is null ? length : *(ushort*)data;
        return (header.Flags & LibSocket.MsgTrunc) != 0 || packetSize == 0 || packetSize > _packetSize ? default : new Span<byte>(_packets + (index * MessageSize), length);
    }

    public RawAddress Remote(int index)
    {
        RawAddress remote = _names[index];
        remote.Length = (int)Math.Min(_messages[index].Header.NameLength, RawAddress.Capacity);
        return remote;
    }

    /// <summary>The address that message <paramref name="index"/> was sent to.</summary>
    public RawAddress Local(UdpSocket socket, int index)
    {
        RawAddress local = socket.Local;
        if (!socket.IsWildcard)
        {
            return local;
        }

        ref LibSocket.MessageHeader header = ref _messages[index].Header;
        byte* data = FindControl(header, LibSocket.IpProtocol, LibSocket.IpPacketInfo);
        if (data is not null)
        {
            new ReadOnlySpan<byte>(data + 8, 4).CopyTo(local.AddressOctets);
        }
        else if ((data = FindControl(header, LibSocket.Ipv6Protocol, LibSocket.Ipv6PacketInfo)) is not null)
        {
            new ReadOnlySpan<byte>(data, 16).CopyTo(local.AddressOctets);
        }

        return local;
    }

    private static byte* FindControl(in LibSocket.MessageHeader message, int level, int type)
    {
        nuint offset = 0;
        while (offset + (nuint)sizeof(LibSocket.ControlHeader) <= message.ControlLength)
        {
            var header = (LibSocket.ControlHeader*)(message.Control + offset);
            if (header->Length < (nuint)sizeof(LibSocket.ControlHeader))
            {
                break;
            }

            if (header->Level == level && header->Type == type)
            {
                return (byte*)(header + 1);
            }

            offset += (header->Length + 7) & ~(nuint)7;
        }

        return null;
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
