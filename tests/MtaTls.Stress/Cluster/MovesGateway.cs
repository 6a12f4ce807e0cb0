using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using ClusterSample;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.Stress.Cluster;

/// <summary>One of several gateways, and what it is used for.</summary>
internal sealed class MovesGateway : IAsyncDisposable
{
    private readonly int _agents;
    private readonly HttpClient _client;
    private int _started;

    private MovesGateway(WebApplication app, int index, int agents, int plain)
    {
        (App, Index, _agents) = (app, index, agents);
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{plain}"), Timeout = TimeSpan.FromMinutes(2) };
        _client.DefaultRequestHeaders.Host = "plant.agents.example.test";
    }

    public WebApplication App { get; }

    public int Index { get; }

    public static async Task<MovesGateway> StartAsync(DemoCertificates certificates, int redis, int index)
    {
        int agents = FreePort.Find(), peers = FreePort.Find(), plain = FreePort.Find();
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Kestrel:Endpoints:Public:Url"] = $"http://127.0.0.1:{plain}",
            ["MtaTls:Endpoints:Agents:Url"] = $"https://127.0.0.1:{agents}",
            ["MtaTls:Endpoints:Agents:ClientCertificateMode"] = "AllowCertificate",
            ["MtaTls:Endpoints:Agents:Certificate:Path"] = certificates.Path("public.pem"),
            ["MtaTls:Endpoints:Agents:Certificate:KeyPath"] = certificates.Path("public.key"),
            ["MtaTls:Endpoints:Peers:Url"] = $"https://127.0.0.1:{peers}",
            ["MtaTls:Endpoints:Peers:Certificate:Path"] = certificates.Path("node.pem"),
            ["MtaTls:Endpoints:Peers:Certificate:KeyPath"] = certificates.Path("node.key"),
            ["MtaTls:Cluster:Node"] = $"gw-{index}",
            ["MtaTls:Cluster:Advertise"] = $"https://127.0.0.1:{peers}",
            ["MtaTls:Cluster:AuthorityPath"] = certificates.Path("authority.pem"),
            ["MtaTls:Cluster:PeerCertificates:SubjectAlternativeNames:0"] = "uri:spiffe://example.org/gateway",
            ["MtaTls:Agents:Rules:0:Names:0"] = "*.internal",
            ["MtaTls:Agents:Rules:0:ClientCertificate:SubjectAlternativeNames:0"] = "uri:spiffe://example.org/plant",
        });
        builder.WebHost.UseMtaTls();
        X509ChainPolicy trust = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(certificates.Path("authority.pem"));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https => https.ClientCertificateValidation = (certificate, _, _) =>
        {
            using X509Chain chain = new() { ChainPolicy = trust.Clone() };
            return chain.Build(certificate);
        }));
        builder.Services.AddReverseProxy().AddMtaTlsAgents().UseRedisDirectory($"127.0.0.1:{redis}");
        WebApplication app = builder.Build();
        app.MapMtaTlsAgents();
        app.MapMtaTlsAgentForwarder("{name}.agents.example.test", "{name}.internal");
        await app.StartAsync();
        return new MovesGateway(app, index, agents, plain);
    }

    /// <summary>Starts the agent here, and waits until it is registered.</summary>
    public async Task<WebApplication> StartAgentAsync(DemoCertificates certificates)
    {
        string agent = $"agent-{Index}-{++_started}";
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseMtaTlsAgent(options =>
        {
            options.Gateways.Add($"https://127.0.0.1:{_agents}");
            options.TargetHost = "localhost";
            options.AuthorityPath = certificates.Path("authority.pem");
            options.ClientCertificate.Path = certificates.Path("agent.pem");
            options.ClientCertificate.KeyPath = certificates.Path("agent.key");
            options.Agent = agent;
            options.Names.Add("plant.internal");
            options.Sessions = 1;
        });
        WebApplication app = builder.Build();
        app.Map("/{**path}", static (HttpContext context) => context.Request.Path.Value);
        await app.StartAsync();
        IMtaTlsAgents registered = App.Services.GetRequiredService<IMtaTlsAgents>();
        while (!registered.List().Any(a => a.Agent == agent))
        {
            await Task.Delay(10);
        }

        return app;
    }

    /// <summary>One request for the agent.</summary>
    /// <returns>What went wrong; null: nothing.</returns>
    public async Task<string?> AskAsync()
    {
        try
        {
            using HttpResponseMessage response = await _client.GetAsync(new Uri("/hello", UriKind.Relative));
            string text = await response.Content.ReadAsStringAsync();
            return response.IsSuccessStatusCode && text == "/hello" ? null : $"{(int)response.StatusCode} {text}";
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return e.Message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
    }
}
