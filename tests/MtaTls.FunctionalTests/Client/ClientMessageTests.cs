using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging.Testing;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Rows of the troubleshooting page about the client: the symptom is brought about, and the log names what the page says.</summary>
public sealed class ClientMessageTests : IDisposable
{
    private readonly FakeLoggerProvider _logs = new();
    private readonly LoggerFactory _loggers;

    public ClientMessageTests() => _loggers = new LoggerFactory([_logs], new LoggerFilterOptions { MinLevel = LogLevel.Debug });

    public void Dispose()
    {
        _loggers.Dispose();
        _logs.Dispose();
    }

    [Fact]
    public async Task An_endpoint_where_nothing_listens_is_named_with_the_exception()
    {
        int port = FreePort.Find();
        await Assert.ThrowsAnyAsync<SocketException>(() => MtaTlsClient.ConnectAsync(new MtaTlsClientOptions { Host = "127.0.0.1", Port = port, LoggerFactory = _loggers }).Soon());
        FakeLogRecord record = await LoggedAsync("ConnectFailed");
        Assert.Contains($"127.0.0.1:{port}", record.Message, StringComparison.Ordinal);
        Assert.Contains("Connection refused", record.Exception!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_several_endpoints_messages_name_the_one_that_they_are_about()
    {
        using TcpListener closing = new(IPAddress.Loopback, 0);
        closing.Start();
        _ = CloseAllAsync(closing);
        int failing = ((IPEndPoint)closing.LocalEndpoint).Port;
        await using GatewayApp app = await GatewayApp.StartAsync();
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(app.Options(o =>
        {
            o.Host = null;
            o.Endpoints = [$"localhost:{failing}", $"localhost:{app.Port}"];
            o.LoggerFactory = _loggers;
            // A client that has waited for the first one for 250 ms tries the second too, which must not win.
            o.ConnectCallback = async (endpoint, token) =>
            {
                while (endpoint.Port == app.Port && !Logged("EndpointFailed"))
                {
                    await Task.Delay(10, token);
                }

                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, endpoint.Port, token);
                return new NetworkStream(socket, ownsSocket: true);
            };
        })).Soon();
        FakeLogRecord failed = await LoggedAsync("EndpointFailed");
        Assert.Contains($"localhost:{failing} ", failed.Message, StringComparison.Ordinal);
        Assert.True(failed.Exception is IOException or AuthenticationException, failed.Exception?.ToString());

        // The session is with the second one, and so is what is said of it.
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("inner.test", 443).Soon();
        app.DropConnections();
        Assert.Contains($"localhost:{app.Port} ", (await LoggedAsync("SessionFailed")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_of_the_servers_channels_that_throws_is_an_error_and_the_channel_is_refused()
    {
        await using PeerServer server = await PeerServer.StartAsync(PeerServer.Echo);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options(o =>
        {
            o.LoggerFactory = _loggers;
            o.ChannelRequested = static (_, _) => throw new InvalidOperationException("the handler's");
        })).Soon();
        MtaTlsSession session = server.Sessions.Take();
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => session.OpenChannelAsync(new ChannelAddress("client.test", 1), new ChannelAddress("server.test", 2)).Soon());
        FakeLogRecord record = await LoggedAsync("ChannelHandlerFailed");
        Assert.Equal((LogLevel.Error, "the handler's"), (record.Level, record.Exception!.Message));
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("inner.test", 7).Soon();
    }

    private static async Task CloseAllAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                (await listener.AcceptSocketAsync()).Dispose();
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // The test has ended.
        }
    }

    private bool Logged(string eventName) => _logs.Collector.GetSnapshot().Any(r => r.Id.Name == eventName);

    private async Task<FakeLogRecord> LoggedAsync(string eventName)
    {
        await Wait.UntilAsync(() => Logged(eventName));
        return _logs.Collector.GetSnapshot().First(r => r.Id.Name == eventName);
    }
}
