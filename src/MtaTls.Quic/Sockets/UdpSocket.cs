using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace MtaTls.Quic.Sockets;

/// <summary>A bound, non-blocking UDP socket of one loop. Only the loop sends and receives on it.</summary>
internal sealed unsafe class UdpSocket : IDisposable
{
    private readonly Socket _socket;
    private byte[]? _held;
    private int _heldSegment;
    private RawAddress _heldRemote, _heldLocal;

    public UdpSocket(IPEndPoint endPoint, string? interfaceName, bool reusePort, int bufferSize)
    {
        bool v6 = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
        _socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            _socket.Blocking = false;
            _socket.ReceiveBufferSize = bufferSize;
            _socket.SendBufferSize = bufferSize;
            if (v6)
            {
                _socket.DualMode = false;
            }

            if (reusePort)
            {
                SetOption(LibSocket.SolSocket, LibSocket.SoReusePort, 1);
            }

            if (interfaceName is not null)
            {
                _socket.SetRawSocketOption(LibSocket.SolSocket, LibSocket.SoBindToDevice, Encoding.UTF8.GetBytes(interfaceName + "\0"));
            }

            // QUIC discovers the path MTU itself: the kernel must neither fragment packets nor refuse them because of the MTU that it assumes.
            SetOption(v6 ? LibSocket.Ipv6Protocol : LibSocket.IpProtocol, v6 ? LibSocket.Ipv6MtuDiscover : LibSocket.IpMtuDiscover, LibSocket.MtuDiscoverProbe);
            if (v6)
            {
                SetOption(LibSocket.Ipv6Protocol, LibSocket.Ipv6DontFragment, 1);
            }

            IsWildcard = endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any);
            if (IsWildcard)
            {
                SetOption(v6 ? LibSocket.Ipv6Protocol : LibSocket.IpProtocol, v6 ? LibSocket.Ipv6ReceivePacketInfo : LibSocket.IpPacketInfo, 1);
            }

            KeepTogether();
            _socket.Bind(endPoint);
            LocalEndPoint = (IPEndPoint)_socket.LocalEndPoint!;
            Local = new RawAddress(LocalEndPoint);
            Descriptor = (int)_socket.SafeHandle.DangerousGetHandle();
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>The descriptor; -1, which the kernel refuses, after <see cref="Dispose"/>. The kernel may have given the former number to another file.</summary>
    public int Descriptor { get; private set; }

    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The bound address in the form that ngtcp2 needs.</summary>
    public RawAddress Local { get; }

    /// <summary>Whether the socket is bound to no address. The kernel then reports the address that each packet was sent to, and the answer must name it.</summary>
    public bool IsWildcard { get; }

    /// <summary>The socket's number in its loop. An ngtcp2 path carries it.</summary>
    public int Index { get; set; }

    /// <summary>The connection that all packets belong to (client); null if the connection ids decide (listener).</summary>
    public object? Owner { get; set; }

    /// <summary>Whether the kernel's buffer is full. The unsent packets are held here, and nothing may be sent until <see cref="SendHeld"/> has succeeded.</summary>
    public bool IsBlocked => _held is not null;

    /// <summary>Whether the kernel splits packets on this socket (UDP_SEGMENT).</summary>
    public bool Segmentation { get; set; } = true;

    public void Hold(ReadOnlySpan<byte> packets, int segment, in RawAddress remote, in RawAddress local) =>
        (_held, _heldSegment, _heldRemote, _heldLocal) = (packets.ToArray(), segment, remote, local);

    /// <summary>Sends the held packets. False while the kernel still accepts nothing.</summary>
    public bool SendHeld(PacketSender sender)
    {
        if (_held is not { } held)
        {
            return true;
        }

        _held = null;
        fixed (byte* packets = held)
        {
            sender.Send(this, packets, held.Length, _heldSegment, _heldRemote, _heldLocal);
        }

        return !IsBlocked;
    }

    public void Dispose()
    {
        Descriptor = -1;
        _socket.Dispose();
    }

    /// <summary>Lets the kernel merge packets that arrive together (UDP_GRO, Linux 5.0).</summary>
    private void KeepTogether()
    {
        try
        {
            SetOption(LibSocket.SolUdp, LibSocket.UdpReceiveOffload, 1);
        }
        catch (SocketException)
        {
            // An older kernel passes packets one by one.
        }
    }

    private void SetOption(int level, int name, int value) =>
        _socket.SetRawSocketOption(level, name, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
}
