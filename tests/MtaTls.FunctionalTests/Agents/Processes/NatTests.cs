using System.Diagnostics;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using MtaTls.FunctionalTests.Server;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Agents.Processes;

/// <summary>An app behind NAT, as a process that listens on no port. All kinds of HTTP traffic reach it through the gateway.</summary>
public sealed class NatTests(NatTests.Plant plant) : IClassFixture<NatTests.Plant>
{
    private const long OneGiB = 1L << 30;

    [Fact]
    public async Task The_plant_listens_on_nothing_and_is_served()
    {
        plant.SkipIfNone();
        Assert.Equal("", plant.Network.Listeners());
        using HttpClient client = plant.Client();
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
        // The public client is this host, not the plant's router.
        Assert.Equal($"{plant.Network.GatewayAddress} https plant7.example.test:{plant.Gateway.Port} {plant.Network.GatewayAddress}", await client.GetStringAsync("/who").Soon());
        using HttpClient forwarded = plant.Client("plant7.agents.example.test");
        Assert.Equal("a", await forwarded.GetStringAsync("/").Soon());
    }

    [Theory]
    [InlineData("--http1.1")]
    [InlineData("--http2")]
    public async Task Curl_is_served_through_the_gateway(string version)
    {
        plant.SkipIfNone();
        (int exitCode, string output) = await Tool.RunAsync(
            "curl", "", "-sS", "-k", version, "--resolve", $"plant7.example.test:{plant.Gateway.Port}:{plant.Network.GatewayAddress}", "-d", "body", $"https://plant7.example.test:{plant.Gateway.Port}/hash");
        Assert.Equal((0, Convert.ToHexString(SHA256.HashData("body"u8))), (exitCode, output));
    }

    [Fact]
    public async Task Chromium_renders_a_page_and_runs_its_script()
    {
        plant.SkipIfNone();
        string? chromium = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(chromium is null, "Chromium is not installed.");
        DirectoryInfo profile = Directory.CreateTempSubdirectory("mtatls-browser-");
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(chromium!,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--ignore-certificate-errors", $"--user-data-dir={profile.FullName}", $"--host-resolver-rules=MAP plant7.example.test {plant.Network.GatewayAddress}",
                "--virtual-time-budget=5000", "--dump-dom", $"https://plant7.example.test:{plant.Gateway.Port}/page",
            ])
            { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string dom = await process.StandardOutput.ReadToEndAsync().Soon();
            Assert.True(dom.Contains("<h1 id=\"agent\">a</h1>", StringComparison.Ordinal), dom + await errors.Soon());
            Assert.Contains("<title>script ran</title>", dom, StringComparison.Ordinal);
        }
        finally
        {
            profile.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_GiB_goes_each_way_unchanged()
    {
        plant.SkipIfNone();
        byte[] hash = await SHA256.HashDataAsync(new AgentHost.Pattern(OneGiB));
        using HttpClient client = plant.Client();
        await using Stream body = await client.GetStreamAsync($"/bytes/{OneGiB}").Soon();
        Assert.Equal(hash, await SHA256.HashDataAsync(body).AsTask().WaitAsync(Wait.LongTimeout));
        using StreamContent content = new(new AgentHost.Pattern(OneGiB));
        using HttpResponseMessage response = await client.PostAsync("/hash", content).WaitAsync(Wait.LongTimeout);
        Assert.Equal(Convert.ToHexString(hash), await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Server_sent_events_arrive_one_by_one()
    {
        plant.SkipIfNone();
        using HttpClient client = plant.Client();
        // ASP.NET Core sends the response headers with the first event.
        Task<Stream> body = client.GetStreamAsync("/events");
        StreamReader? events = null;
        for (int i = 0; i < 20; i++)
        {
            using HttpResponseMessage said = await client.PostAsync($"/say/event{i}", null).Soon();
            events ??= new StreamReader(await body.Soon());
            Assert.Equal($"data: event{i}", await events.ReadLineAsync().Soon());
            Assert.Equal("", await events.ReadLineAsync().Soon());
        }
    }

    [Fact]
    public async Task WebSockets_and_SignalR_go_through()
    {
        plant.SkipIfNone();
        using HttpClient invoker = plant.Client();
        using ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri($"wss://plant7.example.test:{plant.Gateway.Port}/ws"), invoker, default).Soon();
        byte[] received = new byte[100];
        for (int i = 0; i < 20; i++)
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes($"message {i}"), WebSocketMessageType.Text, true, default).Soon();
            ValueWebSocketReceiveResult result = await socket.ReceiveAsync(received.AsMemory(), default).Soon();
            Assert.Equal($"message {i}", Encoding.ASCII.GetString(received, 0, result.Count));
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).Soon();

        await using HubConnection hub = new HubConnectionBuilder().WithUrl(new Uri($"https://plant7.example.test:{plant.Gateway.Port}/hub"), options =>
        {
            options.Transports = HttpTransportType.ServerSentEvents | HttpTransportType.LongPolling;
            options.HttpMessageHandlerFactory = _ => PublicClient.Handler(plant.Gateway, plant.Network.GatewayAddress);
        }).Build();
        await hub.StartAsync().Soon();
        Assert.Equal("echo hello", await hub.InvokeAsync<string>("Echo", "hello").Soon());
    }

    [Fact]
    public async Task A_gRPC_stream_goes_both_ways()
    {
        plant.SkipIfNone();
        using var channel = GrpcChannel.ForAddress(
            $"https://plant7.agents.example.test:{plant.Gateway.Port}", new GrpcChannelOptions { HttpHandler = PublicClient.Handler(plant.Gateway, plant.Network.GatewayAddress) });
        using AsyncDuplexStreamingCall<Line, Line> call = new Chatter.ChatterClient(channel).Chat();
        for (int i = 0; i < 20; i++)
        {
            await call.RequestStream.WriteAsync(new Line { Text = $"{i}" }).Soon();
            Assert.True(await call.ResponseStream.MoveNext(default).Soon());
            Assert.Equal($"you said {i}", call.ResponseStream.Current.Text);
        }

        await call.RequestStream.CompleteAsync().Soon();
        Assert.False(await call.ResponseStream.MoveNext(default).Soon());
    }

    /// <summary>The plant, its app and the gateway, for all tests of the class.</summary>
    public sealed class Plant : IAsyncLifetime
    {
        private string? _reason;

        internal PlantNetwork Network { get; private set; } = null!;

        internal HostProcess Gateway { get; private set; } = null!;

        internal HostProcess? App { get; private set; }

        public async ValueTask InitializeAsync()
        {
            try
            {
                Network = PlantNetwork.Create();
            }
            catch (Exception e) when (e.Message.StartsWith("$XunitDynamicSkip$", StringComparison.Ordinal))
            {
                _reason = e.Message["$XunitDynamicSkip$".Length..];
                return;
            }

            Gateway = await HostProcess.StartGatewayAsync(address: Network.GatewayAddress);
            App = HostProcess.StartAgent($"https://{Network.GatewayAddress}:{Gateway.Port}", "a", Network.Plant);
            await Gateway.AgentsAsync(["a"], address: Network.GatewayAddress);
        }

        public void SkipIfNone() => Assert.SkipWhen(_reason is not null, _reason ?? "");

        public async ValueTask DisposeAsync()
        {
            foreach (IAsyncDisposable? part in (IAsyncDisposable?[])[App, Gateway])
            {
                if (part is not null)
                {
                    await part.DisposeAsync();
                }
            }

            Network?.Dispose();
        }

        internal HttpClient Client(string host = PublicClient.Plant7Host) => PublicClient.Create(Gateway, host, Network.GatewayAddress);
    }
}
