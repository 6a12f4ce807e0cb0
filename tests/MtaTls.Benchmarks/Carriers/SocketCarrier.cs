using System.Net;
using System.Net.Sockets;

namespace MtaTls.Benchmarks.Carriers;

/// <summary>Each stream is a TCP connection.</summary>
internal sealed class SocketCarrier(int port) : ICarrier
{
    public async ValueTask<Stream> OpenAsync(CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, ct);
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
