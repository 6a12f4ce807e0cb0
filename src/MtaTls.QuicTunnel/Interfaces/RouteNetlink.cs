using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Configures a network device with rtnetlink, as <c>ip</c> does: addresses, MTU, state, routes.</summary>
internal sealed unsafe class RouteNetlink : IDisposable
{
    private const ushort NewLink = 16, NewAddress = 20, DeleteAddress = 21, NewRoute = 24, Error = 2;
    private const ushort Request = 1, Acknowledge = 4, Replace = 0x100, Create = 0x400;
    private const int MessageHeader = 16;

    // Packets that may wait for the reader thread, which may not run at once. The kernel's default of 500 is only 10 ms of small packets. The tunnel's own queue keeps the delay short.
    private const int DeviceQueue = 4096;

    private readonly int _socket;
    private readonly byte[] _message = new byte[256];
    private int _length;
    private uint _sequence;

    public RouteNetlink()
    {
        _socket = LinuxNative.Socket(LinuxNative.AF_NETLINK, LinuxNative.SOCK_RAW | LinuxNative.SOCK_CLOEXEC, 0);
        if (_socket < 0)
        {
            throw new IOException($"Cannot open a netlink socket: {LinuxNative.Describe(LinuxNative.LastError)}.");
        }
    }

    /// <summary>Opens a non-blocking netlink socket that reports changes of links and addresses. -1 if that fails.</summary>
    public static int Subscribe()
    {
        const uint Link = 1, IPv4Address = 0x10, IPv6Address = 0x100;
        int socket = LinuxNative.Socket(LinuxNative.AF_NETLINK, LinuxNative.SOCK_RAW | LinuxNative.SOCK_CLOEXEC | LinuxNative.SOCK_NONBLOCK, 0);
        byte* address = stackalloc byte[12]; // sockaddr_nl: family, padding, port, groups
        new Span<byte>(address, 12).Clear();
        *(ushort*)address = LinuxNative.AF_NETLINK;
        *(uint*)(address + 8) = Link | IPv4Address | IPv6Address;
        if (socket >= 0 && LinuxNative.Bind(socket, address, 12) < 0)
        {
            _ = LinuxNative.Close(socket);
            return -1;
        }

        return socket;
    }

    /// <summary>Sets the MTU and the queue length of the device, and brings it up. Returns an error number, or 0.</summary>
    public int SetUp(int index, int mtu)
    {
        const ushort Mtu = 4, QueueLength = 13;
        Begin(NewLink, 0);
        AppendLinkHeader(index, up: true);
        AppendAttribute(Mtu, mtu);
        AppendAttribute(QueueLength, DeviceQueue);
        return Send();
    }

    /// <summary>Prevents the kernel from giving the device an IPv6 link-local address, which the tunnel cannot use. Returns an error number, or 0.</summary>
    public int ForgoLinkLocal(int index)
    {
        const ushort AfSpec = 26, Inet6AddrGenMode = 8;
        const byte None = 1;
        Begin(NewLink, 0);
        AppendLinkHeader(index, up: false);
        int outer = BeginNested(AfSpec);
        int inner = BeginNested(LinuxNative.AF_INET6);
        AppendAttribute(Inet6AddrGenMode, [None]);
        EndNested(inner);
        EndNested(outer);
        return Send();
    }

    public int AddAddress(int index, IPAddress address, int prefixLength)
    {
        const byte NoDuplicateDetection = 2;
        bool isIPv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        Begin(NewAddress, Create | Replace);
        Append([(byte)(isIPv6 ? LinuxNative.AF_INET6 : LinuxNative.AF_INET), (byte)prefixLength, isIPv6 ? NoDuplicateDetection : (byte)0, 0]);
        Append(index);
        AppendAttribute(2, address.GetAddressBytes());
        AppendAttribute(1, address.GetAddressBytes());
        return Send();
    }

    public int RemoveAddress(int index, IPAddress address, int prefixLength)
    {
        bool isIPv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        Begin(DeleteAddress, 0);
        Append([(byte)(isIPv6 ? LinuxNative.AF_INET6 : LinuxNative.AF_INET), (byte)prefixLength, 0, 0]);
        Append(index);
        AppendAttribute(2, address.GetAddressBytes());
        return Send();
    }

    public int AddRoute(int index, IPNetwork network)
    {
        const byte MainTable = 254, StaticRoute = 4, LinkScope = 253, Unicast = 1;
        bool isIPv6 = network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        Begin(NewRoute, Create | Replace);
        Append([(byte)(isIPv6 ? LinuxNative.AF_INET6 : LinuxNative.AF_INET), (byte)network.PrefixLength, 0, 0, MainTable, StaticRoute, isIPv6 ? (byte)0 : LinkScope, Unicast]);
        Append(0);
        AppendAttribute(1, network.BaseAddress.GetAddressBytes());
        AppendAttribute(4, index);
        return Send();
    }

    public void Dispose() => _ = LinuxNative.Close(_socket);

    private void Begin(ushort type, ushort flags)
    {
        Array.Clear(_message);
        BitConverter.TryWriteBytes(_message.AsSpan(4), type);
        BitConverter.TryWriteBytes(_message.AsSpan(6), (ushort)(Request | Acknowledge | flags));
        BitConverter.TryWriteBytes(_message.AsSpan(8), ++_sequence);
        _length = MessageHeader;
    }

    private void AppendLinkHeader(int index, bool up)
    {
        Append([0, 0, 0, 0]);
        Append(index);
        Append(up ? LinuxNative.IFF_UP : 0);
        Append(up ? LinuxNative.IFF_UP : 0);
    }

    private void Append(ReadOnlySpan<byte> data)
    {
        data.CopyTo(_message.AsSpan(_length));
        _length += (data.Length + 3) & ~3;
    }

    private void Append(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        Append(bytes);
    }

    private void AppendAttribute(ushort type, ReadOnlySpan<byte> value)
    {
        int start = BeginNested(type);
        Append(value);
        // The length does not include the padding.
        BitConverter.TryWriteBytes(_message.AsSpan(start), (ushort)(4 + value.Length));
    }

    private void AppendAttribute(ushort type, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        AppendAttribute(type, bytes);
    }

    private int BeginNested(ushort type)
    {
        int start = _length;
        BitConverter.TryWriteBytes(_message.AsSpan(start + 2), type);
        _length += 4;
        return start;
    }

    private void EndNested(int start) => BitConverter.TryWriteBytes(_message.AsSpan(start), (ushort)(_length - start));

    /// <summary>Sends the message and waits for the answer. Returns the kernel's error number, or 0 for success.</summary>
    private int Send()
    {
        BitConverter.TryWriteBytes(_message, _length);
        fixed (byte* message = _message)
        {
            if (LinuxNative.Send(_socket, message, (nuint)_length, 0) < 0)
            {
                return LinuxNative.LastError;
            }
        }

        byte[] answer = new byte[4096];
        fixed (byte* pointer = answer)
        {
            nint received;
            do
            {
                received = LinuxNative.Receive(_socket, pointer, (nuint)answer.Length, 0);
            }
            while (received < 0 && LinuxNative.LastError == LinuxNative.EINTR);
            if (received < MessageHeader + 4 || BitConverter.ToUInt16(answer, 4) != Error)
            {
                return LinuxNative.EINVAL;
            }
        }

        return -BitConverter.ToInt32(answer, MessageHeader);
    }
}
