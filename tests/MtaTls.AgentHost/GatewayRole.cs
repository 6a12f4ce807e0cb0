using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.AgentHost;

/// <summary>A gateway at which agents register. YARP clusters and a host pattern forward to them.</summary>
internal static class GatewayRole
{
    public static async Task<int> RunAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.WebHost.UseMtaTls();
        IReverseProxyBuilder proxy = builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddMtaTlsAgents();
        builder.Services.AddHealthChecks().AddMtaTlsAgents();
        string? redis = builder.Configuration["Redis"];
        if (redis is not null)
        {
            proxy.UseRedisDirectory(redis);
        }

        X509ChainPolicy agents = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        agents.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        agents.CustomTrustStore.ImportFromPemFile(builder.Configuration["AgentAuthorityPath"]!);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.ConfigureHttpsDefaults(https => https.ClientCertificateValidation = (certificate, _, _) =>
            {
                using X509Chain chain = new() { ChainPolicy = agents.Clone() };
                return chain.Build(certificate);
            });
        });

        await using WebApplication app = builder.Build();
        app.UseWebSockets();
        app.MapMtaTlsAgents();
        app.MapReverseProxy();
        app.MapMtaTlsAgentForwarder("{name}.agents.example.test", "{name}.internal");
        RouteGroupBuilder admin = app.MapGroup("/admin").RequireHost("localhost");
        admin.MapGet("agents", static (IMtaTlsAgents agents) => agents.List());
        admin.MapGet("memory", static () =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            return $"{GC.GetTotalMemory(forceFullCollection: true)} {Environment.WorkingSet}";
        });
        admin.MapHealthChecks("health");
        if (redis is not null)
        {
            // For the health check of a balancer, which sends no host name.
            app.MapHealthChecks("/health");
        }

        await app.RunAsync();
        return 0;
    }
}
