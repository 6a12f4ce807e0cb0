using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.Benchmarks.Socks;

/// <summary>The server to which all connections go, in the benchmark's process. A request has 64 bytes and begins with the length of its response.</summary>
internal sealed class Target : IDisposable
{
    public const int RequestLength = 64;

    private static readonly byte[] s_answer = new byte[1 << 18];

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public Target()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1024);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The benchmark has ended.
        }
    }

    private static async Task ServeAsync(Socket socket)
    {
        socket.NoDelay = true;
        await using NetworkStream stream = new(socket, ownsSocket: true);
        byte[] request = new byte[RequestLength];
        try
        {
            while (await stream.ReadAtLeastAsync(request, request.Length, throwOnEndOfStream: false) == request.Length)
            {
                for (long rest = BinaryPrimitives.ReadInt64LittleEndian(request); rest > 0; rest -= s_answer.Length)
                {
                    await stream.WriteAsync(s_answer.AsMemory(0, (int)Math.Min(rest, s_answer.Length)));
                }
            }
        }
        catch (IOException)
        {
            // The other side has closed the connection.
        }
    }
}
