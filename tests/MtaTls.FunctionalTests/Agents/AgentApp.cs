using System.Security.Cryptography.X509Certificates;
using MtaTls.Agent;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>An app that opens no port and is served through a gateway.</summary>
internal static class AgentApp
{
    public static Task<TestApp> StartAsync(
        int gateway, string name, Action<WebApplication>? map = null, Action<MtaTlsAgentOptions>? configure = null, X509Certificate2? certificate = null, string agent = "a",
        Action<WebApplicationBuilder>? build = null)
        => TestApp.StartBareAsync(
            builder =>
            {
                build?.Invoke(builder);
                builder.WebHost.UseMtaTlsAgent(options =>
                {
                    Connect(options, gateway, certificate);
                    options.Agent = agent;
                    options.Names.Add(name);
                    configure?.Invoke(options);
                });
            },
            map ?? (app => app.Map("/{**path}", () => agent)));

    public static void Connect(MtaTlsAgentOptions options, int gateway, X509Certificate2? certificate = null)
    {
        options.Gateways.Add($"https://127.0.0.1:{gateway}");
        options.TargetHost = "localhost";
        options.CertificateChainPolicy = TestCertificates.TrustRoot();
        options.ClientCertificate.Certificate = certificate ?? TestCertificates.Client;
        options.Sessions = 1;
        options.Reconnect.InitialDelay = TimeSpan.FromMilliseconds(50);
        options.Reconnect.MaxDelay = TimeSpan.FromMilliseconds(500);
    }
}
