using System.Net.Security;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Balancer;
using Grpc.Net.Client.Configuration;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.FunctionalTests.Server;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Client-side balancing between destinations. gRPC's own balancing creates connections itself, so it cannot use channels. A handler that chooses the destination can.</summary>
public sealed class GrpcBalancingTests
{
    [Theory]
    [InlineData("static:///where")]
    [InlineData("dns:///where.internal")]
    public async Task Grpcs_own_balancing_is_refused_by_grpc_with_the_reason(string address)
    {
        using SocketsHttpHandler handler = new SocketsHttpHandler().UseMtaTls("gateway.test");
        await using ServiceProvider services = new ServiceCollection()
            .AddSingleton<ResolverFactory>(new StaticResolverFactory(static _ => [new BalancerAddress("one.internal", 443), new BalancerAddress("two.internal", 8443)]))
            .BuildServiceProvider();
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            Credentials = ChannelCredentials.SecureSsl,
            ServiceProvider = services,
            ServiceConfig = new ServiceConfig { LoadBalancingConfigs = { new RoundRobinConfig() } },
        }));
        Assert.Contains("ConnectCallback", e.Message, StringComparison.Ordinal);
    }

    // The example in docs/client.md.
    [Fact]
    public async Task A_handler_that_chooses_the_destination_balances_over_the_channels_of_one_session()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGrpcService<WhereService>(), configure: static b => b.Services.AddGrpc());
        SocketsHttpHandler handler = new SocketsHttpHandler().UseMtaTls(o =>
        {
            (o.Host, o.Port, o.TargetHost) = ("127.0.0.1", app.Port, "localhost");
            o.CertificateChainPolicy = TestCertificates.TrustRoot();
            o.ApplicationProtocols = [SslApplicationProtocol.Http2];
        });
        using RoundRobinHandler balancing = new(["one.internal", "two.internal"]) { InnerHandler = handler };
        using var channel = GrpcChannel.ForAddress("https://where.internal", new GrpcChannelOptions { HttpHandler = balancing });
        Chatter.ChatterClient client = new(channel);
        List<string> destinations = [];
        for (int i = 0; i < 4; i++)
        {
            using AsyncDuplexStreamingCall<Line, Line> call = client.Chat();
            await call.RequestStream.WriteAsync(new Line { Text = "where" }).Soon();
            Assert.True(await call.ResponseStream.MoveNext(default).Soon());
            destinations.Add(call.ResponseStream.Current.Text);
            await call.RequestStream.CompleteAsync().Soon();
        }

        Assert.Equal(["one.internal:443", "two.internal:443", "one.internal:443", "two.internal:443"], destinations);
        Assert.Single(app.Logs.GetSnapshot(), static r => r.Id.Name == "SessionStarted");
    }

    private sealed class RoundRobinHandler(string[] hosts) : DelegatingHandler
    {
        private int _last = -1;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            string host = hosts[(uint)Interlocked.Increment(ref _last) % hosts.Length];
            request.RequestUri = new UriBuilder(request.RequestUri!) { Host = host }.Uri;
            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class WhereService : Chatter.ChatterBase
    {
        public override async Task Chat(IAsyncStreamReader<Line> requestStream, IServerStreamWriter<Line> responseStream, ServerCallContext context)
        {
            while (await requestStream.MoveNext(context.CancellationToken))
            {
                await responseStream.WriteAsync(new Line { Text = $"{context.GetHttpContext().Features.Get<IMtaTlsChannelFeature>()!.Destination}" });
            }
        }
    }
}
