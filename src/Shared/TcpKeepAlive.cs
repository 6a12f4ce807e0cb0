using System.Buffers.Binary;
using System.Net.Sockets;

namespace MtaTls;

/// <summary>
/// Lets TCP find out that a session's peer is gone: its host, or the way to it (a NAT that has forgotten the connection). Nothing of it is seen above TCP. A process that
/// hangs keeps its TCP alive: pings find that.
/// </summary>
internal static class TcpKeepAlive
{
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(15);
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    private const int LevelTcp = 6;
    private const int Probes = 5;
    private const int MaxProbes = 127;

    /// <summary>Sets the options. What the system or the socket does not have is left out.</summary>
    /// <param name="socket">The socket; null or another than TCP's: nothing happens.</param>
    /// <param name="interval">The silence after which TCP probes; to whole seconds, 1 s to 32,767 s.</param>
    /// <param name="timeout">How long the peer may leave probes or data without an acknowledgment; the connection is lost after <paramref name="interval"/> and this.</param>
    public static void Apply(Socket? socket, TimeSpan interval, TimeSpan timeout)
    {
        if (socket is not { AddressFamily: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6, ProtocolType: ProtocolType.Tcp })
        {
            return;
        }

        int idle = Seconds(interval);
        // An answered probe is followed by the next one after this time, not after the interval: it must not be the longer one, or address translations forget the connection.
        int between = Math.Min(Seconds(timeout / Probes), idle);
        int probes = (int)Math.Clamp(Math.Ceiling(timeout.TotalSeconds / between), Probes, MaxProbes);
        Try(() => socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true));
        Try(() => socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, idle));
        Try(() => socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, between));
        Try(() => socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, probes));

        // TCP does not probe while data waits for an acknowledgment: it repeats the data instead, for a quarter of an hour by default.
        if (UserTimeout(interval + timeout) is var (option, value))
        {
            byte[] bytes = new byte[4];
            if (BitConverter.IsLittleEndian)
            {
                BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            }
            else
            {
                BinaryPrimitives.WriteInt32BigEndian(bytes, value);
            }

            Try(() => socket.SetRawSocketOption(LevelTcp, option, bytes));
        }
    }

    /// <summary>Whether a failure is TCP's finding that the peer does not answer.</summary>
    public static bool IsTimeout(Exception? failure)
    {
        while (failure is not (null or SocketException))
        {
            failure = failure.InnerException;
        }

        return failure is SocketException { SocketErrorCode: SocketError.TimedOut };
    }

    /// <summary>The option for data without an acknowledgment, and its value; null where the system has none.</summary>
    private static (int Option, int Value)? UserTimeout(TimeSpan limit) =>
        OperatingSystem.IsLinux() ? (18, (int)Math.Min(limit.TotalMilliseconds, int.MaxValue)) // TCP_USER_TIMEOUT, in milliseconds
        : OperatingSystem.IsMacOS() ? (0x80, Seconds(limit)) // TCP_RXT_CONNDROPTIME, in seconds
        : OperatingSystem.IsWindows() ? (5, Seconds(limit)) // TCP_MAXRT, in seconds
        : null;

    private static int Seconds(TimeSpan value) => (int)Math.Clamp(Math.Round(value.TotalSeconds), 1, short.MaxValue);

    private static void Try(Action set)
    {
        try
        {
            set();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or PlatformNotSupportedException)
        {
            // An old kernel, or a connection that has gone: it goes on without.
        }
    }
}
