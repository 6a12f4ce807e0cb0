using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Directory;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>One of several gateways in this process: real Kestrel and YARP, configured by an appsettings.json.</summary>
internal sealed class ClusterGateway : IAsyncDisposable
{
    public const string Plant7 = "plant7.internal";

    private ClusterGateway(TestApp app, string node, int peersPort) => (App, Node, PeersPort) = (app, node, peersPort);

    public TestApp App { get; }

    public string Node { get; }

    public int PeersPort { get; }

    /// <summary>The port for clients and agents.</summary>
    public int Port => App.Ports.First(p => p != PeersPort);

    public RedisDirectory Directory => App.Services.GetRequiredService<RedisDirectory>();

    public IReadOnlyList<MtaTlsAgentInfo> Agents => App.Services.GetRequiredService<IMtaTlsAgents>().List();

    public static async Task<ClusterGateway> StartAsync(
        DirectoryServer redis, string node, string cluster = "", string agents = "", X509Certificate2? certificate = null, int peersPort = 0, int publicPort = 0, string? advertise = null,
        Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null, Func<IReverseProxyBuilder, IReverseProxyBuilder>? use = null, string? replace = null)
    {
        peersPort = peersPort == 0 ? FreePort.Find() : peersPort;
        TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                configure?.Invoke(builder);
                builder.WebHost.UseMtaTls();
                builder.WebHost.ConfigureKestrel(static kestrel => kestrel.ConfigureHttpsDefaults(static https => https.ClientCertificateValidation =
                    static (certificate, _, _) => certificate.Issuer == TestCertificates.Root.Subject));
                IReverseProxyBuilder proxy = builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddMtaTlsAgents();
                _ = use is null ? proxy.UseRedisDirectory(redis.ConnectionString) : use(proxy);
                builder.Services.AddHealthChecks().AddMtaTlsAgents().AddMtaTlsRedisDirectory();
            },
            app =>
            {
                map?.Invoke(app);
                app.MapMtaTlsAgents();
                app.MapHealthChecks("/health");
                app.MapReverseProxy();
                app.MapMtaTlsAgentForwarder("{name}.agents.example.test", "{name}.internal");
            },
            files: folder =>
            {
                PemFiles.Write(folder, "public", TestCertificates.Server);
                PemFiles.Write(folder, "node", certificate ?? NodeCertificates.Gateway);
                File.WriteAllText(Path.Combine(folder, "root.pem"), TestCertificates.Root.ExportCertificatePem());
                File.WriteAllText(Path.Combine(folder, "appsettings.json"), Settings(node, peersPort, publicPort, advertise, cluster, agents, replace));
            });
        return new ClusterGateway(app, node, peersPort);
    }

    public static string Settings(string node, int peersPort, int publicPort = 0, string? advertise = null, string cluster = "", string agents = "", string? replace = null) => $$"""
        { "ReverseProxy": {
            "Routes": { "plant7": { "ClusterId": "plant7", "Match": { "Hosts": [ "plant7.example.test" ], "Path": "{**path}" } } },
            "Clusters": { "plant7": { "LoadBalancingPolicy": "PowerOfTwoChoices",
              "Destinations": { "agents": { "Address": "http://plant7.internal", "Metadata": { "MtaTls:Agent": "plant7.internal" } } } } } },
          "MtaTls": {
            "Endpoints": {
              "Public": { "Url": "https://127.0.0.1:{{publicPort}}", "ClientCertificateMode": "AllowCertificate", "Certificate": { "Path": "public.pem", "KeyPath": "public.key" } },
              "Peers": { "Url": "https://127.0.0.1:{{peersPort}}", "Certificate": { "Path": "node.pem", "KeyPath": "node.key" } } },
            "Cluster": { {{string.Join(", ", Cluster(node, peersPort, advertise, replace).Append(cluster).Where(static s => s.Length > 0))}} },
            "Channels": [ { "Hosts": [ "tcp.internal" ], "Ports": [ "1-65535" ], "Action": "Agent", "AllowAnonymous": true } ],
            "Agents": { {{agents}}{{(agents.Length > 0 ? "," : "")}}
              "Rules": [ { "Names": [ "*.internal" ], "ClientCertificate": { "SubjectAlternativeNames": [ "dns:client.test" ] } } ] } } }
        """;

    /// <summary>The settings of the cluster. A test can replace one of them.</summary>
    private static IEnumerable<string> Cluster(string node, int peersPort, string? advertise, string? replace)
    {
        string[] usual =
        [
            $"\"Node\": \"{node}\"", $"\"Advertise\": \"{advertise ?? $"https://127.0.0.1:{peersPort}"}\"", "\"AuthorityPath\": \"root.pem\"", "\"Lease\": \"00:00:03\"",
            "\"SuspectTime\": \"00:00:00.500\"", $"\"PeerCertificates\": {{ \"SubjectAlternativeNames\": [ \"uri:{NodeCertificates.GatewayName}\" ] }}",
        ];
        return replace is null ? usual : usual.Where(s => s.Split(':')[0] != replace.Split(':')[0]).Append(replace);
    }

    /// <summary>Waits until this gateway knows this many gateways, including itself.</summary>
    public Task NodesAsync(int count) => Wait.UntilAsync(() => App.Services.GetRequiredService<INodeDirectory>().ListNodes().Count == count);

    public Task AgentsAsync(int count) => Wait.UntilAsync(() => Agents.Count(static a => !a.IsDraining) == count);

    /// <summary>Waits until this gateway, asked for a name, knows this many agents of it.</summary>
    public async Task MembersAsync(int count, string name = Plant7)
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (true)
        {
            await Directory.LoadAsync(name, cancellationToken: hang.Token);
            if (Directory.Find(name).Count == count)
            {
                return;
            }

            await Task.Delay(10, hang.Token);
        }
    }

    /// <summary>An agent of this gateway.</summary>
    public Task<TestApp> AgentAsync(string agent = "a", string name = Plant7, Action<WebApplication>? map = null, Action<MtaTls.Agent.MtaTlsAgentOptions>? configure = null)
        => MtaTls.FunctionalTests.Agents.AgentApp.StartAsync(Port, name, map, configure, agent: agent);

    /// <summary>A public client: ordinary HTTPS.</summary>
    public HttpClient Client(string host = "plant7.example.test") => Client(Port, host);

    public static HttpClient Client(int port, string host = "plant7.example.test") => Client(new IPEndPoint(IPAddress.Loopback, port), host);

    public static HttpClient Client(IPEndPoint gateway, string host = "plant7.example.test") => new(new SocketsHttpHandler
    {
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Equals(TestCertificates.Server) },
        ConnectCallback = async (_, token) =>
        {
            Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(gateway, token);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri($"https://{host}/"),
        Timeout = Wait.Timeout,
    };

    /// <summary>Waits until a request is answered with 200.</summary>
    public static async Task ServedAsync(HttpClient client)
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (true)
        {
            using HttpResponseMessage response = await client.GetAsync("/", hang.Token);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return;
            }

            await Task.Delay(20, hang.Token);
        }
    }

    /// <summary>Waits for this many records of the event.</summary>
    public async Task<string[]> LoggedAsync(string eventName, int count = 1)
    {
        await Wait.UntilAsync(() => Messages(eventName).Length >= count);
        return Messages(eventName);
    }

    public string[] Messages(string eventName) => [.. App.Logs.GetSnapshot().Where(r => r.Id.Name == eventName).Select(static r => r.Message)];

    public ValueTask DisposeAsync() => App.DisposeAsync();
}
