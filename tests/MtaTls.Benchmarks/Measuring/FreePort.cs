using System.Net;
using System.Net.Sockets;

namespace MtaTls.Benchmarks.Measuring;

/// <summary>Finds a port for programs that cannot listen on port 0 and report the port.</summary>
internal static class FreePort
{
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
