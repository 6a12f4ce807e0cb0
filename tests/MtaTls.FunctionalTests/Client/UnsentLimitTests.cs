using System.Buffers.Binary;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Both ends limit the unsent data in the kernel, so that channels can overtake each other in the send loop.</summary>
public sealed class UnsentLimitTests
{
    private const int LevelTcp = 6;
    private const int NotSentLowWatermark = 25;

    [Fact]
    public async Task Both_sockets_of_a_session_have_the_limit_and_an_ordinary_connections_has_none()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux is needed.");
        var accepted = new TaskCompletionSource<Socket>();
        await using TestApp app = await TestApp.StartAsync(
            // A channel hides the socket of its session.
            static a => a.MapGet("/", (HttpContext context) => context.Features.Get<IConnectionSocketFeature>() is { } feature ? Limit(feature.Socket) : 0),
            listen: endpoint => endpoint.Use(next => connection =>
            {
                accepted.TrySetResult(connection.Features.Get<IConnectionSocketFeature>()!.Socket);
                return next(connection);
            }));
        Socket? dialed = null;
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(new MtaTlsClientOptions
        {
            Host = "localhost",
            Port = app.Port,
            Mode = MtaTlsClientMode.Required,
            RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
            ConnectCallback = async (endpoint, ct) =>
            {
                dialed = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await dialed.ConnectAsync(endpoint, ct);
                return new NetworkStream(dialed, ownsSocket: true);
            },
        });
        // A request, so that the server's session has started.
        using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = async (_, ct) => await client.OpenChannelAsync("localhost", app.Port, ct) });
        Assert.NotEmpty(await http.GetStringAsync(new Uri("http://localhost/")).Soon());

        Assert.Equal(32_768, Limit(dialed!));
        Assert.Equal(32_768, Limit(await accepted.Task.Soon()));

        using var ordinary = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null } });
        Assert.NotEqual("32768", await ordinary.GetStringAsync(new Uri($"https://localhost:{app.Port}/")).Soon());
    }

    private static int Limit(Socket socket)
    {
        byte[] value = new byte[4];
        socket.GetRawSocketOption(LevelTcp, NotSentLowWatermark, value);
        return BinaryPrimitives.ReadInt32LittleEndian(value);
    }
}
