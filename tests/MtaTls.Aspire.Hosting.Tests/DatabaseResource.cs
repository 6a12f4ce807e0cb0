using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;

namespace MtaTls.Aspire.Hosting.Tests;

/// <summary>A TCP server without HTTP, as a resource. It writes a line to each connection.</summary>
internal sealed class DatabaseResource : Resource, IResourceWithEndpoints, IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _accepting;

    public DatabaseResource(string name)
        : base(name)
    {
        _listener.Start();
        int port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        var endpoint = new EndpointAnnotation(ProtocolType.Tcp, "tcp", name: "tcp", port: port, isProxied: false);
        endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", port);
        Annotations.Add(endpoint);
        _accepting = AcceptAsync();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _accepting.Wait();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync("hello from the database\n"u8.ToArray());
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // The listener was closed.
        }
    }
}
