using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using MtaTls.AspNetCore;
using MtaTls.Client;

namespace MtaTls.Dashboard.Tests.Support;

/// <summary>An application with the live page: real Kestrel, HTTPS behind <c>UseMtaTls()</c> and plain HTTP for the browser, both on free ports of the loopback.</summary>
internal sealed class LiveApp : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _clients = [];

    private LiveApp(WebApplication app) => App = app;

    public WebApplication App { get; }

    public IServiceProvider Services => App.Services;

    public IMtaTlsSessions Sessions => Services.GetRequiredService<IMtaTlsSessions>();

    /// <summary>The endpoint for channels.</summary>
    public int Port => Address("https").Port;

    /// <summary>The page for a browser.</summary>
    public Uri Page => new(Address("http"), "/mta-tls/");

    /// <param name="services">Adds services and settings.</param>
    /// <param name="map">Maps endpoints, before the page's.</param>
    /// <param name="policy">The policy of the page; null: it has none.</param>
    /// <param name="dashboard">Sets the page's options.</param>
    /// <param name="mtaTls">Sets the server's options.</param>
    /// <param name="environment">The environment's name.</param>
    /// <param name="port">The port for the browser; 0: a free one.</param>
    /// <param name="kestrel">Adds endpoints.</param>
    public static async Task<LiveApp> StartAsync(
        Action<WebApplicationBuilder>? services = null, Action<WebApplication>? map = null, string? policy = "viewers", Action<MtaTlsDashboardOptions>? dashboard = null,
        Action<MtaTlsOptions>? mtaTls = null, string environment = "Production", int port = 0, Action<KestrelServerOptions>? kestrel = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Debug);
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0, static endpoint => endpoint.UseHttps(static https =>
            {
                https.ServerCertificate = TestCertificates.Server;
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.ClientCertificateValidation = static (certificate, _, _) =>
                {
                    using X509Chain chain = new() { ChainPolicy = TestCertificates.TrustRoot() };
                    return chain.Build(certificate);
                };
            }));
            k.Listen(IPAddress.Loopback, port);
            kestrel?.Invoke(k);
        });
        builder.WebHost.UseMtaTls(o =>
        {
            // Steps of the browser take their time on a busy machine, and idle sessions must outlive them.
            o.Limits.SessionIdleTimeout = Timeout.InfiniteTimeSpan;
            mtaTls?.Invoke(o);
        });
        builder.Services.AddAuthentication(HeaderAuthentication.Scheme_).AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>(HeaderAuthentication.Scheme_, null);
        builder.Services.AddAuthorizationBuilder()
            .AddPolicy("viewers", static p => p.RequireRole("viewer", "operator"))
            .AddPolicy("operators", static p => p.RequireRole("operator"));
        builder.Services.AddMtaTlsDashboard(options =>
        {
            options.ActionsPolicy = "operators";
            dashboard?.Invoke(options);
        });
        services?.Invoke(builder);
        WebApplication app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapGet("/hello", static () => "hello");
        // Answers when the test allows it, so that a channel stays open and in use.
        app.MapGet("/wait", static async (HttpContext context) =>
        {
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        map?.Invoke(app);
        IEndpointConventionBuilder page = app.MapMtaTlsDashboard("/mta-tls");
        if (policy is not null)
        {
            page.RequireAuthorization(policy);
        }

        LiveApp live = new(app);
        try
        {
            await app.StartAsync().Soon();
            return live;
        }
        catch
        {
            await live.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client with its own sessions.</summary>
    public async Task<MtaTlsClient> ConnectAsync(X509Certificate2? certificate = null, string? name = null)
    {
        MtaTlsClientOptions options = new()
        {
            Host = "localhost",
            Port = Port,
            Mode = MtaTlsClientMode.Required,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            TargetHost = name ?? "localhost",
            SessionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
        if (certificate is not null)
        {
            options.ClientCertificate.Certificate = certificate;
        }

        MtaTlsClient client = await MtaTlsClient.ConnectAsync(options).Soon();
        _clients.Add(client);
        return client;
    }

    /// <summary>A client of the page's own endpoints.</summary>
    public HttpClient Http(string? user = "viewer", HttpMessageHandler? handler = null)
    {
        HttpClient client = new(handler ?? new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Page, Timeout = Wait.Timeout };
        if (user is not null)
        {
            client.DefaultRequestHeaders.Add(HeaderAuthentication.Header, user);
        }

        return client;
    }

    /// <summary>A snapshot of a view, as JSON.</summary>
    public async Task<JsonElement> SnapshotAsync(string query)
    {
        using HttpClient http = Http("operator");
        return JsonDocument.Parse(await http.GetStringAsync(new Uri($"api/snapshot?view={query}", UriKind.Relative)).Soon()).RootElement.GetProperty(query.Split('&')[0]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable client in _clients)
        {
            await client.DisposeAsync();
        }

        using (CancellationTokenSource now = new(TimeSpan.FromSeconds(2)))
        {
            await App.StopAsync(now.Token);
        }

        await App.DisposeAsync();
    }

    private Uri Address(string scheme) => Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(static a => new Uri(a)).First(a => a.Scheme == scheme);
}
