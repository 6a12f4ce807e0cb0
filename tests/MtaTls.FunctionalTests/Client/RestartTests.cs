using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Clients whose server restarts or whose sessions are lost: idempotent requests (RFC 9110, section 9.2.2) succeed, others are never sent twice.</summary>
public sealed class RestartTests
{
    private const int Workers = 8;

    // Only a test that hangs reaches it.
    private static readonly TimeSpan s_hang = Wait.Timeout;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Idempotent_requests_succeed_during_restarts_of_the_server(int version)
    {
        int port = FreePort.Find();
        GatewayApp app = await GatewayApp.StartAsync(map: Map, port: port);
        try
        {
            // The same request may find the channels of all workers closed, one after another.
            using HttpClient http = Client(app, version, maxRetries: Workers);
            using CancellationTokenSource over = new();
            int done = 0;
            Task[] workers = [.. Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
            {
                for (int number = worker; !over.IsCancellationRequested; number++)
                {
                    await AskAsync(http, port, number);
                    Interlocked.Increment(ref done);
                }
            }))];
            for (int restarts = 0; restarts < 3; restarts++)
            {
                await WorkedAsync();
                await app.DisposeAsync();
                app = await GatewayApp.StartAsync(map: Map, port: port);
                await WorkedAsync();
            }
            await over.CancelAsync();
            await Task.WhenAll(workers).Soon();

            // Until all workers have got some responses, or one has failed.
            async Task WorkedAsync()
            {
                int target = Volatile.Read(ref done) + 5 * Workers;
                await Wait.UntilAsync(() => Volatile.Read(ref done) >= target || workers.Any(static w => w.IsFaulted));
                if (workers.FirstOrDefault(static w => w.IsFaulted) is { } failed)
                {
                    await failed;
                }
            }
        }
        finally
        {
            await app.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task A_request_on_a_connection_that_the_server_ends_without_a_word_is_sent_again(HttpProtocols protocol)
    {
        int connections = 0;
        await using TestApp app = await TestApp.StartBareAsync(builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = protocol;
            listen.Use(next => async connection =>
            {
                if (Interlocked.Increment(ref connections) > 1)
                {
                    await next(connection);
                    return;
                }

                // What has been read is not answered with a reset.
                ReadResult read = await connection.Transport.Input.ReadAsync();
                connection.Transport.Input.AdvanceTo(read.Buffer.End);
            });
        })));
        using HttpClient http = new(new MtaTlsRetryHandler(new SocketsHttpHandler(), maxRetries: 1))
        {
            DefaultRequestVersion = protocol == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        Assert.Equal("hello", await http.GetStringAsync($"http://127.0.0.1:{app.Port}/").Soon());
        Assert.Equal(2, connections);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Idempotent_requests_of_a_lost_session_are_retried_and_others_are_not(int version)
    {
        ConcurrentDictionary<string, int> served = [];
        await using GatewayApp app = await GatewayApp.StartAsync(map: a => a.MapMethods("/once/{id}", ["GET", "PUT", "POST"], async (string id, HttpContext context) =>
        {
            string body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            if (served.AddOrUpdate(id, 1, static (_, times) => times + 1) == 1)
            {
                // The first attempt gets no response.
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            return body;
        }));
        using HttpClient http = Client(app, version);
        foreach (string method in (string[])["GET", "PUT"])
        {
            Task<string> answer = SendAsync(http, app.Port, $"/once/{method}", new HttpMethod(method), method == "PUT" ? new StringContent("again") : null);
            await Wait.UntilAsync(() => served.ContainsKey(method));
            app.DropConnections();
            Assert.Equal(method == "PUT" ? "again" : "", await answer.Soon());
            Assert.Equal(2, served[method]);
        }

        // RFC 9110, section 9.2.2, forbids automatic retries of these methods; and content that cannot be read twice cannot be sent twice.
        (string Id, HttpMethod Method, HttpContent Content)[] notRepeated =
        [
            ("post", HttpMethod.Post, new StringContent("once")),
            ("stream", HttpMethod.Put, new StreamContent(new OnceStream("once"u8.ToArray()))),
        ];
        foreach ((string id, HttpMethod method, HttpContent content) in notRepeated)
        {
            Task<string> answer = SendAsync(http, app.Port, $"/once/{id}", method, content);
            await Wait.UntilAsync(() => served.ContainsKey(id));
            app.DropConnections();
            HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => answer.Soon());
            Assert.IsAssignableFrom<IOException>(failure.InnerException);
            Assert.Equal(1, served[id]);
        }
    }

    [Fact]
    public async Task A_request_is_not_repeated_more_often_than_MaxRetries()
    {
        int served = 0;
        GatewayApp? app = null;
        app = await GatewayApp.StartAsync(map: a => a.MapGet("/drops", async (HttpContext context) =>
        {
            Interlocked.Increment(ref served);
            app!.DropConnections();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }));
        await using (app)
        {
            using HttpClient http = Client(app, 1, maxRetries: 2);
            await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(app.Uri("/drops")).Soon());
            Assert.Equal(3, served);
        }
    }

    [Fact]
    public async Task Channels_wait_for_an_endpoint_that_was_reached_and_then_fail()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        int port = FreePort.Find();
        GatewayApp app = await GatewayApp.StartAsync(port: port);
        await using MtaTlsClient client = new(ClientSettings.From(app.Options(o =>
        {
            o.TimeProvider = time;
            o.Reconnect.InitialDelay = o.Reconnect.MaxDelay = TimeSpan.FromSeconds(1);
            o.Reconnect.Jitter = 0;
            // While the clock advances, connecting takes real time.
            o.Reconnect.WaitTimeout = TimeSpan.FromHours(1);
        })));
        await (await client.OpenChannelAsync("localhost", port)).DisposeAsync();
        await app.DisposeAsync();
        await Wait.UntilAsync(() => client.GetStatistics().ActiveSessions == 0);

        // The channel waits, and opens when the endpoint is reachable again.
        Task<MtaTlsClientChannel> open = client.OpenChannelAsync("localhost", port).AsTask();
        await Wait.UntilAsync(() => client.GetStatistics().ConnectFailures == 1);
        Assert.False(open.IsCompleted);
        app = await GatewayApp.StartAsync(port: port);
        await AdvanceUntilAsync(time, TimeSpan.FromMilliseconds(50), () => open.IsCompleted);
        await (await open).DisposeAsync();

        // WaitTimeout starts for the endpoint, not for each channel: after it, opens fail at once.
        await app.DisposeAsync();
        await Wait.UntilAsync(() => client.GetStatistics().ActiveSessions == 0);
        open = client.OpenChannelAsync("localhost", port).AsTask();
        await AdvanceUntilAsync(time, TimeSpan.FromMinutes(1), () => open.IsCompleted);
        await Assert.ThrowsAnyAsync<Exception>(() => open);
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(async () => await client.OpenChannelAsync("localhost", port));
    }

    // No event shows when the attempt has failed and the back-off begins, so the clock moves in steps.
    private static async Task AdvanceUntilAsync(Microsoft.Extensions.Time.Testing.FakeTimeProvider time, TimeSpan step, Func<bool> condition)
    {
        await Wait.UntilAsync(() =>
        {
            time.Advance(step);
            return condition();
        });
    }

    private static HttpClient Client(GatewayApp app, int version, int maxRetries = 3) => new(new MtaTlsRetryHandler(new SocketsHttpHandler().UseMtaTls(app.Options(o =>
    {
        o.Reconnect.InitialDelay = TimeSpan.FromMilliseconds(10);
        o.Reconnect.MaxDelay = TimeSpan.FromMilliseconds(100);
        o.Reconnect.WaitTimeout = s_hang;
    })), maxRetries))
    {
        Timeout = s_hang,
        DefaultRequestVersion = version == 2 ? HttpVersion.Version20 : HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private static void Map(WebApplication app) => app.MapMethods("/hash", ["HEAD", "PUT", "DELETE", "OPTIONS"],
        async (HttpContext context) => await context.Response.WriteAsync(Convert.ToHexString(await SHA256.HashDataAsync(context.Request.Body))));

    private static async Task AskAsync(HttpClient http, int port, int number)
    {
        byte[] body = new byte[number % 7 * 1000];
        Random.Shared.NextBytes(body);
        switch (number % 5)
        {
            case 0:
                Assert.Equal(50_000, (await SendAsync(http, port, "/bytes/50000", HttpMethod.Get, null)).Length);
                break;
            case 1:
                Assert.Equal("", await SendAsync(http, port, "/hash", HttpMethod.Head, null));
                break;
            default:
                HttpMethod method = number % 5 == 2 ? HttpMethod.Delete : number % 5 == 3 ? HttpMethod.Options : HttpMethod.Put;
                Assert.Equal(Convert.ToHexString(SHA256.HashData(body)), await SendAsync(http, port, "/hash", method, new ByteArrayContent(body)));
                break;
        }
    }

    private static async Task<string> SendAsync(HttpClient http, int port, string path, HttpMethod method, HttpContent? content)
    {
        using HttpRequestMessage request = new(method, $"https://localhost:{port}{path}") { Content = content, Version = http.DefaultRequestVersion, VersionPolicy = http.DefaultVersionPolicy };
        using HttpResponseMessage response = await http.SendAsync(request);
        return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
    }

    /// <summary>A stream that can be read once.</summary>
    private sealed class OnceStream(byte[] octets) : MemoryStream(octets)
    {
        public override bool CanSeek => false;
    }
}
