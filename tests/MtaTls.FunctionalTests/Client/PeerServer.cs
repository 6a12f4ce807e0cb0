using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using MtaTls.Client;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Client;

/// <summary>A server that uses only MtaTls.Protocol, without ASP.NET Core. It answers opens as the test requests, and opens channels itself.</summary>
internal sealed class PeerServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Action<MtaTlsChannelRequest> _answer;
    private readonly Action<MtaTlsSessionLimits>? _limits;
    private readonly TlsServerContext _context = new(new TlsServerOptions
    {
        ServerCertificate = GatewayCertificates.Server,
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
    });

    private PeerServer(Action<MtaTlsChannelRequest> answer, Action<MtaTlsSessionLimits>? limits) => (_answer, _limits) = (answer, limits);

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The sessions in the order in which they started.</summary>
    public BlockingCollection<MtaTlsSession> Sessions { get; } = [];

    public static Task<PeerServer> StartAsync(Action<MtaTlsChannelRequest> answer, Action<MtaTlsSessionLimits>? limits = null)
    {
        var server = new PeerServer(answer, limits);
        server._listener.Start();
        _ = server.AcceptAsync();
        return Task.FromResult(server);
    }

    public MtaTlsClientOptions Options(Action<MtaTlsClientOptions>? configure = null) => GatewayApp.Options(Port, configure);

    /// <summary>Echoes the data of a channel until it ends.</summary>
    public static void Echo(MtaTlsChannelRequest request) => _ = EchoAsync(request.Accept());

    public static async Task EchoAsync(MtaTlsChannel channel)
    {
        await using (channel)
        {
            try
            {
                await channel.Input.CopyToAsync(channel.Output);
            }
            catch (IOException)
            {
                // The session has ended.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (MtaTlsSession session in Sessions)
        {
            await session.DisposeAsync();
        }

        _context.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                return;
            }
            _ = ServeAsync(socket);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            TlsConnection tls = await TlsConnection.AcceptAsync(new Pipes(PipeReader.Create(stream), PipeWriter.Create(stream)), _context);
            var options = new MtaTlsSessionOptions { Role = MtaTlsRole.Server, ChannelRequested = _answer };
            _limits?.Invoke(options.Limits);
            var session = MtaTlsSession.Start(tls, options);
            Sessions.Add(session);
            await session.Completion;
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // The client gets the same error, and the test checks it there.
        }
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
