using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.Dashboard.Tests.Support;

/// <summary>A gateway with the live page, and its agents, which are separate applications.</summary>
internal static class Gateway
{
    public const string Host = "plant7.example.test";

    private static readonly Dictionary<string, string?> s_settings = new()
    {
        ["ReverseProxy:Routes:plant7:ClusterId"] = "plant7",
        ["ReverseProxy:Routes:plant7:Match:Hosts:0"] = Host,
        ["ReverseProxy:Routes:plant7:Match:Path"] = "{**path}",
        ["ReverseProxy:Clusters:plant7:Destinations:agents:Address"] = "http://plant7.internal",
        ["ReverseProxy:Clusters:plant7:Destinations:agents:Metadata:MtaTls:Agent"] = "plant7.internal",
        ["MtaTls:Agents:Rules:0:Names:0"] = "plant7.internal",
        ["MtaTls:Agents:Rules:0:ClientCertificate:SubjectAlternativeNames:0"] = "dns:client.test",
        ["MtaTls:Agents:Node"] = "gateway-1",
        ["MtaTls:Agents:WaitForAgent"] = "00:00:00.2",
    };

    public static Task<LiveApp> StartAsync(
        Action<MtaTlsDashboardOptions>? dashboard = null, Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? mapMore = null, Action<AspNetCore.MtaTlsOptions>? mtaTls = null) => LiveApp.StartAsync(
        builder =>
        {
            configure?.Invoke(builder);
            builder.Configuration.AddInMemoryCollection(s_settings);
            builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddMtaTlsAgents();
        },
        app =>
        {
            mapMore?.Invoke(app);
            app.MapMtaTlsAgents();
            app.MapReverseProxy().WithMtaTlsInspector();
        },
        dashboard: dashboard, mtaTls: mtaTls);

    /// <summary>Starts an application that opens no port. It is registered when this method returns.</summary>
    public static async Task<WebApplication> AddAgentAsync(this LiveApp gateway, string name, Action<WebApplication>? map = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders();
        builder.WebHost.UseMtaTlsAgent(options =>
        {
            options.Gateways.Add($"https://127.0.0.1:{gateway.Port}");
            options.TargetHost = "localhost";
            options.CertificateChainPolicy = TestCertificates.TrustRoot();
            options.ClientCertificate.Certificate = TestCertificates.Client;
            options.Sessions = 1;
            options.Agent = name;
            options.Names.Add("plant7.internal");
            options.Reconnect.InitialDelay = TimeSpan.FromMilliseconds(50);
        });
        WebApplication app = builder.Build();
        (map ?? (a => a.MapGet("/{**path}", () => name)))(app);
        await app.StartAsync().Soon();
        await Wait.UntilAsync(() => gateway.Services.GetRequiredService<IMtaTlsAgents>().List().Any(a => a.Agent == name));
        return app;
    }

    /// <summary>A public client: ordinary HTTPS to the gateway, for the agents' host.</summary>
    public static HttpClient PublicClient(this LiveApp gateway) => new(new SocketsHttpHandler
    {
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Equals(TestCertificates.Server) },
        ConnectCallback = async (_, token) =>
        {
            Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, gateway.Port, token);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri($"https://{Host}/"),
        Timeout = Wait.Timeout,
    };
}
