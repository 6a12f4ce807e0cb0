using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.ReverseProxy.Agents;
using Yarp.ReverseProxy.Transforms;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);

builder.WebHost.UseMtaTls();
builder.Services.AddReverseProxy()
    .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
    .AddMtaTlsAgents()
    // For the demonstration alone: the agent that YARP chose. A request that waits for an agent has no choice yet.
    .AddTransforms(static route => route.AddResponseTransform(static response =>
    {
        if (response.HttpContext.GetReverseProxyFeature().ProxiedDestination?.DestinationId.Split('/') is [_, var agent, ..])
        {
            response.HttpContext.Response.Headers["X-Agent"] = agent;
        }

        return default;
    }));

builder.Services.AddMtaTlsDashboard();

// Certificates of agents come from an authority of their own, not from the machine's.
X509ChainPolicy agents = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
agents.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2")); // client authentication
agents.CustomTrustStore.ImportFromPemFile(builder.Configuration["AgentAuthorityPath"] ?? throw new InvalidOperationException("AgentAuthorityPath is not set: the PEM file of the authority of agents."));
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https => https.ClientCertificateValidation = (certificate, _, _) =>
{
    using X509Chain chain = new() { ChainPolicy = agents.Clone() };
    return chain.Build(certificate);
}));

WebApplication app = builder.Build();

app.MapMtaTlsAgents();
app.MapReverseProxy().WithMtaTlsInspector();
// The live page, for browsers of this machine in Development. Elsewhere: .RequireAuthorization("a policy").
app.MapMtaTlsDashboard("/mta-tls").RequireHost("localhost");
app.MapGet("/agents", (IMtaTlsAgents registered) => registered.List()).RequireHost("localhost");

app.Run();
