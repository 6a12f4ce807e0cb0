using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using MtaTls.Client;
using MtaTls.FunctionalTests.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using TestApp = MtaTls.FunctionalTests.Support.TestApp;

namespace MtaTls.FunctionalTests.Security;

/// <summary>The limits of the whole server, each reached and one exceeded; then what is within them goes on.</summary>
public class ServerLimitsTests
{
    [Fact]
    public async Task MaxHandshakes_counts_connections_that_say_nothing_and_closes_further_ones()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.MaxHandshakes = 2);
        // Which of them comes last is the thread pool's choice.
        Socket[] silent = [.. Enumerable.Range(0, 3).Select(static _ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))];
        Task<bool> closed = await Task.WhenAny(silent.Select(s => IsClosedAsync(s, app.Port)));
        Assert.True(await closed);
        Assert.Contains(app.Logs.GetSnapshot(), static r => r.Id.Name == "ConnectionRejected" && r.Message.Contains("MaxHandshakes", StringComparison.Ordinal));
        Array.ForEach(silent, static s => s.Dispose());

        await UntilAsync(async () => await TryGetAsync(app.Port) == "hello");
    }

    [Fact]
    public async Task MaxSessions_closes_further_connections_until_one_has_ended()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.MaxSessions = 1);
        await using (RawClient first = await RawClient.ConnectAsync(app.Port))
        {
            Assert.Equal("hello", await first.GetAsync());
            Assert.Null(await TryGetAsync(app.Port));
            Assert.Equal("hello", await first.GetAsync());
            Assert.Contains(app.Logs.GetSnapshot(), static r => r.Id.Name == "ConnectionRejected" && r.Message.Contains("MaxSessions", StringComparison.Ordinal));
        }

        await UntilAsync(async () => await TryGetAsync(app.Port) == "hello");
    }

    [Fact]
    public async Task MaxChannels_refuses_opens_of_every_session_until_a_channel_is_closed()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Limits.MaxChannels = 2);
        await using RawClient first = await RawClient.ConnectAsync(app.Port);
        await using RawClient second = await RawClient.ConnectAsync(app.Port);
        HttpChannel one = await first.OpenAsync();
        await using HttpChannel two = await second.OpenAsync();
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => first.OpenAsync());
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => second.OpenAsync());
        await one.DisposeAsync();
        await UntilAsync(async () =>
        {
            try
            {
                return await second.GetAsync() == "hello";
            }
            catch (MtaTlsChannelRefusedException)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task A_server_that_has_no_room_for_any_channel_is_not_asked_without_end()
    {
        int asked = 0;
        await using PeerServer server = await PeerServer.StartAsync(request =>
        {
            Interlocked.Increment(ref asked);
            request.Refuse("Too many channels");
        });
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(server.Options()).AsTask().Soon();
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenChannelAsync("app.test", 80).AsTask().Soon());
        Assert.Equal(1, asked);
    }

    /// <summary>Connects and says nothing. The reset may be there before the end of connecting is known here.</summary>
    private static async Task<bool> IsClosedAsync(Socket socket, int port)
    {
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return await socket.ReceiveAsync(new byte[1], SocketFlags.None) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static async Task<string?> TryGetAsync(int port)
    {
        try
        {
            await using RawClient client = await RawClient.ConnectAsync(port);
            return await client.GetAsync();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return null;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource hang = new(Patience.Long);
        while (!await condition())
        {
            await Task.Delay(20, hang.Token);
        }
    }
}
