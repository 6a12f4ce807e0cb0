using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MtaTls.Quic.Sockets;

/// <summary>
/// Collects the packets that a connection writes, and passes them to the kernel in one call; the kernel splits them (UDP_SEGMENT). The packets of a call have the same path and the same size,
/// except that the last may be smaller.
/// </summary>
internal sealed unsafe class PacketSender : IDisposable
{
    /// <summary>The kernel accepts at most 64 segments, and no more bytes than an IP packet can have.</summary>
    private const int MaxSegments = 64;
    private const int MaxOctets = 65000;

    private byte* _buffer;
    private int _length;
    private int _segment;
    private int _count;
    private UdpSocket? _socket;
    private RawAddress _remote, _local;

    public PacketSender(int maxPacket)
    {
        // The next packet always has room for the largest size, whatever was collected before it.
        _buffer = (byte*)NativeMemory.AlignedAlloc(MaxOctets + (nuint)maxPacket, 64);
    }

    /// <summary>The last error from the kernel since <see cref="BeginBurst"/>, or success.</summary>
    public SocketError LastError { get; private set; }

    /// <summary>Whether the kernel accepted a packet since <see cref="BeginBurst"/>.</summary>
    public bool AnySent { get; private set; }

    /// <summary>Packets that the kernel has refused since the start.</summary>
    public long Refused { get; private set; }

    /// <summary>Resets <see cref="LastError"/> and <see cref="AnySent"/>, which may be results of another connection.</summary>
    public void BeginBurst() => (LastError, AnySent) = (SocketError.Success, false);

    /// <summary>The place for the next packet, with room for the largest size.</summary>
    public byte* Next => _buffer + _length;

    /// <summary>Adds the packet of <paramref name="length"/> bytes that was written at <see cref="Next"/>.</summary>
    public void Add(int length, UdpSocket socket, in RawAddress remote, in RawAddress local)
    {
        if (_count > 0 && (!ReferenceEquals(socket, _socket) || length > _segment || !remote.Equals(_remote) || !local.Equals(_local)))
        {
            // The packet cannot go in the same call as those before it: send them now, and move it to the front.
            byte* packet = Next;
            Flush();
            new ReadOnlySpan<byte>(packet, length).CopyTo(new Span<byte>(_buffer, length));
        }
        if (_count == 0)
        {
            (_socket, _remote, _local) = (socket, remote, local);
            _segment = length;
        }
        _length += length;
        _count++;
        if (length < _segment || _count == MaxSegments || _length + _segment > MaxOctets || !socket.Segmentation)
        {
            Flush();
        }
    }

    /// <summary>Sends the packets that were added.</summary>
    public void Flush()
    {
        if (_count == 0)
        {
            return;
        }

        UdpSocket socket = _socket!;
        int length = _length;
        (_length, _count) = (0, 0);
        Send(socket, _buffer, length, _segment, _remote, _local);
    }

    /// <summary>Sends packets of <paramref name="segment"/> bytes each; the last may be smaller.</summary>
    public void Send(UdpSocket socket, byte* packets, int length, int segment, in RawAddress remote, in RawAddress local)
    {
        if (socket.IsBlocked)
        {
            Refused += (length + segment - 1) / segment;
            return;
        }
        int sent = 0;
        bool single = false;
        while (sent < length)
        {
            int size = socket.Segmentation && !single ? length - sent : Math.Min(segment, length - sent);
            int error = SendOnce(socket, packets + sent, size, segment, remote, local);
            switch (error)
            {
                case 0:
                    (LastError, AnySent) = (SocketError.Success, true);
                    socket.Segmentation &= !single; // The packet alone was accepted, so this interface does not support segmentation.
                    sent += size;
                    break;
                case LibSocket.Eintr:
                    break;
                case LibSocket.Eagain:
                    socket.Hold(new ReadOnlySpan<byte>(packets + sent, length - sent), segment, remote, local);
                    return;
                case LibSocket.Eio or LibSocket.Einval when size > segment:
                    single = true; // Too large for the interface, or no segmentation: sending one packet alone shows which.
                    break;
                case LibSocket.Emsgsize:
                    // Larger than the interface's MTU, as an MTU probe may be. The others have the same size: count all as lost, as if the path had dropped them.
                    Refused += (length - sent + segment - 1) / segment;
                    return;
                default:
                    Refused += (length - sent + segment - 1) / segment;
                    if (error is not (LibSocket.Enobufs or LibSocket.Econnrefused))
                    {
                        LastError = ToSocketError(error);
                    }

                    return;
            }
        }
    }

    public void Dispose()
    {
        if (_buffer is not null)
        {
            NativeMemory.AlignedFree(_buffer);
        }

        _buffer = null;
    }

    private static SocketError ToSocketError(int error) => error switch
    {
        1 or 13 => SocketError.AccessDenied, // EPERM (a packet filter), EACCES
        19 or 100 => SocketError.NetworkDown, // ENODEV, ENETDOWN
        99 => SocketError.AddressNotAvailable,
        101 => SocketError.NetworkUnreachable,
        112 or 113 => SocketError.HostUnreachable, // EHOSTDOWN, EHOSTUNREACH
        _ => SocketError.SocketError,
    };

    private static int SendOnce(UdpSocket socket, byte* packets, int length, int segment, RawAddress remote, RawAddress local)
    {
        byte* control = stackalloc byte[64];
        nuint controlLength = 0;
        if (length > segment)
        {
            *(LibSocket.ControlHeader*)control = new LibSocket.ControlHeader { Length = 18, Level = LibSocket.SolUdp, Type = LibSocket.UdpSegment };
            *(ushort*)(control + 16) = (ushort)segment;
            controlLength = 24;
        }
        if (socket.IsWildcard && !local.Equals(socket.Local))
        {
            byte* entry = control + controlLength;
            if (local.IsV6)
            {
                *(LibSocket.ControlHeader*)entry = new LibSocket.ControlHeader { Length = 36, Level = LibSocket.Ipv6Protocol, Type = LibSocket.Ipv6PacketInfo };
                local.AddressOctets.CopyTo(new Span<byte>(entry + 16, 16));
                *(uint*)(entry + 32) = 0;
                controlLength += 40;
            }
            else
            {
                *(LibSocket.ControlHeader*)entry = new LibSocket.ControlHeader { Length = 28, Level = LibSocket.IpProtocol, Type = LibSocket.IpPacketInfo };
                *(ulong*)(entry + 16) = 0;
                local.AddressOctets.CopyTo(new Span<byte>(entry + 20, 4));
                *(uint*)(entry + 24) = 0;
                controlLength += 32;
            }
        }
        var vector = new LibSocket.IoVector { Base = packets, Length = (nuint)length };
        var message = new LibSocket.MessageHeader
        {
            Name = (byte*)&remote,
            NameLength = (uint)remote.Length,
            Vectors = &vector,
            VectorCount = 1,
            Control = controlLength > 0 ? control : null,
            ControlLength = controlLength,
        };
        return LibSocket.SendMessage(socket.Descriptor, &message, LibSocket.MsgDontWait) >= 0 ? 0 : Marshal.GetLastPInvokeError();
    }
}
