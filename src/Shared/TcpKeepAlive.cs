using System.Buffers.Binary;
using System.Net.Sockets;

namespace MtaTls;

/// <summary>
/// Sets TCP keep-alive, with which the operating system detects that the peer's host is gone, or the path to it (for example a NAT that has dropped the connection). It needs no support
/// above TCP. It does not detect a process that hangs, because its operating system still answers; pings detect that.
/// </summary>
internal static class TcpKeepAlive
{
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(15);
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    private const int LevelTcp = 6;
    private const int Probes = 5;
    private const int MaxProbes = 127;

    /// <summary>Sets the options of a socket. Options that the operating system or the socket does not support are skipped.</summary>
    /// <param name="socket">The socket. Nothing happens when it is null or not a TCP socket.</param>
    /// <param name="interval">The time without traffic after which TCP sends a probe. Rounded to whole seconds, 1 to 32,767.</param>
    /// <param name="timeout">How long the peer may leave probes unanswered. The connection ends after <paramref name="interval"/> and this time together, also when sent data is not acknowledged.</param>
    public static void Apply(Socket? socket, TimeSpan interval, TimeSpan timeout)
    {
        if (socket is not { AddressFamily: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6, ProtocolType: ProtocolType.Tcp })
        {
            return;
        }

        int idle = Seconds(interval);
        // After an answered probe, the next one follows after this time, not after the interval. So it must not be longer than the interval, or a NAT could drop the connection.
        int between = Math.Min(Seconds(timeout / Probes), idle);
        int probes = (int)Math.Clamp(Math.Ceiling(timeout.TotalSeconds / between), Probes, MaxProbes);
        Try(() => socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true));
        Try(() => socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, idle));
        Try(() => socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, between));
        Try(() => socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, probes));

        // While sent data is not acknowledged, TCP sends no probes. It retransmits the data instead, for about 15 minutes by default.
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

    /// <summary>Whether a failure means that TCP got no answer from the peer.</summary>
    public static bool IsTimeout(Exception? failure)
    {
        while (failure is not (null or SocketException))
        {
            failure = failure.InnerException;
        }

        return failure is SocketException { SocketErrorCode: SocketError.TimedOut };
    }

    /// <summary>Returns the socket option that limits the time of unacknowledged data, and its value; null when the operating system has none.</summary>
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
            // An old kernel does not support the option, or the connection has ended. Both are no reason to fail.
        }
    }
}
