using System.Net;
using System.Net.Sockets;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary>The extension has no body (docs/mta-tls-wire.md, Negotiation). The server refuses one with a body.</summary>
public sealed class ExtensionBodyTests
{
    private const ushort DataMultiplexing = 65389;

    [Theory]
    [InlineData(false, DataMultiplexingMode.Allowed)]
    [InlineData(true, DataMultiplexingMode.Allowed)]
    [InlineData(false, DataMultiplexingMode.Required)]
    [InlineData(true, DataMultiplexingMode.Required)]
    public async Task A_body_is_refused_with_decode_error(bool tls13, DataMultiplexingMode mode)
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"), o => o.EndpointDefaults.Mode = mode);
        byte[] offer = Hello.Extension(DataMultiplexing, [0]);
        byte[] hello = Hello.Records(tls13 ? Hello.Message([.. Hello.KeyExchange(), Hello.SupportedVersions(0x0304), offer]) : Hello.Message([.. Hello.KeyExchange()[..2], offer]));
        // A fatal (2) alert (21): decode_error (50), and nothing after it.
        Assert.Equal([21, 3, 3, 0, 2, 2, 50], await AnswerAsync(app.Port, hello));
        await using RawClient other = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await other.GetAsync());
    }

    // Kestrel's HTTPS serves the connection, and ignores extensions that it does not know.
    [Fact]
    public async Task Where_the_extension_is_disabled_its_body_is_ignored()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"), o => o.EndpointDefaults.Mode = DataMultiplexingMode.Disabled);
        byte[] hello = Hello.Records(Hello.Message([.. Hello.KeyExchange(), Hello.SupportedVersions(0x0304), Hello.Extension(DataMultiplexing, [0])]));
        using Socket socket = await ConnectAsync(app.Port);
        await socket.SendAsync(hello);
        byte[] answer = new byte[6];
        await new NetworkStream(socket).ReadExactlyAsync(answer).Soon();
        // A ServerHello (2) in a handshake record (22).
        Assert.Equal((22, 2), (answer[0], answer[5]));
    }

    private static async Task<byte[]> AnswerAsync(int port, byte[] hello)
    {
        using Socket socket = await ConnectAsync(port);
        await socket.SendAsync(hello);
        using MemoryStream answer = new();
        await new NetworkStream(socket).CopyToAsync(answer).Soon();
        return answer.ToArray();
    }

    private static async Task<Socket> ConnectAsync(int port)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }
}
