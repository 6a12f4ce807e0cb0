using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.ReverseProxy.Agents;
using Yarp.ReverseProxy.Transforms;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);

builder.WebHost.UseMtaTls();
builder.Services.AddReverseProxy()
    .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
    .AddMtaTlsAgents()
    // Only for the demonstration: the agent that YARP chose. For a request that waited for an agent YARP had no choice, so it has no such header.
    .AddTransforms(static route => route.AddResponseTransform(static response =>
    {
        if (response.HttpContext.GetReverseProxyFeature().ProxiedDestination?.DestinationId.Split('/') is [_, var agent, ..])
        {
            response.HttpContext.Response.Headers["X-Agent"] = agent;
        }

        return default;
    }));

builder.Services.AddMtaTlsDashboard();

// The demonstration's authority issues the agents' certificates, not one that the machine trusts.
X509ChainPolicy agents = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
agents.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2")); // client authentication
agents.CustomTrustStore.ImportFromPemFile(builder.Configuration["AgentAuthorityPath"] ?? throw new InvalidOperationException("AgentAuthorityPath is not set. Set it to the PEM file with the authority of the agents' certificates."));
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https => https.ClientCertificateValidation = (certificate, _, _) =>
{
    using X509Chain chain = new() { ChainPolicy = agents.Clone() };
    return chain.Build(certificate);
}));

WebApplication app = builder.Build();

app.MapMtaTlsAgents();
app.MapReverseProxy().WithMtaTlsInspector();
// The live page, for browsers on this machine in Development. In production add .RequireAuthorization("a policy").
app.MapMtaTlsDashboard("/mta-tls").RequireHost("localhost");
app.MapGet("/agents", (IMtaTlsAgents registered) => registered.List()).RequireHost("localhost");

app.Run();
