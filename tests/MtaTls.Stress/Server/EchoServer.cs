using System.Net;
using System.Net.Sockets;

namespace MtaTls.Stress.Server;

/// <summary>A TCP server that echoes data, as the destination of a Tcp route.</summary>
internal sealed class EchoServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public EchoServer()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = EchoAsync(await _listener.AcceptSocketAsync());
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // The server was disposed.
        }
    }

    private static async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            byte[] buffer = new byte[16 * 1024];
            try
            {
                for (int count; (count = await socket.ReceiveAsync(buffer)) > 0;)
                {
                    for (int sent = 0; sent < count;)
                    {
                        sent += await socket.SendAsync(buffer.AsMemory(sent, count - sent));
                    }
                }
            }
            catch (SocketException)
            {
                // A reset, because the channel failed.
            }
        }
    }
}
