using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Frameworks on top of HTTP run in channels as on connections: HTTP/2, SignalR, gRPC, WebSockets.</summary>
public sealed class ApplicationTests
{
    private static SocketsHttpHandler Handler(TestApp app, SslApplicationProtocol protocol) => new SocketsHttpHandler().UseMtaTls(o =>
    {
        o.Host = "127.0.0.1";
        o.Port = app.Port;
        o.TargetHost = "localhost";
        o.CertificateChainPolicy = TestCertificates.TrustRoot();
        o.ApplicationProtocols = [protocol];
        o.Mode = MtaTlsClientMode.Required;
        // A busy machine may be silent for seconds. A client with pings then opens another session.
        o.KeepAlive.Ping = false;
    });

    [Fact]
    public async Task HTTP_2_in_channels_multiplexes_requests_within_each()
    {
        await using TestApp app = await TestApp.StartAsync(a =>
        {
            a.MapGet("/", (HttpContext c) => $"{c.Request.Protocol} {c.Request.Scheme} {c.Request.IsHttps} {c.Features.Get<IMtaTlsChannelFeature>()!.Destination}");
            a.MapGet("/large", () => new string('x', 3_000_000));
        });
        using HttpClient client = new(Handler(app, SslApplicationProtocol.Http2)) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => client.GetStringAsync(new Uri($"https://app{i % 5}.test/")))).Soon();
        for (int i = 0; i < answers.Length; i++)
        {
            Assert.Equal($"HTTP/2 https True app{i % 5}.test:443", answers[i]);
        }

        Assert.Equal(3_000_000, (await client.GetStringAsync(new Uri("https://app0.test/large")).Soon()).Length);
        Assert.Single(app.Logs.GetSnapshot(), r => r.Id.Name == "SessionStarted");
    }

    [Theory]
    [InlineData("http/1.1")]
    [InlineData("h2")]
    public async Task SignalR_calls_streams_and_is_called_back(string protocol)
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapHub<ChatHub>("/chat"), configure: builder => builder.Services.AddSignalR());
        SocketsHttpHandler handler = Handler(app, new SslApplicationProtocol(protocol));
        await using HubConnection connection = new HubConnectionBuilder()
            .WithUrl("https://chat.test/chat", o =>
            {
                o.HttpMessageHandlerFactory = _ => handler;
                o.WebSocketFactory = async (context, cancellationToken) =>
                {
                    ClientWebSocket socket = new();
                    socket.Options.HttpVersion = protocol == "h2" ? HttpVersion.Version20 : HttpVersion.Version11;
                    socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
                    await socket.ConnectAsync(context.Uri, new HttpMessageInvoker(handler, disposeHandler: false), cancellationToken);
                    return socket;
                };
            })
            .Build();
        TaskCompletionSource<string> called = new();
        connection.On<string>("Said", called.SetResult);
        await connection.StartAsync().Soon();
        Assert.Equal("HELLO", await connection.InvokeAsync<string>("Say", "hello").Soon());
        Assert.Equal("hello", await called.Task.Soon());
        List<int> counted = [];
        await foreach (int number in connection.StreamAsync<int>("Count", 100))
        {
            counted.Add(number);
        }

        Assert.Equal(Enumerable.Range(0, 100), counted);
    }

    [Fact]
    public async Task GRPC_streams_both_ways()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGrpcService<ChatterService>(), configure: builder => builder.Services.AddGrpc());
        using var channel = GrpcChannel.ForAddress("https://chatter.test", new GrpcChannelOptions { HttpHandler = Handler(app, SslApplicationProtocol.Http2) });
        Chatter.ChatterClient client = new(channel);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(async caller =>
        {
            using AsyncDuplexStreamingCall<Line, Line> call = client.Chat();
            for (int i = 0; i < 50; i++)
            {
                await call.RequestStream.WriteAsync(new Line { Text = $"{caller}:{i}" });
                Assert.True(await call.ResponseStream.MoveNext());
                Assert.Equal($"echo {caller}:{i}", call.ResponseStream.Current.Text);
            }

            await call.RequestStream.CompleteAsync();
            Assert.False(await call.ResponseStream.MoveNext());
            Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        })).Soon();
    }

    [Theory]
    [InlineData("http/1.1")]
    [InlineData("h2")]
    public async Task A_ClientWebSocket_echoes(string protocol)
    {
        await using TestApp app = await TestApp.StartAsync(a =>
        {
            a.UseWebSockets();
            a.Map("/ws", async context =>
            {
                using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
                byte[] buffer = new byte[4096];
                ValueWebSocketReceiveResult message;
                while ((message = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted)).MessageType != WebSocketMessageType.Close)
                {
                    await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
                }

                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
            });
        });
        using SocketsHttpHandler handler = Handler(app, new SslApplicationProtocol(protocol));
        using HttpMessageInvoker invoker = new(handler);
        using ClientWebSocket socket = new();
        socket.Options.HttpVersion = protocol == "h2" ? HttpVersion.Version20 : HttpVersion.Version11;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await socket.ConnectAsync(new Uri("wss://app.test/ws"), invoker, default).Soon();
        for (int i = 0; i < 20; i++)
        {
            byte[] sent = BitConverter.GetBytes(i);
            await socket.SendAsync(sent, WebSocketMessageType.Binary, true, default);
            byte[] received = new byte[16];
            WebSocketReceiveResult message = await socket.ReceiveAsync(received, default).Soon();
            Assert.Equal(sent, received[..message.Count]);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).Soon();
    }

    // GOAWAY ends the HTTP/2 connection of one channel only.
    [Fact]
    public async Task A_request_to_close_one_HTTP_2_channel_leaves_the_others()
    {
        await using TestApp app = await TestApp.StartAsync(a =>
        {
            a.MapGet("/", () => "hello");
            a.MapGet("/close", (HttpContext c) => c.Features.Get<IConnectionLifetimeNotificationFeature>()!.RequestClose());
        });
        using HttpClient client = new(Handler(app, SslApplicationProtocol.Http2)) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Assert.Equal("hello", await client.GetStringAsync(new Uri("https://one.test/")).Soon());
        Assert.Equal("hello", await client.GetStringAsync(new Uri("https://two.test/")).Soon());
        await client.GetAsync(new Uri("https://one.test/close")).Soon();
        Assert.Equal("hello", await client.GetStringAsync(new Uri("https://two.test/")).Soon());
        Assert.Equal("hello", await client.GetStringAsync(new Uri("https://one.test/")).Soon());
        Assert.Single(app.Logs.GetSnapshot(), r => r.Id.Name == "SessionStarted");
    }

    [Fact]
    public async Task Two_hundred_channels_serve_at_once()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/{n:int}", async (int n, HttpContext c) =>
        {
            await Task.Yield();
            return $"{n} {c.Features.Get<IMtaTlsChannelFeature>()!.ChannelId}";
        }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        string[][] answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(async channel =>
        {
            await using HttpChannel http = await client.OpenAsync();
            List<string> bodies = [];
            for (int i = 0; i < 5; i++)
            {
                bodies.Add((await http.GetAsync($"/{channel * 10 + i}")).Body);
            }

            return bodies.ToArray();
        })).Soon();
        for (int channel = 0; channel < answers.Length; channel++)
        {
            Assert.Equal(Enumerable.Range(channel * 10, 5).Select(n => $"{n}"), answers[channel].Select(a => a.Split(' ')[0]));
            Assert.Single(answers[channel].Select(a => a.Split(' ')[1]).Distinct());
        }
    }

    internal sealed class ChatHub : Hub
    {
        public async Task<string> Say(string text)
        {
            await Clients.Caller.SendAsync("Said", text);
            return text.ToUpperInvariant();
        }

        public async IAsyncEnumerable<int> Count(int to)
        {
            for (int i = 0; i < to; i++)
            {
                await Task.Yield();
                yield return i;
            }
        }
    }

    internal sealed class ChatterService : Chatter.ChatterBase
    {
        public override async Task Chat(IAsyncStreamReader<Line> requestStream, IServerStreamWriter<Line> responseStream, ServerCallContext context)
        {
            await foreach (Line line in requestStream.ReadAllAsync(context.CancellationToken))
            {
                await responseStream.WriteAsync(new Line { Text = $"echo {line.Text}" });
            }
        }
    }
}
