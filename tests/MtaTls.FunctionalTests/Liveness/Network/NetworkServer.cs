using System.Net;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Liveness.Network;

/// <summary>A server in the server's namespace, with clients in the client's namespace.</summary>
internal sealed class NetworkServer : IAsyncDisposable
{
    public const int Port = 8443;
    private readonly TestNetwork _network;

    private NetworkServer(TestNetwork network, TestApp app) => (_network, App) = (network, app);

    public TestApp App { get; }

    public IReadOnlyList<IMtaTlsSessionFeature> Sessions => App.Services.GetRequiredService<IMtaTlsSessions>().List();

    public static async Task<NetworkServer> StartAsync(TestNetwork network, Action<MtaTlsOptions>? configure = null)
        => new(network, await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.UseSockets(o => o.CreateBoundListenSocket = network.Listen);
                builder.WebHost.ConfigureKestrel(static k => k.Listen(IPAddress.Parse(TestNetwork.ServerAddress), Port, static e => e.UseHttps(TestCertificates.Server)));
                builder.WebHost.UseMtaTls(o => configure?.Invoke(o));
            }));

    /// <summary>Creates options of a client whose connections use the network and that accepts the server's channels.</summary>
    public MtaTlsClientOptions Options(Action<MtaTlsClientOptions> configure)
    {
        var options = new MtaTlsClientOptions
        {
            Host = TestNetwork.ServerAddress,
            Port = Port,
            TargetHost = "localhost",
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            ConnectCallback = _network.ConnectAsync,
            ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http11],
            ShutdownTimeout = TimeSpan.FromMilliseconds(100),
            ChannelRequested = static async (request, _) =>
            {
                await using MtaTlsChannel channel = request.Accept();
            },
        };
        options.Reconnect.InitialDelay = options.Reconnect.MaxDelay = TimeSpan.FromMilliseconds(200);
        configure(options);
        return options;
    }

    /// <summary>Sends one request on a new channel.</summary>
    public static async Task<string> GetAsync(MtaTlsClient client)
    {
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Wait.Timeout };
        return await http.GetStringAsync(new Uri("https://app.test/"));
    }

    /// <summary>Opens a channel from the server to the client.</summary>
    public static async Task CallClientAsync(IMtaTlsSessionFeature session)
    {
        await using MtaTlsChannel channel = await session.OpenChannelAsync(new ChannelAddress("server.test", 1), new ChannelAddress("client.test", 2)).Soon();
    }

    public ValueTask DisposeAsync() => App.DisposeAsync();
}
