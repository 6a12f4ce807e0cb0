using System.Security.Cryptography.X509Certificates;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;

namespace ClusterSample;

/// <summary>The code of a gateway and of an agent. Their settings come from environment variables, as in a container.</summary>
internal static class Roles
{
    public static async Task<int> RunGatewayAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.WebHost.UseMtaTls();
        builder.Services.AddReverseProxy().AddMtaTlsAgents().UseRedisDirectory(static o => o.ConnectionName = "redis");
        builder.Services.AddHealthChecks().AddMtaTlsAgents().AddMtaTlsRedisDirectory();
        builder.Services.AddMtaTlsDashboard();

        // The demonstration's authority issues the agents' certificates, not one that the machine trusts.
        X509ChainPolicy agents = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        agents.CustomTrustStore.ImportFromPemFile(builder.Configuration["AuthorityPath"]!);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https => https.ClientCertificateValidation = (certificate, _, _) =>
        {
            using X509Chain chain = new() { ChainPolicy = agents.Clone() };
            return chain.Build(certificate);
        }));

        WebApplication app = builder.Build();
        app.MapMtaTlsAgents();
        app.MapHealthChecks("/health");
        app.MapGet("/status", static (INodeDirectory nodes, IMtaTlsAgents registered) => new Status(nodes.ListNodes().Count, registered.List().Count)).RequireHost("localhost");
        // The live page, for browsers on this machine in Development. In production add .RequireAuthorization("a policy").
        app.MapMtaTlsDashboard("/mta-tls").RequireHost("localhost");
        app.MapMtaTlsAgentForwarder("{name}.example.com", "{name}.internal");
        await app.RunAsync();
        return 0;
    }

    public static async Task<int> RunAgentAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.WebHost.UseMtaTlsAgent();
        WebApplication app = builder.Build();
        string name = app.Configuration["MtaTlsAgent:Agent"]!;
        app.MapGet("/", () => name);
        await app.RunAsync();
        return 0;
    }
}
