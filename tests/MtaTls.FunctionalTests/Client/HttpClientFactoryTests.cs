using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Client;

/// <summary>Clients of an IHttpClientFactory, and the destination of a channel from a URI.</summary>
public sealed class HttpClientFactoryTests
{
    [Fact]
    public async Task Clients_of_a_factory_with_equal_options_share_a_session()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        X509ChainPolicy trust = GatewayCertificates.Trust();
        ServiceCollection services = new();
        foreach (string name in (string[])["one", "two"])
        {
            services.AddHttpClient(name, c => c.Timeout = Wait.Timeout).UseMtaTls(o =>
                (o.Host, o.Port, o.CertificateChainPolicy, o.Mode) = ("localhost", app.Port, trust, MtaTlsClientMode.Required));
        }

        await using ServiceProvider provider = services.BuildServiceProvider();
        IHttpClientFactory factory = provider.GetRequiredService<IHttpClientFactory>();
        HashSet<string> sessions = [];
        foreach (string name in (string[])["one", "two", "one"])
        {
            using HttpClient client = factory.CreateClient(name);
            string[] answer = (await client.GetStringAsync(new Uri("https://app1.internal/channel"))).Split(' ');
            Assert.Equal("app1.internal:443", answer[1]);
            sessions.Add(answer[2]);
        }

        Assert.Single(sessions);
        Assert.Equal(1, app.Connections);
    }

    [Fact]
    public async Task A_client_of_a_factory_is_configured_by_the_section_MtaTlsClient()
    {
        await using GatewayApp app = await GatewayApp.StartAsync();
        ServiceCollection services = new();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["MtaTlsClient:Host"] = "localhost",
            ["MtaTlsClient:Port"] = $"{app.Port}",
            ["MtaTlsClient:Mode"] = "Required",
        }).Build());
        services.AddHttpClient("gateway", c => c.Timeout = Wait.Timeout).UseMtaTls(o => o.CertificateChainPolicy = GatewayCertificates.Trust());
        await using ServiceProvider provider = services.BuildServiceProvider();
        using HttpClient client = provider.GetRequiredService<IHttpClientFactory>().CreateClient("gateway");
        Assert.Contains(" app1.internal:443 ", await client.GetStringAsync(new Uri("https://app1.internal/channel")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_of_a_factory_retries_lost_requests_and_logs_it()
    {
        int served = 0;
        GatewayApp? app = null;
        app = await GatewayApp.StartAsync(map: a => a.MapGet("/lost-once", async (HttpContext context) =>
        {
            if (Interlocked.Increment(ref served) == 1)
            {
                app!.DropConnections();
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            return "again";
        }));
        await using (app)
        {
            ServiceCollection services = new();
            services.AddLogging(l => l.SetMinimumLevel(LogLevel.Debug).AddFakeLogging());
            services.AddHttpClient("gateway", c => c.Timeout = Wait.Timeout).UseMtaTls(o =>
                (o.Host, o.Port, o.CertificateChainPolicy, o.Mode) = ("localhost", app.Port, GatewayCertificates.Trust(), MtaTlsClientMode.Required));
            await using ServiceProvider provider = services.BuildServiceProvider();
            using MetricCollector<long> retried = new(null, "MtaTls.Client", "mtatls.client.requests.retried");
            using HttpClient client = provider.GetRequiredService<IHttpClientFactory>().CreateClient("gateway");
            Assert.Equal("again", await client.GetStringAsync(app.Uri("/lost-once")));
            Assert.Single(retried.GetMeasurementSnapshot(), m => m.Tags["server.port"] is int port && port == app.Uri("/").Port);
            Assert.Single(provider.GetFakeLogCollector().GetSnapshot(), static r => r.Id.Name == "RequestRetried");
        }
    }

    // An IPv6 address has brackets in a URI, but not in packets and certificates.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_IPv6_address_in_a_URI_is_a_channels_destination(bool ownEndpoint)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "No IPv6.");
        await using TestApp app = await TestApp.StartBareAsync(
            builder => builder.WebHost.UseMtaTls().ConfigureKestrel(k => k.Listen(IPAddress.IPv6Loopback, 0, e => e.UseHttps(GatewayCertificates.Server))),
            a => a.MapGet("/", (HttpContext c) => $"{c.Features.Get<IMtaTlsChannelFeature>()!.Destination}"));
        using SocketsHttpHandler handler = new SocketsHttpHandler().UseMtaTls(o =>
        {
            o.CertificateChainPolicy = GatewayCertificates.Trust();
            o.Mode = MtaTlsClientMode.Required;
            if (!ownEndpoint)
            {
                (o.Host, o.Port) = ("::1", app.Port);
            }
        });
        using HttpClient client = new(handler) { Timeout = Wait.Timeout };
        Uri uri = ownEndpoint ? new Uri($"https://[::1]:{app.Port}/") : new Uri("https://[2001:db8::7]:8080/");
        string answer = await client.GetStringAsync(uri);
        Assert.Equal(ownEndpoint ? $"::1:{app.Port}" : "2001:db8::7:8080", answer.Replace("[", "", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal));
    }
}
