using System.Net;
using System.Net.Sockets;

namespace MtaTls.FunctionalTests.Support;

/// <summary>Ports for programs that cannot listen on port 0, and for servers that start again on their port.</summary>
internal static class FreePort
{
    private static readonly string s_folder = Path.Combine(Path.GetTempPath(), "mtatls-ports-" + Environment.UserName);

    /// <summary>The locked files, one for each port of this process. The system unlocks them when the process ends.</summary>
    private static readonly List<FileStream> s_reserved = [];

    /// <summary>Finds a port that is free for TCP and UDP. It is below the ports of outgoing connections, and no other test process gets it, so nothing takes it before the test does.</summary>
    public static int Find()
    {
        Directory.CreateDirectory(s_folder);
        while (true)
        {
            int port = Random.Shared.Next(12_000, 32_000);
            // Reserved before it is tried, because the trial itself would be in the way of the owner of the reservation.
            if (Reserve(port) is not { } file)
            {
                continue;
            }

            if (IsFree(port, SocketType.Stream, ProtocolType.Tcp) && IsFree(port, SocketType.Dgram, ProtocolType.Udp))
            {
                lock (s_reserved)
                {
                    s_reserved.Add(file);
                }

                return port;
            }

            file.Dispose();
        }
    }

    private static FileStream? Reserve(int port)
    {
        try
        {
            return new FileStream(Path.Combine(s_folder, $"{port}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            // This process or another one has it.
            return null;
        }
    }

    private static bool IsFree(int port, SocketType type, ProtocolType protocol)
    {
        // On a host with IPv6, a socket for both families.
        using Socket socket = Socket.OSSupportsIPv6 ? new(AddressFamily.InterNetworkV6, type, protocol) { DualMode = true } : new(AddressFamily.InterNetwork, type, protocol);
        try
        {
            socket.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
