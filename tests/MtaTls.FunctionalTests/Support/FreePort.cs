using System.Net;
using System.Net.Sockets;

namespace MtaTls.FunctionalTests.Support;

internal static class FreePort
{
    /// <summary>A port that is free now, for what can't listen on "any". It is below those of outgoing connections, so that none of them takes it before the test does.</summary>
    public static int Find()
    {
        while (true)
        {
            int port = Random.Shared.Next(12_000, 32_000);
            using Socket socket = new(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.DualMode = true;
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
                return port;
            }
            catch (SocketException)
            {
                // It is taken.
            }
        }
    }
}
