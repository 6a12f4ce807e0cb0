using System.Diagnostics;
using System.Net;
using System.Net.Security;
using MtaTls.Client;
using MtaTls.Stress.Hosting;

namespace MtaTls.Stress.Soak;

/// <summary>A client with its handlers, and the failures that are allowed on its connections.</summary>
internal sealed class Caller : IAsyncDisposable
{
    /// <summary>How long a reset connection may stay in a handler's pool before a request notices it.</summary>
    private static readonly TimeSpan s_aftermath = TimeSpan.FromSeconds(2);

    private readonly DropRelay? _relay;

    private Caller(string name, MtaTlsClient? client, HttpMessageInvoker http1, HttpMessageInvoker? http2, DropRelay? relay, string host)
    {
        (Name, Client, Http1, Http2, _relay, Host) = (name, client, http1, http2, relay, host);
    }

    public string Name { get; }

    /// <summary>The MTA-TLS client; null for ordinary TLS.</summary>
    public MtaTlsClient? Client { get; }

    public HttpMessageInvoker Http1 { get; }

    public HttpMessageInvoker? Http2 { get; }

    /// <summary>The host in URIs.</summary>
    public string Host { get; }

    /// <summary>Creates a client with sessions, over the relay if there is one, which resets them from time to time.</summary>
    public static Caller Multiplexed(string name, ServerProcess server, DropRelay? relay)
    {
        MtaTlsClient client = new(ClientSettings.From(Options(server, relay?.Port ?? server.Port)));
        return new Caller(name, client, Invoker(new SocketsHttpHandler().UseMtaTls(client)), Invoker(new SocketsHttpHandler { EnableMultipleHttp2Connections = true }.UseMtaTls(client)), relay, "app.internal");
    }

    /// <summary>Creates a client without MTA-TLS.</summary>
    public static Caller Ordinary(ServerProcess server)
    {
        SocketsHttpHandler handler = new() { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = server.Trust } };
        return new Caller("ordinary", null, Invoker(handler), null, null, $"localhost:{server.Port}");
    }

    public static MtaTlsClientOptions Options(ServerProcess server, int port) => new()
    {
        Host = "localhost",
        Port = port,
        Mode = MtaTlsClientMode.Required,
        CertificateChainPolicy = server.Trust,
        ConnectCallback = static async (endpoint, cancellationToken) =>
        {
            // The server listens only on IPv4, so this avoids a failed attempt for each session.
            System.Net.Sockets.Socket socket = new(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, endpoint.Port), cancellationToken);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
        Reconnect = { InitialDelay = TimeSpan.FromMilliseconds(5), MaxDelay = TimeSpan.FromMilliseconds(50) },
    };

    /// <summary>Whether a request that began at this time may fail, because its session was reset.</summary>
    public bool MayFail(long begun) => _relay?.HasDroppedSince(begun - (long)(s_aftermath.TotalSeconds * Stopwatch.Frequency)) == true;

    public async ValueTask DisposeAsync()
    {
        Http1.Dispose();
        Http2?.Dispose();
        if (Client is not null)
        {
            await Client.DisposeAsync();
        }
    }

    private static HttpMessageInvoker Invoker(SocketsHttpHandler handler)
    {
        handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30);
        return new HttpMessageInvoker(handler);
    }
}
