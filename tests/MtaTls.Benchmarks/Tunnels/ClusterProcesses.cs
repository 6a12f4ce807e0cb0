using ClusterSample;

namespace MtaTls.Benchmarks.Tunnels;

/// <summary>Gateways that share a Redis, agents of them and public clients.</summary>
internal static class ClusterProcesses
{
    /// <summary>Starts a gateway.</summary>
    /// <param name="certificates">Certificates of all.</param>
    /// <param name="folder">Where it runs.</param>
    /// <param name="redis">The port of Redis.</param>
    /// <param name="index">Which of the gateways.</param>
    /// <param name="agents">Its port for agents.</param>
    /// <param name="peers">Its port for other gateways.</param>
    /// <param name="plain">Its port for public clients, without TLS.</param>
    public static HostedProcess StartGateway(DemoCertificates certificates, string folder, int redis, int index, int agents, int peers, int plain) => HostedProcess.StartAgentHost("gateway", folder, new()
    {
        ["Redis"] = $"127.0.0.1:{redis}",
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
        ["AgentAuthorityPath"] = certificates.Path("authority.pem"),
        ["Kestrel:Endpoints:Public:Url"] = $"http://127.0.0.1:{plain}",
        ["Logging:LogLevel:Default"] = "Warning",
    });

    /// <summary>Starts an agent with one session that serves <c>NAME.internal</c>.</summary>
    /// <param name="certificates">Certificates of all.</param>
    /// <param name="folder">Where it runs.</param>
    /// <param name="name">Its name.</param>
    /// <param name="gateways">The ports of the gateways that it knows, the one to begin with first.</param>
    public static HostedProcess StartAgent(DemoCertificates certificates, string folder, string name, params int[] gateways)
    {
        Dictionary<string, string> settings = new()
        {
            ["MtaTlsAgent:Sessions"] = "1",
            ["MtaTlsAgent:TargetHost"] = "localhost",
            ["MtaTlsAgent:AuthorityPath"] = certificates.Path("authority.pem"),
            ["MtaTlsAgent:ClientCertificate:Path"] = certificates.Path("agent.pem"),
            ["MtaTlsAgent:ClientCertificate:KeyPath"] = certificates.Path("agent.key"),
            ["MtaTlsAgent:Agent"] = name,
            ["MtaTlsAgent:Names:0"] = $"{name}.internal",
        };
        for (int i = 0; i < gateways.Length; i++)
        {
            settings[$"MtaTlsAgent:Gateways:{i}"] = $"https://127.0.0.1:{gateways[i]}";
        }

        return HostedProcess.StartAgentHost("agent", folder, settings);
    }

    /// <summary>A public client of one gateway that asks for an agent's name.</summary>
    public static HttpClient Client(int plain, string name)
    {
        HttpClient client = new() { BaseAddress = new Uri($"http://127.0.0.1:{plain}") };
        client.DefaultRequestHeaders.Host = $"{name}.agents.example.test";
        return client;
    }
}
