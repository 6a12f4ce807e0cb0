using System.Net;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary><c>UseMtaTls()</c> in the hosts in which applications run and are tested.</summary>
public sealed class HostingTests
{
    // WebApplicationFactory finds the application by its entry point: samples/Server's.
    [Fact]
    public async Task WebApplicationFactory_with_UseKestrel_runs_an_app_behind_UseMtaTls()
    {
        int port = FreePort.Find();
        using WebApplicationFactory<Program> factory = new SampleServer(port);
        factory.UseKestrel();
        factory.StartServer();
        await using RawClient client = await RawClient.ConnectAsync(port, o => o.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null);
        Assert.Equal("Hello, World!", await client.GetAsync("/plaintext"));
        await using HttpChannel channel = await client.OpenAsync("app1.internal", 80);
        Assert.Contains("\"destination\":\"app1.internal:80\"", (await channel.GetAsync("/channel")).Body, StringComparison.Ordinal);
        byte[] expected = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];
        await channel.SendAsync("GET /bytes/1000 HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n");
        Assert.Equal(System.Text.Encoding.UTF8.GetString(expected), (await channel.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task WebApplicationFactory_with_TestServer_is_not_disturbed()
    {
        using WebApplicationFactory<Program> factory = new SampleServer();
        using HttpClient client = factory.CreateClient();
        Assert.Equal("Hello, World!", await client.GetStringAsync(new Uri("/plaintext", UriKind.Relative)));
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri("/channel", UriKind.Relative))).StatusCode);
        Assert.Equal("body", await (await client.PostAsync(new Uri("/echo", UriKind.Relative), new StringContent("body"))).Content.ReadAsStringAsync());
    }

    // Nothing of MTA-TLS is used, so even invalid options have no effect.
    [Fact]
    public async Task Under_another_server_UseMtaTls_does_nothing()
    {
        using IHost host = await new HostBuilder()
            .ConfigureAppConfiguration(c => c.AddInMemoryCollection([new("MtaTls:Endpoints:Broken:Url", "nonsense")]))
            .ConfigureWebHost(web => web.UseTestServer().UseMtaTls().Configure(app => app.Run(c => c.Response.WriteAsync("hello"))))
            .StartAsync();
        using HttpClient client = host.GetTestClient();
        Assert.Equal("hello", await client.GetStringAsync(new Uri("/", UriKind.Relative)));
        Assert.Throws<OptionsValidationException>(() => host.Services.GetRequiredService<IOptions<MtaTlsOptions>>().Value);
    }

    [Fact]
    public async Task The_slim_builder_serves_too()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = Path.GetTempPath() });
        builder.Logging.ClearProviders();
        builder.WebHost.UseMtaTls();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e => e.UseHttps(TestCertificates.Server)));
        await using WebApplication app = builder.Build();
        app.MapGet("/", () => "hello");
        await app.StartAsync();
        await using RawClient client = await RawClient.ConnectAsync(new Uri(app.Urls.First()).Port);
        Assert.Equal("hello", await client.GetAsync());
    }

    [Fact]
    public async Task Calling_it_twice_is_calling_it_once()
    {
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapGet("/", () => "hello"),
            o => o.Limits.MaxChannelsPerSession = 7,
            configure: builder => builder.WebHost.UseMtaTls().UseMtaTls(o => o.Limits.MaxPendingChannels = 5));
        MtaTlsLimits limits = app.Services.GetRequiredService<IOptions<MtaTlsOptions>>().Value.Limits;
        Assert.Equal((7, 5), (limits.MaxChannelsPerSession, limits.MaxPendingChannels));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await client.GetAsync());
    }

    private sealed class SampleServer(int port = 0) : WebApplicationFactory<Program>
    {
        protected override IHost CreateHost(IHostBuilder builder)
        {
            builder.UseEnvironment("Development");
            builder.ConfigureHostConfiguration(c => c.AddInMemoryCollection([new("MtaTls:Endpoints:Public:Url", $"https://127.0.0.1:{port}")]));
            return base.CreateHost(builder);
        }
    }
}
