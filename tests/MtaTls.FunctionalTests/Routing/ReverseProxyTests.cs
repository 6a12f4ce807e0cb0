using System.Net;
using System.Net.WebSockets;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MtaTls.FunctionalTests.Server;
using MtaTls.FunctionalTests.Support;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>YARP routing by the destinations of channels, with real backends, through one and through two gateways.</summary>
public class ReverseProxyTests
{
    private const string AllToOneCluster = """ "ReverseProxy": { "Routes": { "all": { "ClusterId": "apps", "Match": { "Path": "{**path}" } } }, "Clusters": """;

    [Fact]
    public async Task A_route_is_for_channels_to_its_destination_and_for_no_other_request()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp two = await Backend.StartAsync("two");
        await using TestApp gateway = await StartAsync($$"""
            { "ReverseProxy": {
              "Routes": {
                "one": { "ClusterId": "one", "Match": { "Path": "{**path}" }, "Metadata": { "MtaTls:Destination": "app1.internal:80" } },
                "others": { "ClusterId": "two", "Match": { "Path": "{**path}" }, "Metadata": { "MtaTls:Destination": "*.internal" } } },
              "Clusters": {
                "one": { "Destinations": { "d": { "Address": "http://127.0.0.1:{{one.Port}}" } } },
                "two": { "Destinations": { "d": { "Address": "http://127.0.0.1:{{two.Port}}" } } } } } }
            """);
        foreach (Version version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            using HttpClient client = GatewayClient.Create(gateway.Port, version);
            Assert.Equal("one", (await client.GetSeenAsync("https://app1.internal:80/a")).Name);
            Assert.Equal("two", (await client.GetSeenAsync("https://app1.internal:81/a")).Name);
            Assert.Equal("two", (await client.GetSeenAsync("https://app2.internal/a")).Name);
            Assert.Equal(HttpStatusCode.NotFound, await client.GetStatusAsync("https://app1.example/a"));
        }

        // The route does not match on an ordinary connection, whatever the Host is.
        // (HttpClient verifies the certificate against a Host that is set by hand.)
        using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Equals(TestCertificates.Server) } };
        using var ordinary = new HttpClient(handler);
        Assert.Equal(HttpStatusCode.NotFound, await ordinary.GetStatusAsync($"https://127.0.0.1:{gateway.Port}/a", "app1.internal:80"));
    }

    [Fact]
    public async Task A_request_for_another_host_than_its_channels_is_misdirected_where_routes_have_destinations()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp gateway = await StartAsync($$"""
            { "ReverseProxy": {
              "Routes": { "one": { "ClusterId": "one", "Match": { "Path": "{**path}" }, "Metadata": { "MtaTls:Destination": "app1.internal" } } },
              "Clusters": { "one": { "Destinations": { "d": { "Address": "http://127.0.0.1:{{one.Port}}" } } } } } }
            """);
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Assert.Equal(HttpStatusCode.OK, await client.GetStatusAsync("https://app1.internal/"));
        Assert.Equal(HttpStatusCode.MisdirectedRequest, await client.GetStatusAsync("https://app1.internal/", "app2.internal"));
        Assert.Equal(HttpStatusCode.OK, await client.GetStatusAsync("https://app1.internal/"));
    }

    [Fact]
    public async Task The_policy_picks_the_destination_by_address_or_by_metadata()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp two = await Backend.StartAsync("two");
        await using TestApp three = await Backend.StartAsync("three");
        await using TestApp gateway = await StartAsync($$"""
            { {{AllToOneCluster}} { "apps": { "LoadBalancingPolicy": "MtaTlsDestination", "Destinations": {
                "byAddress": { "Address": "http://127.0.0.1:{{one.Port}}" },
                "byMetadata": { "Address": "http://127.0.0.1:{{two.Port}}", "Metadata": { "MtaTls:Destination": "app2.internal:80" } },
                "wildcard": { "Address": "http://127.0.0.1:{{three.Port}}", "Metadata": { "MtaTls:Destination": "*.internal" } } } } } } }
            """);
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Assert.Equal("one", (await client.GetSeenAsync($"https://127.0.0.1:{one.Port}/")).Name);
        Assert.Equal("two", (await client.GetSeenAsync("https://app2.internal:80/")).Name);
        Assert.Equal("three", (await client.GetSeenAsync("https://app3.internal:80/")).Name);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, await client.GetStatusAsync("https://app3.internal:80/", "app2.internal"));

        // YARP's counts of concurrent requests return to zero, so YARP knew the destination.
        ClusterState cluster = Assert.Single(gateway.Services.GetRequiredService<IProxyStateLookup>().GetClusters());
        await Wait.UntilAsync(() => cluster.Destinations.Values.All(d => d.ConcurrentRequestCount == 0));
    }

    [Fact]
    public async Task No_such_destination_is_502_and_never_a_guess()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp gateway = await StartAsync($$"""
            { {{AllToOneCluster}} { "apps": { "LoadBalancingPolicy": "MtaTlsDestination", "Destinations": {
                "only": { "Address": "http://127.0.0.1:{{one.Port}}", "Metadata": { "MtaTls:Destination": "app1.internal" } } } } } } }
            """);
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Assert.Equal("one", (await client.GetSeenAsync("https://app1.internal/")).Name);
        // The cluster's only destination is not the requested one. YARP alone would use it.
        Assert.Equal(HttpStatusCode.BadGateway, await client.GetStatusAsync("https://app2.internal/"));
        string message = Assert.Single(await gateway.LoggedAsync("NoDestination"));
        Assert.Contains("'apps'", message, StringComparison.Ordinal);
        Assert.Contains("app2.internal:443", message, StringComparison.Ordinal);
        using var ordinary = new HttpClient(new SocketsHttpHandler { SslOptions = { TargetHost = "localhost", CertificateChainPolicy = TestCertificates.TrustRoot() } });
        Assert.Equal(HttpStatusCode.BadGateway, await ordinary.GetStatusAsync($"https://127.0.0.1:{gateway.Port}/"));
        Assert.Single(await gateway.LoggedAsync("NoChannel"));
    }

    [Fact]
    public async Task A_destination_that_is_down_is_not_replaced_by_another()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp two = await Backend.StartAsync("two");
        await using TestApp gateway = await StartAsync($$"""
            { {{AllToOneCluster}} { "apps": { "LoadBalancingPolicy": "MtaTlsDestination", "Destinations": {
                "one": { "Address": "http://127.0.0.1:{{one.Port}}", "Metadata": { "MtaTls:Destination": "app1.internal" } },
                "two": { "Address": "http://127.0.0.1:{{two.Port}}", "Metadata": { "MtaTls:Destination": "*.internal" } } } } } } }
            """);
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Assert.Equal("one", (await client.GetSeenAsync("https://app1.internal/")).Name);
        IProxyStateLookup state = gateway.Services.GetRequiredService<IProxyStateLookup>();
        Assert.True(state.TryGetCluster("apps", out ClusterState? cluster));
        // The state that YARP's health checks set when the first destination is down.
        cluster.DestinationsState = new ClusterDestinationsState([.. cluster.Destinations.Values], [cluster.Destinations["two"]]);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await client.GetStatusAsync("https://app1.internal/"));
        Assert.Contains("'two'", Assert.Single(await gateway.LoggedAsync("DestinationUnavailable")), StringComparison.Ordinal);
        Assert.Equal("two", (await client.GetSeenAsync("https://app2.internal/")).Name);
    }

    [Fact]
    public async Task The_transform_sends_the_channels_destination_on_as_the_Host()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp gateway = await StartAsync($$"""
            { "ReverseProxy": {
              "Routes": {
                "with": { "ClusterId": "apps", "Match": { "Path": "/with/{**path}" }, "Transforms": [ { "MtaTlsDestination": "true" } ] },
                "without": { "ClusterId": "apps", "Match": { "Path": "/without/{**path}" } } },
              "Clusters": { "apps": { "Destinations": { "d": { "Address": "http://127.0.0.1:{{one.Port}}" } } } } } }
            """);
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Assert.Equal("app1.internal", (await client.GetSeenAsync("https://app1.internal/with/x")).Host);
        Assert.Equal("app1.internal:8080", (await client.GetSeenAsync("https://app1.internal:8080/with/x")).Host);
        Assert.Equal($"127.0.0.1:{one.Port}", (await client.GetSeenAsync("https://app1.internal/without/x")).Host);
    }

    [Fact]
    public async Task A_claimed_source_is_passed_on_only_from_a_trusted_peer()
    {
        await using TestApp one = await Backend.StartAsync("one");
        string Settings(string trusted) => $$"""
            { {{trusted}} "ReverseProxy": {
              "Routes": {
                "x": { "ClusterId": "apps", "Match": { "Path": "/x/{**path}" } },
                "f": { "ClusterId": "apps", "Match": { "Path": "/f/{**path}" }, "Transforms": [ { "Forwarded": "for", "ForFormat": "Ip", "Action": "Set" } ] } },
              "Clusters": { "apps": { "Destinations": { "d": { "Address": "http://127.0.0.1:{{one.Port}}" } } } } } }
            """;
        Action<HttpRequestMessage> spoof = (HttpRequestMessage request) => request.Headers.Add("X-Forwarded-For", "203.0.113.66");
        foreach (string trusted in (string[])["", """ "MtaTls": { "TrustedPeers": [ { "Networks": [ "10.0.0.0/8" ] } ] },"""])
        {
            await using TestApp gateway = await StartAsync(Settings(trusted));
            using HttpClient client = GatewayClient.Create(gateway.Port);
            Assert.Equal("127.0.0.1", (await client.GetSeenAsync("https://app1.internal/x/y", spoof)).ForwardedFor);
            Assert.Equal("for=127.0.0.1", (await client.GetSeenAsync("https://app1.internal/f/y")).Forwarded);
        }

        await using TestApp trusting = await StartAsync(Settings(""" "MtaTls": { "TrustedPeers": [ { "Networks": [ "127.0.0.0/8" ] } ] },"""));
        using HttpClient trustedClient = GatewayClient.Create(trusting.Port);
        Assert.Equal("192.0.2.7,127.0.0.1", (await trustedClient.GetSeenAsync("https://app1.internal/x/y", spoof)).ForwardedFor.Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal("for=\"192.0.2.7:4711\",for=127.0.0.1", (await trustedClient.GetSeenAsync("https://app1.internal/f/y")).Forwarded.Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_remote_address_stays_the_real_peer()
    {
        await using TestApp gateway = await StartAsync(
            """{ "MtaTls": { "TrustedPeers": [ { "Networks": [ "127.0.0.0/8" ] } ] }, "ReverseProxy": {} }""",
            app => app.MapGet("/", (HttpContext context) => context.Connection.RemoteIpAddress!.ToString()));
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Assert.Equal("127.0.0.1", await client.GetStringAsync(new Uri("https://app1.internal/")));
    }

    [Fact]
    public async Task The_forwarder_follows_its_table()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp two = await Backend.StartAsync("two");
        string Settings(TestApp others) => $$"""
            { "MtaTls": {
              "Destinations": { "app1.internal:80": "http://127.0.0.1:{{one.Port}}/base", "*.internal": "http://127.0.0.1:{{others.Port}}", "[2001:db8::1]:80": "http://127.0.0.1:{{one.Port}}" } } }
            """;
        await using TestApp gateway = await Gateway.StartAsync(
            Settings(two),
            map: app => app.MapMtaTlsForwarder(),
            configure: builder => builder.Services.AddMtaTlsForwarder());
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Backend.Seen seen = await client.GetSeenAsync("https://app1.internal:80/x", request =>
        {
            request.Headers.Add("X-Forwarded-For", "203.0.113.66");
            request.Headers.Add("Forwarded", "for=203.0.113.66");
        });
        Assert.Equal(new Backend.Seen("one", "app1.internal", "/base/x", "127.0.0.1", "", "app1.internal:80"), seen);
        Assert.Equal("two", (await client.GetSeenAsync("https://app1.internal/x")).Name);
        Assert.Equal("one", (await client.GetSeenAsync("https://[2001:db8::1]:80/x")).Name);
        Assert.Equal(HttpStatusCode.BadGateway, await client.GetStatusAsync("https://app1.example/"));
        Assert.Contains("app1.example:443", Assert.Single(await gateway.LoggedAsync("NotInDestinations")), StringComparison.Ordinal);
        HttpRequestException ordinary = await Assert.ThrowsAsync<HttpRequestException>(() => OrdinaryClient.GetAsync(gateway.Port));
        Assert.Equal(HttpStatusCode.BadGateway, ordinary.StatusCode);
        Assert.Contains("did not come on a channel", Assert.Single(await gateway.LoggedAsync("NotOnChannel")), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, await client.GetStatusAsync("https://app1.internal/", "app2.internal"));

        Gateway.Write(gateway.ContentRoot, Settings(one));
        await Wait.UntilAsync(() => gateway.Messages("OptionsReloaded").Any(m => m.Contains("MtaTlsReverseProxyOptions", StringComparison.Ordinal)));
        Assert.Equal("one", (await client.GetSeenAsync("https://app1.internal/x")).Name);
    }

    [Fact]
    public async Task The_forwarder_passes_a_claimed_source_on_from_a_trusted_peer_alone()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp gateway = await Gateway.StartAsync(
            $$"""{ "MtaTls": { "Destinations": { "*": "http://127.0.0.1:{{one.Port}}" }, "TrustedPeers": [ { "Networks": [ "127.0.0.1" ] } ] } }""",
            map: app => app.MapMtaTlsForwarder(),
            configure: builder => builder.Services.AddMtaTlsForwarder());
        using HttpClient client = GatewayClient.Create(gateway.Port);
        Backend.Seen seen = await client.GetSeenAsync("https://app1.internal/");
        Assert.Equal("192.0.2.7,127.0.0.1", seen.ForwardedFor.Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal("for=\"192.0.2.7:4711\"", seen.Forwarded);
    }

    [Fact]
    public async Task A_cluster_reaches_its_destinations_through_channels_of_the_next_gateway()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp two = await Backend.StartAsync("two");
        await using TestApp inner = await StartAsync($$"""
            { {{AllToOneCluster}} { "apps": { "LoadBalancingPolicy": "MtaTlsDestination", "Destinations": {
                "one": { "Address": "http://127.0.0.1:{{one.Port}}", "Metadata": { "MtaTls:Destination": "app1.internal" } },
                "two": { "Address": "http://127.0.0.1:{{two.Port}}", "Metadata": { "MtaTls:Destination": "app2.internal" } } } } } } }
            """);
        await using TestApp outer = await StartAsync(
            $$"""
            { "ReverseProxy": {
              "Routes": { "all": { "ClusterId": "inner", "Match": { "Path": "{**path}" }, "Transforms": [ { "MtaTlsDestination": "true" } ] } },
              "Clusters": { "inner": {
                "Metadata": { "MtaTls:Gateway": "https://127.0.0.1:{{inner.Port}}", "MtaTls:TargetHost": "localhost" },
                "Destinations": { "any": { "Address": "https://any.internal/" } } } } } }
            """,
            proxy: proxy => proxy.AddMtaTlsHttpClient((_, options) =>
            {
                options.CertificateChainPolicy = TestCertificates.TrustRoot();
                // A busy machine may be silent for seconds. A client with pings then opens another session.
                options.KeepAlive.Ping = false;
            }));
        using HttpClient client = GatewayClient.Create(outer.Port);
        string[] names = await Task.WhenAll(Enumerable.Range(0, 60).Select(async i => (await client.GetSeenAsync($"https://app{i % 2 + 1}.internal/{i}")).Name));
        Assert.Equal(Enumerable.Range(0, 60).Select(i => i % 2 == 0 ? "one" : "two"), names);
        // Sixty requests, two hosts, one TLS session from gateway to gateway for each list of application protocols.
        Assert.InRange(inner.Messages("SessionStarted").Length, 1, 2);
        Assert.Equal(HttpStatusCode.BadGateway, await client.GetStatusAsync("https://app3.internal/"));
    }

    [Fact]
    public async Task WebSockets_and_events_pass_both_ways_also_through_two_gateways()
    {
        await using TestApp one = await Backend.StartAsync("one");
        await using TestApp inner = await StartAsync($$"""
            { {{AllToOneCluster}} { "apps": { "Destinations": { "one": { "Address": "http://127.0.0.1:{{one.Port}}" } } } } } }
            """);
        await using TestApp outer = await StartAsync(
            $$"""
            { {{AllToOneCluster}} { "apps": {
                "Metadata": { "MtaTls:Gateway": "https://127.0.0.1:{{inner.Port}}", "MtaTls:TargetHost": "localhost" },
                "Destinations": { "any": { "Address": "https://app1.internal/" } } } } } }
            """,
            proxy: proxy => proxy.AddMtaTlsHttpClient((_, options) => options.CertificateChainPolicy = TestCertificates.TrustRoot()));
        foreach (TestApp gateway in (TestApp[])[inner, outer])
        {
            using var invoker = new HttpMessageInvoker(new SocketsHttpHandler().UseMtaTls(GatewayClient.Options(gateway.Port)));
            using var socket = new ClientWebSocket();
            await socket.ConnectAsync(new Uri("wss://app1.internal/ws"), invoker, default).Soon();
            for (int i = 0; i < 5; i++)
            {
                await socket.SendAsync(new[] { (byte)i }, WebSocketMessageType.Binary, true, default);
                byte[] buffer = new byte[10];
                WebSocketReceiveResult message = await socket.ReceiveAsync(buffer, default).Soon();
                Assert.Equal((1, (byte)i), (message.Count, buffer[0]));
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).Soon();

            using HttpClient client = GatewayClient.Create(gateway.Port);
            using var stream = new StreamReader(await client.GetStreamAsync(new Uri("https://app1.internal/events")));
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal($"data: {i}", await stream.ReadLineAsync().Soon());
                Assert.Equal("", await stream.ReadLineAsync().Soon());
            }
        }
    }

    [Fact]
    public async Task A_gRPC_stream_passes_both_ways()
    {
        await using TestApp backend = await Backend.StartAsync("one", HttpProtocols.Http2, builder => builder.Services.AddGrpc(), app => app.MapGrpcService<EchoingChatter>());
        await using TestApp gateway = await StartAsync($$"""
            { {{AllToOneCluster}} { "apps": { "HttpRequest": { "Version": "2", "VersionPolicy": "RequestVersionExact" },
              "Destinations": { "one": { "Address": "http://127.0.0.1:{{backend.Port}}" } } } } } }
            """);
        using var channel = GrpcChannel.ForAddress("https://chat.internal", new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler().UseMtaTls(GatewayClient.Options(gateway.Port)), DisposeHttpClient = true });
        using AsyncDuplexStreamingCall<Line, Line> call = new Chatter.ChatterClient(channel).Chat();
        for (int i = 0; i < 5; i++)
        {
            await call.RequestStream.WriteAsync(new Line { Text = $"line {i}" }).Soon();
            Assert.True(await call.ResponseStream.MoveNext(default).Soon());
            Assert.Equal($"line {i}", call.ResponseStream.Current.Text);
        }

        await call.RequestStream.CompleteAsync().Soon();
        Assert.False(await call.ResponseStream.MoveNext(default).Soon());
    }

    [Theory]
    [InlineData("""{ "ReverseProxy": { "Routes": { "r": { "ClusterId": "c", "Match": { "Path": "/" }, "Metadata": { "MtaTls:Destination": "app1.internal:http" } } }, "Clusters": { "c": {} } } }""", "Route 'r': metadata MtaTls:Destination")]
    [InlineData("""{ "ReverseProxy": { "Clusters": { "c": { "Destinations": { "d": { "Address": "http://a", "Metadata": { "MtaTls:Destination": "*" , "MtaTls:X": "1" } }, "e": { "Address": "http://a", "Metadata": { "MtaTls:Destination": "a b" } } } } } } }""", "destination 'e': metadata MtaTls:Destination")]
    [InlineData("""{ "ReverseProxy": { "Clusters": { "c": { "Metadata": { "MtaTls:Gateway": "https://next.internal" }, "Destinations": { "d": { "Address": "https://a" } } } } } }""", "needs AddMtaTlsHttpClient()")]
    [InlineData("""{ "ReverseProxy": { "Clusters": { "c": { "Metadata": { "MtaTls:TargetHost": "next.internal" } } } } }""", "MtaTls:TargetHost needs metadata MtaTls:Gateway")]
    [InlineData("""{ "ReverseProxy": { "Routes": { "r": { "ClusterId": "c", "Match": { "Path": "/" }, "Transforms": [ { "MtaTlsDestination": "Host" } ] } }, "Clusters": { "c": {} } } }""", "the transform MtaTlsDestination must be true or false, but is 'Host'")]
    public async Task Metadata_that_cannot_be_read_is_an_error_at_start(string settings, string error)
    {
        InvalidOperationException thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(settings));
        Assert.Contains(error, thrown.ToString(), StringComparison.Ordinal);
    }

    private static Task<TestApp> StartAsync(string settings, Action<WebApplication>? map = null, Action<IReverseProxyBuilder>? proxy = null) => Gateway.StartAsync(
        settings,
        map ?? (static app => app.MapReverseProxy()),
        configure: builder =>
        {
            IReverseProxyBuilder reverseProxy = builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddMtaTlsRouting();
            proxy?.Invoke(reverseProxy);
        });

    internal sealed class EchoingChatter : Chatter.ChatterBase
    {
        public override async Task Chat(IAsyncStreamReader<Line> requestStream, IServerStreamWriter<Line> responseStream, ServerCallContext context)
        {
            await foreach (Line line in requestStream.ReadAllAsync())
            {
                await responseStream.WriteAsync(line);
            }
        }
    }
}
