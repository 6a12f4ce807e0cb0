using System.Net;
using System.Net.Sockets;

namespace MtaTls.Benchmarks.Measuring;

/// <summary>A port for programs that cannot be told to take any and say which.</summary>
internal static class FreePort
{
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
