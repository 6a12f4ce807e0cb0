using System.IO.Pipelines;

namespace MtaTls.Protocol.Tests;

/// <summary>Two sessions that are connected by pipes in memory: the client's and the server's.</summary>
internal sealed class SessionPair : IAsyncDisposable
{
    public static readonly TimeSpan HangTimeout = TimeSpan.FromMinutes(5);

    public static readonly ChannelAddress Source = new("client.example", 40000);
    public static readonly ChannelAddress Destination = new("server.example", 80);

    private SessionPair(IMtaTlsTransport client, IMtaTlsTransport server, MtaTlsSessionOptions clientOptions, MtaTlsSessionOptions serverOptions)
    {
        ClientTransport = client;
        ServerTransport = server;
        clientOptions.Role = MtaTlsRole.Client;
        serverOptions.Role = MtaTlsRole.Server;
        Client = MtaTlsSession.Start(client, clientOptions);
        Server = MtaTlsSession.Start(server, serverOptions);
    }

    public IMtaTlsTransport ClientTransport { get; }

    public IMtaTlsTransport ServerTransport { get; }

    public MtaTlsSession Client { get; }

    public MtaTlsSession Server { get; }

    public static SessionPair Create(MtaTlsSessionOptions? client = null, MtaTlsSessionOptions? server = null)
    {
        (IDuplexPipe a, IDuplexPipe b) = DuplexPipe.CreatePair();
        return new(new PipeTransport(a), new PipeTransport(b), client ?? new(), server ?? new());
    }

    public static SessionPair Create(IMtaTlsTransport clientTransport, IMtaTlsTransport serverTransport, MtaTlsSessionOptions? client = null, MtaTlsSessionOptions? server = null) =>
        new(clientTransport, serverTransport, client ?? new(), server ?? new());

    /// <summary>Opens a channel from the client; the server accepts it.</summary>
    public async Task<(MtaTlsChannel Client, MtaTlsChannel Server)> OpenAsync()
    {
        Task<MtaTlsChannel> opening = Client.OpenChannelAsync(Source, Destination).AsTask();
        MtaTlsChannelRequest? request = await Server.AcceptChannelAsync().AsTask().WaitAsync(HangTimeout);
        MtaTlsChannel accepted = request!.Accept();
        return (await opening.WaitAsync(HangTimeout), accepted);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync().AsTask().WaitAsync(HangTimeout);
        await Server.DisposeAsync().AsTask().WaitAsync(HangTimeout);
    }
}
