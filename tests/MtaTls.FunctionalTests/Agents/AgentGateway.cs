using System.Net;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>A gateway with which agents register: real Kestrel and real YARP, configured by appsettings.json.</summary>
internal static class AgentGateway
{
    public const string Plant7 = "plant7.internal";

    /// <summary>The test client's certificate allows plant7.internal and the names below it; the other client's certificate allows plant8.internal.</summary>
    public const string Rules = """
        "Rules": [
          { "Names": [ "plant7.internal", "*.plant7.internal" ], "ClientCertificate": { "SubjectAlternativeNames": [ "dns:client.test" ] } },
          { "Names": [ "plant8.internal", "*.plant8.internal" ], "ClientCertificate": { "SubjectAlternativeNames": [ "dns:other-client.test" ] } } ]
        """;

    /// <summary>Where the test does not say it: a busy machine may take longer than the defaults to start an agent and to answer.</summary>
    private static readonly string[] s_patient = ["\"OpenTimeout\": \"00:01:00\"", "\"WaitForAgent\": \"00:02:00\""];

    public static string Settings(string agents = "", string cluster = "", string? rules = null) => $$"""
        { "ReverseProxy": {
            "Routes": {
              "plant7": { "ClusterId": "plant7", "Match": { "Hosts": [ "plant7.example.test" ], "Path": "{**path}" } },
              "plant8": { "ClusterId": "plant8", "Match": { "Hosts": [ "plant8.example.test" ], "Path": "{**path}" } } },
            "Clusters": {
              "plant7": { {{cluster}} "Destinations": { "agents": { "Address": "http://plant7.internal", "Metadata": { "MtaTls:Agent": "plant7.internal" } } } },
              "plant8": { "Destinations": { "agents": { "Address": "http://plant8.internal", "Metadata": { "MtaTls:Agent": "plant8.internal" } } } } } },
          "MtaTls": {
            "Limits": { "HandshakeTimeout": "00:02:00" },
            "Agents": { {{string.Join(", ", s_patient.Where(s => !agents.Contains(s.Split(':')[0], StringComparison.Ordinal)).Append(agents).Append(rules ?? Rules).Where(static s => s.Length > 0))}} } } }
        """;

    public static Task<TestApp> StartAsync(string? settings = null, Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null, int port = 0)
        => Gateway.StartAsync(
            settings ?? Settings(),
            app =>
            {
                map?.Invoke(app);
                app.MapMtaTlsAgents();
                app.MapReverseProxy();
            },
            Gateway.WithClientCertificates,
            builder =>
            {
                configure?.Invoke(builder);
                builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddMtaTlsAgents();
            },
            port);

    public static IReadOnlyList<MtaTlsAgentInfo> Agents(this TestApp gateway) => gateway.Services.GetRequiredService<IMtaTlsAgents>().List();

    public static Task AgentsAsync(this TestApp gateway, int count) => Wait.UntilAsync(() => gateway.Agents().Count(static a => !a.IsDraining) == count);

    /// <summary>Creates a public client, with ordinary HTTPS.</summary>
    public static HttpClient Client(this TestApp gateway, string host = "plant7.example.test", Version? version = null)
    {
        SocketsHttpHandler handler = new()
        {
            SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Equals(TestCertificates.Server) },
            ConnectCallback = async (_, token) =>
            {
                System.Net.Sockets.Socket socket = new(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, gateway.Port, token);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://{host}/"),
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Wait.Timeout,
        };
    }
}
