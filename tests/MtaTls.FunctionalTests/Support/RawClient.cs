using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Support;

/// <summary>A low-level client: a socket, the TLS engine and a session, so that a test can do what an ordinary client does not.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    private RawClient(Socket socket, TlsConnection tls)
    {
        Socket = socket;
        Tls = tls;
    }

    public Socket Socket { get; }

    public TlsConnection Tls { get; }

    public MtaTlsSession Session { get; private set; } = null!;

    public static async Task<RawClient> ConnectAsync(int port, Action<TlsClientOptions>? tls = null, MtaTlsSessionOptions? session = null, IPAddress? from = null, byte[]? header = null)
        => await ConnectAsync(port, new TlsClientContext(Options(tls)), session, from, header);

    /// <summary>Connects with a context of the test, which remembers TLS sessions.</summary>
    public static async Task<RawClient> ConnectAsync(int port, TlsClientContext context, MtaTlsSessionOptions? session = null, IPAddress? from = null, byte[]? header = null)
    {
        RawClient client = await HandshakeAsync(port, context, from, header);
        Assert.True(client.Tls.DataMultiplexingNegotiated);
        client.Session = MtaTlsSession.Start(client.Tls, session ?? new MtaTlsSessionOptions { Role = MtaTlsRole.Client });
        return client;
    }

    /// <summary>Does only the handshake, without a session.</summary>
    public static Task<RawClient> HandshakeAsync(int port, Action<TlsClientOptions>? configure = null) => HandshakeAsync(port, new TlsClientContext(Options(configure)));

    private static TlsClientOptions Options(Action<TlsClientOptions>? configure)
    {
        TlsClientOptions options = new() { TargetHost = "localhost", CertificateChainPolicy = TestCertificates.TrustRoot(), ApplicationProtocols = { SslApplicationProtocol.Http11 } };
        configure?.Invoke(options);
        return options;
    }

    private static async Task<RawClient> HandshakeAsync(int port, TlsClientContext context, IPAddress? from = null, byte[]? header = null)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (from is not null)
            {
                socket.Bind(new IPEndPoint(from, 0));
            }

            await socket.ConnectAsync(IPAddress.Loopback, port);
            if (header is not null)
            {
                // Before TLS, as a load balancer does.
                await socket.SendAsync(header);
            }

            NetworkStream stream = new(socket, ownsSocket: true);
            using CancellationTokenSource hang = new(Wait.Timeout);
            TlsConnection connection = await TlsConnection.ConnectAsync(new StreamPipe(stream), context, hang.Token);
            return new RawClient(socket, connection);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Returns whether the server answers the extension.</summary>
    public static async Task<bool> IsNegotiatedAsync(int port, Action<TlsClientOptions>? configure = null)
    {
        await using RawClient client = await HandshakeAsync(port, configure);
        return client.Tls.DataMultiplexingNegotiated;
    }

    public async Task<HttpChannel> OpenAsync(string host = "app.test", int port = 80)
        => new(await Session.OpenChannelAsync(new ChannelAddress("192.0.2.7", 4711), new ChannelAddress(host, port)).Soon());

    /// <summary>Sends one GET on a new channel.</summary>
    public async Task<string> GetAsync(string path = "/")
    {
        await using HttpChannel channel = await OpenAsync();
        return (await channel.GetAsync(path)).Body;
    }

    /// <summary>Resets the TCP connection, like a client that crashes.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (Session is not null)
        {
            await Session.DisposeAsync();
        }
        else
        {
            await Tls.DisposeAsync();
        }

        Socket.Dispose();
    }

    private sealed class StreamPipe(Stream stream) : IDuplexPipe
    {
        public PipeReader Input { get; } = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));

        public PipeWriter Output { get; } = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
    }
}
