using System.Runtime.InteropServices;

namespace MtaTls.Quic.Sockets;

/// <summary>Socket calls that .NET does not provide: many packets in one call, segmentation by the kernel, control messages, and timeouts in nanoseconds.</summary>
internal static unsafe partial class LibSocket
{
    public const int MsgDontWait = 0x40;
    public const int MsgTrunc = 0x20;
    public const short PollIn = 1;
    public const short PollOut = 4;

    public const int SolSocket = 1, SoReusePort = 15, SoBindToDevice = 25;
    public const int SolUdp = 17, UdpSegment = 103, UdpReceiveOffload = 104;
    public const int IpProtocol = 0, IpPacketInfo = 8, IpMtuDiscover = 10;
    public const int Ipv6Protocol = 41, Ipv6MtuDiscover = 23, Ipv6ReceivePacketInfo = 49, Ipv6PacketInfo = 50, Ipv6DontFragment = 62;
    public const int MtuDiscoverProbe = 3;

    public const ushort Inet = 2, Inet6 = 10;

    public const int Eintr = 4, Eio = 5, Eagain = 11, Einval = 22, Emsgsize = 90, Enobufs = 105, Econnrefused = 111;

    private const int EventNonBlocking = 0x800, EventCloseOnExec = 0x80000;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential, Size = 56)]
    public struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential, Size = 64)]
    public struct MultiMessageHeader
    {
        public MessageHeader Header;
        public uint Length;
    }

    [StructLayout(LayoutKind.Sequential, Size = 16)]
    public struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Type;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(int descriptor, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMessages(int descriptor, MultiMessageHeader* messages, uint count, int flags, nint timeout);

    [LibraryImport("libc", EntryPoint = "ppoll", SetLastError = true)]
    private static partial int Poll(PollDescriptor* descriptors, nuint count, TimeSpec* timeout, nint signals);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventDescriptor(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, void* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int descriptor, void* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    /// <summary>Waits for the descriptors. A negative timeout waits without limit.</summary>
    public static int Poll(PollDescriptor* descriptors, int count, long nanoseconds)
    {
        if (nanoseconds < 0)
        {
            return Poll(descriptors, (nuint)count, null, 0);
        }

        var timeout = new TimeSpec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        return Poll(descriptors, (nuint)count, &timeout, 0);
    }

    public static int CreateEvent()
    {
        int descriptor = EventDescriptor(0, EventNonBlocking | EventCloseOnExec);
        return descriptor >= 0 ? descriptor : throw new System.Net.Sockets.SocketException(Marshal.GetLastPInvokeError());
    }

    public static void CloseEvent(int descriptor) => _ = Close(descriptor);

    public static void SetEvent(int descriptor)
    {
        ulong one = 1;
        _ = Write(descriptor, &one, sizeof(ulong));
    }

    public static void ResetEvent(int descriptor)
    {
        ulong value;
        _ = Read(descriptor, &value, sizeof(ulong));
    }
}
