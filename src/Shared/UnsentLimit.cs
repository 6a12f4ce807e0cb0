using System.Net.Sockets;

namespace MtaTls;

/// <summary>
/// Limits how many unsent bytes of a session the kernel buffers. Other channels cannot overtake bytes in the kernel's buffer, so a channel
/// with a few bytes would wait behind megabytes of a large transfer. Bytes that wait in the send loop can be overtaken.
/// </summary>
internal static class UnsentLimit
{
    // Enough to keep a connection of 1 Gbit/s busy until the send loop writes more. The option does not limit the bytes in flight, so the throughput does not change.
    private const int MaxUnsentBytes = 32 * 1024;

    private const int LevelTcp = 6;
    private const int NotSentLowWatermark = 25; // Linux: TCP_NOTSENT_LOWAT

    public static void Apply(Socket? socket)
    {
        if (!OperatingSystem.IsLinux() || socket is not { AddressFamily: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 })
        {
            return;
        }

        try
        {
            socket.SetRawSocketOption(LevelTcp, NotSentLowWatermark, BitConverter.GetBytes(MaxUnsentBytes));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // An old kernel does not support the option, or the connection has ended. Both are no reason to fail.
        }
    }
}
