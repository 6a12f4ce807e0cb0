using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Channels behave like Kestrel's connections.</summary>
public sealed class ChannelContractTests
{
    // RFC 9113, section 3.4: both ends begin with their preface; the server's is a SETTINGS frame.
    [Fact]
    public async Task With_h2_selected_a_channel_speaks_HTTP_2_from_its_first_octet()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"));
        await using RawClient client = await RawClient.ConnectAsync(app.Port, o => o.ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http2]);
        Assert.Equal("h2"u8.ToArray(), client.Tls.ApplicationProtocol.ToArray());
        await using HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0");
        byte[] header = await channel.ReadAsync(9);
        Assert.Equal(4, header[3]);
        Assert.Equal(new byte[4], header[5..]);
    }

    [Fact]
    public async Task Without_ALPN_a_channel_speaks_HTTP_1()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", (HttpContext c) => c.Request.Protocol));
        await using RawClient client = await RawClient.ConnectAsync(app.Port, o => o.ApplicationProtocols = []);
        Assert.Equal("HTTP/1.1", await client.GetAsync());
    }

    [Fact]
    public async Task A_WebSocket_echoes_in_a_channel()
    {
        await using TestApp app = await TestApp.StartAsync(a =>
        {
            a.UseWebSockets();
            a.Map("/ws", async context =>
            {
                using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
                byte[] buffer = new byte[65536];
                WebSocketReceiveResult message;
                while ((message = await socket.ReceiveAsync(buffer, context.RequestAborted)).MessageType != WebSocketMessageType.Close)
                {
                    await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
                }

                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", context.RequestAborted);
            });
        });
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        Assert.Equal(101, (await channel.ReadResponseAsync()).Status);
        using var socket = WebSocket.CreateFromStream(channel.Channel.AsStream(), new WebSocketCreationOptions());
        byte[] sent = new byte[300_000];
        Random.Shared.NextBytes(sent);
        Task sending = socket.SendAsync(sent, WebSocketMessageType.Binary, true, default);
        byte[] received = new byte[sent.Length];
        for (int count = 0; count < received.Length;)
        {
            count += (await socket.ReceiveAsync(new ArraySegment<byte>(received, count, received.Length - count), default).Soon()).Count;
        }

        await sending;
        Assert.Equal(sent, received);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).Soon();
        Assert.Equal("bye", socket.CloseStatusDescription);
    }

    // A WebSocket releases its place in MaxConcurrentConnections. A channel has no place of its own.
    [Fact]
    public async Task An_upgrade_in_a_channel_does_not_let_a_second_connection_in()
    {
        await using TestApp app = await TestApp.StartAsync(
            a =>
            {
                a.UseWebSockets();
                a.Map("/ws", async context =>
                {
                    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
                    await socket.ReceiveAsync(new byte[1], context.RequestAborted);
                });
            },
            kestrel: k => k.Limits.MaxConcurrentConnections = 1);
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        Assert.Equal(101, (await channel.ReadResponseAsync()).Status);
        await Assert.ThrowsAnyAsync<IOException>(() => RawClient.HandshakeAsync(app.Port));
    }

    [Fact]
    public async Task A_chunked_upload_arrives_and_is_answered_chunked()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapPost("/", async (HttpContext c) =>
        {
            using StreamReader reader = new(c.Request.Body);
            string text = await reader.ReadToEndAsync();
            await c.Response.WriteAsync($"{text.Length} {c.Request.ContentLength is null} ");
            await c.Response.Body.FlushAsync();
            await c.Response.WriteAsync(text[^5..]);
        }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n");
        string chunk = new('x', 100_000);
        for (int i = 0; i < 20; i++)
        {
            await channel.SendAsync($"{chunk.Length:x}\r\n{chunk}\r\n");
        }

        await channel.SendAsync("5\r\nhello\r\n0\r\n\r\n");
        HttpChannel.Response response = await channel.ReadResponseAsync();
        Assert.Equal("2000005 True hello", response.Body);
        Assert.Equal("chunked", response.Headers["Transfer-Encoding"]);
    }

    [Fact]
    public async Task Expect_100_continue_is_answered_before_the_body()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapPost("/", async (HttpContext c) =>
        {
            using StreamReader reader = new(c.Request.Body);
            return await reader.ReadToEndAsync();
        }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("POST / HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        Assert.Equal(100, (await channel.ReadResponseAsync()).Status);
        await channel.SendAsync("body");
        Assert.Equal("body", (await channel.ReadResponseAsync()).Body);
    }

    [Theory]
    [InlineData("channel closed")]
    [InlineData("channel aborted")]
    [InlineData("session ended")]
    [InlineData("session dropped")]
    [InlineData("client vanished")]
    public async Task RequestAborted_fires(string how)
    {
        TaskCompletionSource began = new(), aborted = new();
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", async (HttpContext c) =>
        {
            using CancellationTokenRegistration registration = c.RequestAborted.Register(aborted.SetResult);
            began.SetResult();
            await Task.Delay(Timeout.Infinite, c.RequestAborted);
        }));
        RawClient client = await RawClient.ConnectAsync(app.Port);
        HttpChannel channel = await client.OpenAsync();
        await channel.SendAsync("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
        await began.Task.Soon();
        switch (how)
        {
            case "channel closed":
                await channel.DisposeAsync();
                break;
            case "channel aborted":
                channel.Channel.Abort();
                break;
            case "session ended":
                using (CancellationTokenSource now = new())
                {
                    await now.CancelAsync();
                    await client.Session.ShutdownAsync(now.Token).Soon();
                }

                break;
            case "session dropped":
                // Ends TCP without close_notify.
                client.Socket.Shutdown(SocketShutdown.Both);
                break;
            default:
                client.Reset();
                break;
        }

        await aborted.Task.Soon();
        await client.DisposeAsync();
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(r => r.Id.Name == "SessionEnded"));
        Assert.Equal(how is "session dropped" or "client vanished", app.Logs.GetSnapshot().Any(r => r.Id.Name == "SessionFailed"));
    }

    [Fact]
    public async Task A_stuck_reader_does_not_block_other_channels()
    {
        TaskCompletionSource aborted = new();
        await using TestApp app = await TestApp.StartAsync(
            a =>
            {
                a.MapGet("/endless", async (HttpContext c) =>
                {
                    using CancellationTokenRegistration registration = c.RequestAborted.Register(aborted.SetResult);
                    byte[] block = new byte[65536];
                    while (true)
                    {
                        await c.Response.Body.WriteAsync(block, c.RequestAborted);
                    }
                });
                a.MapGet("/", () => "hello");
            },
            kestrel: k => k.Limits.MinResponseDataRate = null);
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        List<HttpChannel> stuck = [];
        for (int i = 0; i < 4; i++)
        {
            HttpChannel channel = await client.OpenAsync();
            await channel.SendAsync("GET /endless HTTP/1.1\r\nHost: app.test\r\n\r\n");
            stuck.Add(channel);
        }

        // The responses have begun, and the client does not read them.
        foreach (HttpChannel channel in stuck)
        {
            await channel.ReadAsync(1);
        }

        for (int i = 0; i < 50; i++)
        {
            Assert.Equal("hello", await client.GetAsync());
        }

        await stuck[0].DisposeAsync();
        await aborted.Task.Soon();
        Assert.Equal("hello", await client.GetAsync());
    }

    [Fact]
    public async Task A_stuck_upload_does_not_block_other_channels()
    {
        TaskCompletionSource release = new();
        await using TestApp app = await TestApp.StartAsync(
            a =>
            {
                a.MapPost("/later", async (HttpContext c) =>
                {
                    await release.Task;
                    long length = 0;
                    byte[] buffer = new byte[65536];
                    for (int count; (count = await c.Request.Body.ReadAsync(buffer)) > 0;)
                    {
                        length += count;
                    }

                    return length;
                });
                a.MapGet("/", () => "hello");
            },
            kestrel: k => k.Limits.MinRequestBodyDataRate = null);
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel upload = await client.OpenAsync();
        const int Length = 4_000_000;
        await upload.SendAsync($"POST /later HTTP/1.1\r\nHost: app.test\r\nContent-Length: {Length}\r\n\r\n");
        Task sending = upload.SendAsync(new byte[Length]);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("hello", await client.GetAsync());
        }

        Assert.False(sending.IsCompleted);
        release.SetResult();
        await sending.Soon();
        Assert.Equal($"{Length}", (await upload.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task An_exception_in_one_channels_application_leaves_the_others_alone()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.UseMtaTls();
                builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e =>
                {
                    e.UseHttps(TestCertificates.Server);
                    e.Use(next => connection => connection.Features.Get<IMtaTlsChannelFeature>() is { Destination.Host: "broken.test" }
                        ? throw new InvalidOperationException("broken connection handler")
                        : next(connection));
                }));
            },
            a =>
            {
                a.MapGet("/", () => "hello");
                a.MapGet("/throw", string () => throw new InvalidOperationException("broken handler"));
                a.MapGet("/abort", (HttpContext c) => c.Abort());
            });
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel steady = await client.OpenAsync();
        Assert.Equal("hello", (await steady.GetAsync("/")).Body);

        await using (HttpChannel throwing = await client.OpenAsync())
        {
            Assert.Equal(500, (await throwing.GetAsync("/throw")).Status);
            Assert.Equal("hello", (await throwing.GetAsync("/")).Body);
        }

        await using (HttpChannel aborting = await client.OpenAsync())
        {
            await aborting.SendAsync("GET /abort HTTP/1.1\r\nHost: app.test\r\n\r\n");
            Assert.Equal("", await aborting.ReadToEndAsync());
        }

        await using (HttpChannel broken = await client.OpenAsync("broken.test"))
        {
            await broken.SendAsync("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
            Assert.Equal("", await broken.ReadToEndAsync());
        }

        Assert.Equal("hello", (await steady.GetAsync("/")).Body);
        Assert.Equal("hello", await client.GetAsync());
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(r => r.Id.Name == "ChannelApplicationFailed"));
        Assert.Equal("broken connection handler", Assert.Single(app.Logs.GetSnapshot(), r => r.Id.Name == "ChannelApplicationFailed").Exception!.Message);
    }

    [Fact]
    public async Task A_server_that_speaks_first_is_dispatched_on_open()
    {
        await using TestApp app = await TestApp.StartBareAsync(builder => builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e =>
        {
            e.UseMtaTls(o => o.Dispatch = MtaTlsDispatch.Open);
            e.UseHttps(TestCertificates.Server);
            e.Run(async connection =>
            {
                await connection.Transport.Output.WriteAsync("220 ready\r\n"u8.ToArray());
                System.IO.Pipelines.ReadResult line = await connection.Transport.Input.ReadAsync();
                await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes($"250 {line.Buffer.Length}\r\n"));
            });
        })));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel channel = await client.OpenAsync();
        Assert.Equal("220 ready\r\n"u8.ToArray(), await channel.ReadAsync(11));
        await channel.SendAsync("EHLO");
        Assert.Equal("250 4\r\n", await channel.ReadToEndAsync());
    }

    [Fact]
    public async Task The_application_can_open_a_channel_to_the_client()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", async (HttpContext c) =>
        {
            await using MtaTlsChannel back = await c.Features.Get<IMtaTlsSessionFeature>()!.OpenChannelAsync(new("server.test", 1), new("client.test", 2), c.RequestAborted);
            await back.Output.WriteAsync("from the server"u8.ToArray());
        }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Task<string> getting = client.GetAsync();
        MtaTlsChannelRequest request = (await client.Session.AcceptChannelAsync().Soon())!;
        Assert.Equal(new ChannelAddress("client.test", 2), request.Destination);
        await using HttpChannel channel = new(request.Accept());
        Assert.Equal("from the server", await channel.ReadToEndAsync());
        await channel.DisposeAsync();
        await getting.Soon();
    }

    [Fact]
    public async Task Channels_without_data_have_no_HTTP_connection()
    {
        int connections = 0;
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseMtaTls();
            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e =>
            {
                e.UseHttps(TestCertificates.Server);
                e.Use(next => connection =>
                {
                    Interlocked.Increment(ref connections);
                    return next(connection);
                });
            }));
        });
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        List<HttpChannel> idle = [];
        for (int i = 0; i < 100; i++)
        {
            idle.Add(await client.OpenAsync());
        }

        Assert.Equal("hello", await client.GetAsync());
        Assert.Equal(1, connections);
        Assert.Equal("hello", (await idle[50].GetAsync("/")).Body);
        Assert.Equal(2, connections);
        foreach (HttpChannel channel in idle)
        {
            await channel.DisposeAsync();
        }

        Assert.Equal("hello", await client.GetAsync());
        Assert.Equal(3, connections);
    }

    [Fact]
    public async Task More_channels_than_allowed_are_refused_until_one_ends()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"), o => o.Limits.MaxChannelsPerSession = 3);
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        HttpChannel[] open = [await client.OpenAsync(), await client.OpenAsync(), await client.OpenAsync()];
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync());
        Assert.Equal("hello", (await open[0].GetAsync("/")).Body);
        await open[0].DisposeAsync();
        await Wait.UntilAsync(() => Opens(client).GetAwaiter().GetResult());

        static async Task<bool> Opens(RawClient client)
        {
            try
            {
                await client.OpenAsync();
                return true;
            }
            catch (MtaTlsChannelRefusedException)
            {
                return false;
            }
        }
    }
}
