using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Liveness;

/// <summary>A server that does TLS with the extension, and whose packets the test writes.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<TlsConnection, RawPackets, Task> _serve;
    private readonly TlsServerContext _context = new(new TlsServerOptions { ServerCertificate = TestCertificates.Server });
    private readonly ConcurrentBag<Socket> _sockets = [];
    private int _connections;

    public RawServer(Func<TlsConnection, RawPackets, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Connections so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }

        _context.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                Socket socket = await _listener.AcceptSocketAsync();
                Interlocked.Increment(ref _connections);
                _sockets.Add(socket);
                _ = ServeAsync(socket);
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            TlsConnection tls = await TlsConnection.AcceptAsync(new Pipes(PipeReader.Create(stream), PipeWriter.Create(stream)), _context);
            await _serve(tls, new RawPackets(tls));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or TimeoutException)
        {
            // The client has disconnected.
        }
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
