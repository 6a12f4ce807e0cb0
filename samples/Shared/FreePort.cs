using System.Net;
using System.Net.Sockets;

namespace MtaTls.Samples;

/// <summary>Ports for the programs of a demonstration that cannot listen on port 0.</summary>
internal static class FreePort
{
    private static readonly HashSet<int> s_found = [];

    /// <summary>Finds a port that is free. It is below the ports of outgoing connections, so none of them takes it before the program listens on it. Each call returns another port.</summary>
    public static int Find()
    {
        lock (s_found)
        {
            while (true)
            {
                int port = Random.Shared.Next(12_000, 32_000);
                if (!s_found.Contains(port) && IsFree(port))
                {
                    s_found.Add(port);
                    return port;
                }
            }
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using TcpListener listener = new(IPAddress.Any, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
