using System.Net;
using System.Net.Sockets;

namespace MtaTls.Benchmarks.Carriers;

/// <summary>Each stream is a TCP connection.</summary>
internal sealed class SocketCarrier(IPEndPoint server) : ICarrier
{
    public SocketCarrier(int loopbackPort)
        : this(new IPEndPoint(IPAddress.Loopback, loopbackPort))
    {
    }

    public async ValueTask<Stream> OpenAsync(CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(server, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
