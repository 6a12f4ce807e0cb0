using System.Net.Sockets;

namespace MtaTls;

/// <summary>
/// Keeps the kernel from taking more of a session's bytes than the connection can send soon: what waits in its buffer can no longer be overtaken, so a channel
/// with a word to say would wait behind a bulk one's megabytes. Here it is overtaken in the send loop instead.
/// </summary>
internal static class UnsentLimit
{
    // Enough to keep a gigabit busy until the send loop has written more. TCP's window of what is on its way is not touched: throughput stays.
    private const int Octets = 32 * 1024;

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
            socket.SetRawSocketOption(LevelTcp, NotSentLowWatermark, BitConverter.GetBytes(Octets));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // An old kernel, or a connection that has gone: it goes on without.
        }
    }
}
