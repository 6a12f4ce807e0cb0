using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging.Testing;

namespace MtaTls.FunctionalTests.Support;

/// <summary>A web application on real Kestrel and a free port of the loopback, whose logs a test can read.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private readonly DirectoryInfo _contentRoot;

    private TestApp(WebApplication app, DirectoryInfo contentRoot)
    {
        App = app;
        _contentRoot = contentRoot;
    }

    public WebApplication App { get; }

    public IServiceProvider Services => App.Services;

    public FakeLogCollector Logs => App.Services.GetFakeLogCollector();

    public string ContentRoot => _contentRoot.FullName;

    /// <summary>The ports on which the application listens, in the order of the endpoints.</summary>
    public int[] Ports => [.. App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => BindingAddress.Parse(a).Port)];

    public int Port => Ports[0];

    /// <summary>Starts an application with <c>UseMtaTls()</c>, whose only endpoint uses HTTPS with the test server's certificate.</summary>
    public static Task<TestApp> StartAsync(
        Action<WebApplication> map,
        Action<MtaTls.AspNetCore.MtaTlsOptions>? mtaTls = null,
        Action<HttpsConnectionAdapterOptions>? https = null,
        Action<KestrelServerOptions>? kestrel = null,
        Action<ListenOptions>? listen = null,
        Action<WebApplicationBuilder>? configure = null)
        => StartBareAsync(
            builder =>
            {
                configure?.Invoke(builder);
                builder.WebHost.ConfigureKestrel(k =>
                {
                    kestrel?.Invoke(k);
                    k.Listen(IPAddress.Loopback, 0, endpoint =>
                    {
                        listen?.Invoke(endpoint);
                        endpoint.UseHttps(o =>
                        {
                            o.ServerCertificate = TestCertificates.Server;
                            https?.Invoke(o);
                        });
                    });
                });
                builder.WebHost.UseMtaTls(o => mtaTls?.Invoke(o));
            },
            map);

    /// <summary>Starts an application with only the caller's configuration.</summary>
    public static async Task<TestApp> StartBareAsync(
        Action<WebApplicationBuilder> configure, Action<WebApplication>? map = null, Dictionary<string, string?>? settings = null,
        string environment = "Production", Action<string>? files = null)
    {
        TestApp app = Build(configure, map, settings, environment, files);
        try
        {
            await app.App.StartAsync().Soon();
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public static TestApp Build(
        Action<WebApplicationBuilder> configure, Action<WebApplication>? map = null, Dictionary<string, string?>? settings = null,
        string environment = "Production", Action<string>? files = null)
    {
        DirectoryInfo contentRoot = Directory.CreateTempSubdirectory("mtatls-");
        files?.Invoke(contentRoot.FullName);
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment, ContentRootPath = contentRoot.FullName });
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.Logging.ClearProviders().AddFakeLogging().SetMinimumLevel(LogLevel.Debug);
        configure(builder);
        WebApplication app = builder.Build();
        (map ?? (static a => a.MapGet("/", () => "hello")))(app);
        return new TestApp(app, contentRoot);
    }

    public string[] Warnings => [.. Logs.GetSnapshot().Where(r => r.Level == LogLevel.Warning && r.Category!.StartsWith("MtaTls", StringComparison.Ordinal)).Select(r => r.Message)];

    /// <summary>Stops in order: requests in flight end, however long a busy machine takes. <see cref="DisposeAsync"/> gives them two seconds.</summary>
    public Task StopAsync() => App.StopAsync().Soon();

    public async ValueTask DisposeAsync()
    {
        using (CancellationTokenSource now = new(TimeSpan.FromSeconds(2)))
        {
            // A test that fails leaves its fake clock standing still. What waits for that clock must fail here, not hang.
            await App.StopAsync(now.Token).Soon();
        }

        await App.DisposeAsync().Soon();
        _contentRoot.Delete(recursive: true);
    }
}
