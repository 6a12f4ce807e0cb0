using System.Buffers;
using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;
using MtaTls.AspNetCore.Connections;
using MtaTls.Client;
using MtaTls.FunctionalTests.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.Tls;
using TestApp = MtaTls.FunctionalTests.Support.TestApp;

namespace MtaTls.FunctionalTests.Security;

/// <summary>The limits of the whole server. Each is reached and then exceeded, and everything within the limits continues.</summary>
public class ServerLimitsTests
{
    /// <summary>Connections that send nothing more must live until the test ends them.</summary>
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(5);

    // Only Kestrel's MaxConcurrentConnections limits their number.
    [Fact]
    public async Task Connections_that_send_nothing_take_no_place_of_others()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => (o.Limits.MaxHandshakes, o.Limits.MaxSessionsPerAddress, o.Limits.HandshakeTimeout) = (1, 1, s_long));
        using MetricCollector<long> active = new(app.Services.GetRequiredService<IMeterFactory>(), "Microsoft.AspNetCore.Server.Kestrel", "kestrel.active_connections");
        Socket[] silent = [.. Enumerable.Range(0, 50).Select(static _ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))];
        foreach (Socket socket in silent)
        {
            await socket.ConnectAsync(IPAddress.Loopback, app.Port);
        }

        await Wait.UntilAsync(() => active.GetMeasurementSnapshot().EvaluateAsCounter() == silent.Length);
        Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Port));
        Assert.Equal("hello", await TryGetAsync(app.Port));
        Array.ForEach(silent, static s => s.Dispose());
        Assert.DoesNotContain(app.Logs.GetSnapshot(), static r => r.Id.Name == "ConnectionRejected");
    }

    [Fact]
    public async Task MaxHandshakes_closes_further_connections_that_offer_the_extension()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => (o.Limits.MaxHandshakes, o.Limits.HandshakeTimeout) = (1, s_long));
        // A complete ClientHello, and nothing after the server's answer, so the handshake does not end.
        using TlsClientContext context = new(new TlsClientOptions { TargetHost = "localhost" });
        using Socket first = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await first.ConnectAsync(IPAddress.Loopback, app.Port);
        byte[] hello = await HelloOfAsync(context);
        await first.SendAsync(hello);
        MtaTlsServer server = app.Services.GetRequiredService<MtaTlsServer>();
        await Wait.UntilAsync(() => server.Handshakes.Count == 1);

        Assert.Null(await TryGetAsync(app.Port));
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Id.Name == "ConnectionRejected" && r.Message.Contains("MaxHandshakes", StringComparison.Ordinal)));
        Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Port));
        first.Dispose();
        await Wait.UntilAsync(async () => await TryGetAsync(app.Port) == "hello");
    }

    // The two ways to limit connections in docs/security.md.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task MaxConcurrentConnections_of_Kestrel_holds_in_code_and_by_its_section(bool inCode)
    {
        await using TestApp app = await TestApp.StartAsync(
            static a => a.MapGet("/", () => "hello"),
            kestrel: k => k.Limits.MaxConcurrentConnections = inCode ? 1 : k.Limits.MaxConcurrentConnections,
            configure: builder =>
            {
                if (!inCode)
                {
                    builder.Configuration["Kestrel:Limits:MaxConcurrentConnections"] = "1";
                    builder.Services.Configure<KestrelServerOptions>(builder.Configuration.GetSection("Kestrel"));
                }
            });
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Null(await TryGetAsync(app.Port));
        Assert.Equal("hello", await client.GetAsync());
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
            await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Id.Name == "ConnectionRejected" && r.Message.Contains("MaxSessions", StringComparison.Ordinal)));
        }

        await Wait.UntilAsync(async () => await TryGetAsync(app.Port) == "hello");
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
        await Wait.UntilAsync(async () =>
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
    public async Task A_server_without_room_for_any_channel_is_not_asked_endlessly()
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

    private static async Task<byte[]> HelloOfAsync(TlsClientContext context)
    {
        Pipe sent = new(), received = new();
        using CancellationTokenSource stop = new();
        Task<TlsConnection> connecting = TlsConnection.ConnectAsync(new Duplex(received.Reader, sent.Writer), context, stop.Token).AsTask();
        ReadResult hello = await sent.Reader.ReadAsync().Soon();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => connecting);
        return hello.Buffer.ToArray();
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

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
