using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using MtaTls.Client;
using MtaTls.Client.Http;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Typical uses of HttpClient, over channels of one session.</summary>
public sealed class HttpClientTests
{
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("1.1", HttpVersionPolicy.RequestVersionExact, "HTTP/1.1")]
    [InlineData("1.1", HttpVersionPolicy.RequestVersionOrHigher, "HTTP/2")]
    [InlineData("2.0", HttpVersionPolicy.RequestVersionExact, "HTTP/2")]
    [InlineData("2.0", HttpVersionPolicy.RequestVersionOrLower, "HTTP/2")]
    public async Task A_request_is_served_in_a_channel(string version, HttpVersionPolicy policy, string expected)
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        await using MtaTlsClient session = await MtaTlsClient.ConnectAsync(app.Options());
        using var client = new HttpClient(new SocketsHttpHandler().UseMtaTls(session)) { Timeout = s_hang };
        using HttpResponseMessage response = await Send(client, app.Uri(), version, policy);
        Assert.Equal($"{expected} https localhost", await response.Content.ReadAsStringAsync());
        using HttpResponseMessage channel = await Send(client, app.Uri("/channel"), version, policy);
        Assert.Matches($"^127\\.0\\.0\\.1:[0-9]+ localhost:{app.Port} .+", await channel.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_server_without_HTTP_2_gets_HTTP_1_1()
    {
        await using GatewayApp app = await GatewayApp.StartAsync(protocols: Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1);
        using HttpClient client = Client(app);
        using HttpResponseMessage response = await Send(client, app.Uri(), "2.0", HttpVersionPolicy.RequestVersionOrLower);
        Assert.Equal("HTTP/1.1 https localhost", await response.Content.ReadAsStringAsync());
        HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => Send(client, app.Uri(), "2.0", HttpVersionPolicy.RequestVersionExact));
        Assert.Equal(HttpRequestError.VersionNegotiationError, failure.HttpRequestError);
    }

    [Fact]
    public async Task Many_connections_share_one_handshake_and_a_channel_needs_none()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        await using MtaTlsClient session = await MtaTlsClient.ConnectAsync(app.Options(o => o.ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http11]));
        HttpClient[] clients = [.. Enumerable.Range(0, 50).Select(_ => new HttpClient(new SocketsHttpHandler().UseMtaTls(session)) { Timeout = s_hang })];
        for (int round = 0; round < 4; round++)
        {
            string[] pages = await Task.WhenAll(clients.Select(c => c.GetStringAsync(app.Uri("/channel"))));
            Assert.All(pages, page => Assert.EndsWith(pages[0].Split(' ')[2], page, StringComparison.Ordinal));
        }
        Assert.Equal(1, app.Connections);
        MtaTlsClientStatistics statistics = session.GetStatistics();
        Assert.Equal(1, statistics.Handshakes);
        Assert.Equal(50, statistics.ChannelsOpened);
        Assert.Equal(1, statistics.ActiveSessions);
        foreach (HttpClient client in clients)
        {
            client.Dispose();
        }

        // In-memory handshakes too: only as many as connections are opened at the same moment, far fewer than channels. Other tests that run now use the pool too.
        int before = ChannelSslStreamPool.Http11.Created;
        for (int i = 0; i < 200; i++)
        {
            using HttpClient client = new(new SocketsHttpHandler().UseMtaTls(session)) { Timeout = s_hang };
            await client.GetStringAsync(app.Uri("/channel"));
        }

        Assert.Equal(250, session.GetStatistics().ChannelsOpened);
        Assert.InRange(ChannelSslStreamPool.Http11.Created - before, 0, 150);
    }

    [Fact]
    public async Task Handlers_with_equal_options_share_a_session_and_others_do_not()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        // Policies are compared by reference, so only the same object is equal.
        X509ChainPolicy trust = GatewayCertificates.Trust();
        HttpClient Make(Action<MtaTlsClientOptions>? configure = null) => new(new SocketsHttpHandler().UseMtaTls(app.Options(o =>
        {
            o.CertificateChainPolicy = trust;
            configure?.Invoke(o);
        })))
        { Timeout = s_hang };
        using HttpClient first = Make(), second = Make(), other = Make(o => o.TargetHost = "gateway.test");
        string[] sessions = [.. (await Task.WhenAll(new[] { first, second, other }.Select(c => c.GetStringAsync(app.Uri("/channel"))))).Select(page => page.Split(' ')[2])];
        Assert.Equal(sessions[0], sessions[1]);
        Assert.NotEqual(sessions[0], sessions[2]);
        Assert.Equal(2, app.Connections);
    }

    [Fact]
    public async Task Without_a_host_each_URI_is_its_own_endpoint()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler().UseMtaTls(o => o.CertificateChainPolicy = GatewayCertificates.Trust())) { Timeout = s_hang };
        Assert.StartsWith("127.0.0.1:", await client.GetStringAsync(app.Uri("/channel")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.1", 5_000_000)]
    [InlineData("2.0", 5_000_000)]
    [InlineData("1.1", 0)]
    public async Task Uploads_and_downloads_are_exact(string version, int size)
    {
        byte[] stored = [];
        await using GatewayApp app = await GatewayApp.StartAsync(map: a =>
        {
            a.MapPost("/store", async (HttpContext context) =>
            {
                var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                stored = body.ToArray();
            });
            a.MapGet("/store", () => Results.Bytes(stored));
        });
        using HttpClient client = Client(app);
        client.DefaultRequestVersion = new Version(version);
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        byte[] sent = new byte[size];
        Random.Shared.NextBytes(sent);
        using HttpResponseMessage response = await client.PostAsync(app.Uri("/store"), new ByteArrayContent(sent));
        response.EnsureSuccessStatusCode();
        Assert.Equal(sent, await client.GetByteArrayAsync(app.Uri("/store")));
        var copy = new MemoryStream();
        await using (Stream body = await client.GetStreamAsync(app.Uri("/store")))
        {
            await body.CopyToAsync(copy);
        }

        Assert.Equal(sent, copy.ToArray());
    }

    [Fact]
    public async Task A_chunked_upload_is_exact()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        using HttpClient client = Client(app);
        using var request = new HttpRequestMessage(HttpMethod.Post, app.Uri("/length")) { Content = new StreamContent(new MemoryStream(new byte[3_000_001])) };
        request.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage response = await client.SendAsync(request);
        Assert.Equal("3000001", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Expect_100_continue_keeps_the_body_back_when_the_server_refuses()
    {
        await using GatewayApp app = await GatewayApp.StartAsync(map: a => a.MapPost("/refuse", () => Results.StatusCode(403)));
        using HttpClient client = new(new SocketsHttpHandler { Expect100ContinueTimeout = s_hang }.UseMtaTls(app.Options())) { Timeout = s_hang };
        foreach ((string path, HttpStatusCode status, bool read) in new[] { ("/refuse", HttpStatusCode.Forbidden, false), ("/length", HttpStatusCode.OK, true) })
        {
            var body = new WatchedContent();
            using var request = new HttpRequestMessage(HttpMethod.Post, app.Uri(path)) { Content = body };
            request.Headers.ExpectContinue = true;
            using HttpResponseMessage response = await client.SendAsync(request);
            Assert.Equal(status, response.StatusCode);
            Assert.Equal(read, body.WasSent);
        }
    }

    [Fact]
    public async Task Http2_streams_in_both_directions_at_once()
    {
        await using GatewayApp app = await GatewayApp.StartAsync(map: a => a.MapPost("/duplex", async (HttpContext context) =>
        {
            await context.Response.Body.FlushAsync();
            byte[] buffer = new byte[1024];
            for (int n; (n = await context.Request.Body.ReadAsync(buffer)) > 0;)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, n));
                await context.Response.Body.FlushAsync();
            }
        }));
        using HttpClient client = Client(app);
        var body = new DuplexContent();
        using var request = new HttpRequestMessage(HttpMethod.Post, app.Uri("/duplex")) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = body };
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(s_hang);
        Stream up = await body.Opened.WaitAsync(s_hang), down = await response.Content.ReadAsStreamAsync();
        byte[] buffer = new byte[64];
        for (int i = 0; i < 20; i++)
        {
            byte[] message = Encoding.ASCII.GetBytes($"message {i}");
            await up.WriteAsync(message);
            await up.FlushAsync();
            await down.ReadExactlyAsync(buffer.AsMemory(0, message.Length)).AsTask().WaitAsync(s_hang);
            Assert.Equal(message, buffer[..message.Length]);
        }
        body.Complete();
        Assert.Equal(0, await down.ReadAsync(buffer).AsTask().WaitAsync(s_hang));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_ClientWebSocket_runs_in_a_channel(string version)
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler().UseMtaTls(app.Options()));
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = new Version(version);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var hang = new CancellationTokenSource(s_hang);
        await socket.ConnectAsync(new Uri($"wss://localhost:{app.Port}/ws"), invoker, hang.Token);
        byte[] buffer = new byte[100];
        for (int i = 0; i < 10; i++)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"hello {i}"), WebSocketMessageType.Text, true, hang.Token);
            WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, hang.Token);
            Assert.Equal($"hello {i}", Encoding.UTF8.GetString(buffer, 0, received.Count));
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, hang.Token);
        Assert.Equal(1, app.Connections);
    }

    [Theory]
    [InlineData(HttpTransportType.WebSockets)]
    [InlineData(HttpTransportType.ServerSentEvents)]
    [InlineData(HttpTransportType.LongPolling)]
    public async Task A_SignalR_client_runs_in_channels(HttpTransportType transport)
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        await using MtaTlsClient session = await MtaTlsClient.ConnectAsync(app.Options());
        await using HubConnection hub = new HubConnectionBuilder().WithUrl(app.Uri("/hub"), options =>
        {
            options.Transports = transport;
            options.HttpMessageHandlerFactory = _ => new SocketsHttpHandler().UseMtaTls(session);
            // The WebSockets transport creates its own connection unless it gets one.
            options.WebSocketFactory = async (context, cancellationToken) =>
            {
                var socket = new ClientWebSocket();
                await socket.ConnectAsync(context.Uri, new HttpMessageInvoker(new SocketsHttpHandler().UseMtaTls(session)), cancellationToken);
                return socket;
            };
        }).Build();
        await hub.StartAsync().WaitAsync(s_hang);
        Assert.StartsWith("hi HTTP/", await hub.InvokeAsync<string>("Echo", "hi").WaitAsync(s_hang), StringComparison.Ordinal);
        Assert.Equal(100, await hub.StreamAsync<int>("Count", 100).CountAsync());
        Assert.Equal((int)session.GetStatistics().Handshakes, app.Connections);
    }

    [Fact]
    public async Task A_plain_http_URI_is_refused_with_a_reason()
    {
        using var client = new HttpClient(new SocketsHttpHandler().UseMtaTls("localhost", 1));
        HttpRequestException failure = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri("http://localhost/")));
        Assert.Contains("https://", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_request_closes_its_channel_and_leaves_the_session()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using GatewayApp app = await GatewayApp.StartAsync(map: a => a.MapGet("/forever", async (HttpContext context) =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            reached.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }));
        await using MtaTlsClient session = await MtaTlsClient.ConnectAsync(app.Options());
        using var client = new HttpClient(new SocketsHttpHandler().UseMtaTls(session)) { Timeout = s_hang };
        using var cancel = new CancellationTokenSource();
        Task<string> request = client.GetStringAsync(app.Uri("/forever"), cancel.Token);
        await reached.Task.WaitAsync(s_hang);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await aborted.Task.WaitAsync(s_hang);
        Assert.Equal("HTTP/1.1 https localhost", await client.GetStringAsync(app.Uri()));
    }

    private static HttpClient Client(GatewayApp app) => new(new SocketsHttpHandler().UseMtaTls(app.Options())) { Timeout = s_hang };

    private static async Task<HttpResponseMessage> Send(HttpClient client, Uri uri, string version, HttpVersionPolicy policy)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Version = new Version(version), VersionPolicy = policy };
        return await client.SendAsync(request);
    }

    private sealed class WatchedContent : HttpContent
    {
        public bool WasSent { get; private set; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            WasSent = true;
            await stream.WriteAsync(new byte[100_000]);
        }

        protected override bool TryComputeLength(out long length)
        {
            // HttpClient sends bodies of up to 1,024 bytes whatever the response is.
            length = 100_000;
            return true;
        }
    }

    private sealed class DuplexContent : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Stream> Opened => _opened.Task;

        public void Complete() => _completed.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.FlushAsync();
            _opened.SetResult(stream);
            await _completed.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
