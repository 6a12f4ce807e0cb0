using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary>A rule that cannot apply, and an application without MTA-TLS, always cause a warning.</summary>
public sealed class EndpointReviewTests
{
    private static Task<TestApp> StartConfiguredAsync(params (string Key, string? Value)[] more)
    {
        Dictionary<string, string?> settings = new()
        {
            ["Kestrel:Endpoints:Main:Url"] = "https://127.0.0.1:0",
            ["Kestrel:Endpoints:Other:Url"] = "https://127.0.0.1:0",
            ["Kestrel:Certificates:Default:Path"] = "server.pem",
            ["Kestrel:Certificates:Default:KeyPath"] = "server.key",
        };
        foreach ((string key, string? value) in more)
        {
            settings[key] = value;
        }

        return TestApp.StartBareAsync(static builder => builder.WebHost.UseMtaTls(), settings: settings, files: static root => PemFiles.Write(root, "server", TestCertificates.Server));
    }

    [Fact]
    public async Task A_route_for_an_endpoint_of_Kestrels_configuration_applies_there_and_nowhere_else()
    {
        await using TestApp app = await StartConfiguredAsync(("MtaTls:Channels:0:Endpoints:0", "Main"), ("MtaTls:Channels:0:Action", "Reject"));
        Assert.Empty(app.Warnings);
        await using RawClient main = await RawClient.ConnectAsync(app.Ports[0]), other = await RawClient.ConnectAsync(app.Ports[1]);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => main.OpenAsync());
        Assert.Equal("hello", await other.GetAsync());
        Assert.Equal(["Main", "Other"], app.Logs.GetSnapshot().Where(static r => r.Id.Name == "SessionStarted").Select(static r => r.GetStructuredStateValue("Endpoint")).Order());
    }

    [Fact]
    public async Task A_name_that_no_endpoint_has_is_reported_at_the_start_and_when_routes_change()
    {
        await using TestApp app = await StartConfiguredAsync(("MtaTls:Channels:0:Endpoints:0", "Mian"), ("MtaTls:Channels:0:Action", "Reject"));
        string warning = Assert.Single(app.Warnings);
        Assert.Equal([warning], app.Messages("EndpointOfRouteUnknown"));
        Assert.Contains("'Mian'", warning, StringComparison.Ordinal);
        Assert.Contains("Main, Other", warning, StringComparison.Ordinal);

        app.App.Configuration["MtaTls:Channels:0:Endpoints:0"] = "Ohter";
        ((IConfigurationRoot)app.App.Configuration).Reload();
        await Wait.UntilAsync(() => app.Warnings.Length > 1);
        Assert.Contains("'Ohter'", app.Warnings[1], StringComparison.Ordinal);

        // No warning is repeated.
        ((IConfigurationRoot)app.App.Configuration).Reload();
        Assert.Equal(2, app.Warnings.Length);
    }

    [Fact]
    public async Task A_certificate_condition_where_no_endpoint_asks_for_certificates_is_reported()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.Channels.Add(Conditional("db")), listen: static e => e.UseMtaTls(o => o.Name = "Public"));
        string warning = Assert.Single(app.Warnings);
        Assert.Equal([warning], app.Messages("NoCertificatesForRoute"));
        foreach (string part in (string[])["'db'", "Public", "ClientCertificateMode"])
        {
            Assert.Contains(part, warning, StringComparison.Ordinal);
        }

        await using TestApp asking = await TestApp.StartAsync(
            static a => a.MapGet("/", () => "hello"), o => o.Channels.Add(Conditional("db")), https: static o => o.ClientCertificateMode = ClientCertificateMode.AllowCertificate);
        Assert.Empty(asking.Warnings);
    }

    [Fact]
    public async Task A_route_behind_one_that_matches_every_channel_is_reported()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o =>
        {
            o.Channels.Add(new ChannelRouteOptions { Name = "all" });
            o.Channels.Add(new ChannelRouteOptions { Name = "secret", Hosts = { "secret.internal" }, Action = ChannelRouteAction.Reject });
        });
        string warning = Assert.Single(app.Warnings);
        Assert.Equal([warning], app.Messages("RouteNeverReached"));
        Assert.Contains("'secret'", warning, StringComparison.Ordinal);
        Assert.Contains("'all'", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_application_without_HTTPS_gets_one_warning_that_says_what_to_do()
    {
        await using TestApp app = await TestApp.StartBareAsync(static builder => builder.WebHost.UseUrls("http://127.0.0.1:0", "http://127.0.0.1:0").UseMtaTls());
        string warning = Assert.Single(app.Warnings);
        Assert.Equal([warning], app.Messages("NoHttps"));
        Assert.Contains("--launch-profile https", warning, StringComparison.Ordinal);
        Assert.Contains($"http://127.0.0.1:{app.Port}", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task If_MTA_TLS_is_required_an_application_without_HTTPS_does_not_start()
    {
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => TestApp.StartBareAsync(
            static builder => builder.WebHost.UseUrls("http://127.0.0.1:0").UseMtaTls(o => o.EndpointDefaults.Mode = DataMultiplexingMode.Required)));
        Assert.Contains("--launch-profile https", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_http_endpoint_in_addition_to_one_with_MTA_TLS_causes_no_warning()
    {
        await using TestApp app = await TestApp.StartBareAsync(static builder =>
        {
            builder.WebHost.UseMtaTls(o => o.EndpointDefaults.Mode = DataMultiplexingMode.Required);
            builder.WebHost.ConfigureKestrel(static k =>
            {
                k.Listen(IPAddress.Loopback, 0);
                k.Listen(IPAddress.Loopback, 0, static e => e.UseHttps(TestCertificates.Server));
            });
        });
        Assert.Empty(app.Warnings);
        Assert.True(await RawClient.IsNegotiatedAsync(app.Ports[1]));
    }

    [Fact]
    public async Task UseMtaTls_of_an_endpoint_without_HTTPS_causes_a_warning()
    {
        await using TestApp app = await TestApp.StartBareAsync(static builder => builder.WebHost.ConfigureKestrel(static k => k.Listen(IPAddress.Loopback, 0, static e => e.UseMtaTls())));
        string warning = Assert.Single(app.Warnings);
        Assert.Equal([warning], app.Messages("EndpointLeftToKestrel"));
        Assert.Contains("http://127.0.0.1:0", warning, StringComparison.Ordinal);
        Assert.Contains("it does not use HTTPS", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("ordinary HTTPS", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_log_that_cannot_be_written_to_is_reported_at_the_start_and_ends_no_handshake()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.KeyLogFile = Path.Combine(Path.GetTempPath(), "mtatls-no-such-directory", "keys.log"));
        string warning = Assert.Single(app.Warnings);
        Assert.Equal([warning], app.Messages("KeysNotLogged"));
        Assert.Contains("mtatls-no-such-directory", warning, StringComparison.Ordinal);
        Assert.Contains("KeyLogFile", warning, StringComparison.Ordinal);
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await client.GetAsync());
    }

    [Fact]
    public async Task Under_another_server_nothing_is_logged()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders().AddFakeLogging();
        Microsoft.AspNetCore.TestHost.WebHostBuilderExtensions.UseTestServer(builder.WebHost);
        builder.WebHost.UseMtaTls(static o => o.EndpointDefaults.Mode = DataMultiplexingMode.Required);
        await using WebApplication app = builder.Build();
        await app.StartAsync().Soon();
        Assert.DoesNotContain(app.Services.GetFakeLogCollector().GetSnapshot(), static r => r.Level >= LogLevel.Warning);
    }

    private static ChannelRouteOptions Conditional(string name) => new()
    {
        Name = name,
        Hosts = { "db.internal" },
        Action = ChannelRouteAction.Reject,
        ClientCertificate = new ClientCertificateConditionOptions { SubjectAlternativeNames = { "client.test" } },
    };
}
