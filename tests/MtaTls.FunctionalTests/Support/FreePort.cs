using System.Net;
using System.Net.Sockets;

namespace MtaTls.FunctionalTests.Support;

internal static class FreePort
{
    /// <summary>A port that is free now, for what can't listen on "any".</summary>
    public static int Find()
    {
        using Socket socket = new(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        socket.DualMode = true;
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
