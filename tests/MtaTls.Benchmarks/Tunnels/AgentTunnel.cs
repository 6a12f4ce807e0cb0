using MtaTls.Benchmarks.Carriers;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Client;
using ReverseTunnelSample;

namespace MtaTls.Benchmarks.Tunnels;

/// <summary>The tunnel of this project: an agent, and a gateway with YARP, whose public side is plain HTTP as for the other contenders. The agent's app also serves the other contenders, on a loopback port.</summary>
internal sealed class AgentTunnel : ITunnel
{
    private readonly DemoCertificates _certificates = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-bench-");
    private readonly int _sessions = FreePort.Find();
    private HostedProcess? _gateway;
    private HostedProcess? _app;

    private AgentTunnel()
    {
    }

    public string Title => "MTA-TLS agent";

    public int Port { get; } = FreePort.Find();

    public string Host => "plant.example.com";

    public IEnumerable<int> ProcessIds => [_gateway!.Id, _app!.Id];

    /// <summary>The port on which the app itself listens.</summary>
    public int AppPort { get; } = FreePort.Find();

    public int AppProcess => _app!.Id;

    /// <summary>Returns a tunnel to the same agent for clients that use channels of a session with the gateway.</summary>
    public async Task<ITunnel> ChannelsAsync(CancellationToken ct)
    {
        MtaTlsClientOptions options = new()
        {
            Host = "127.0.0.1",
            Port = _sessions,
            TargetHost = "localhost",
            Mode = MtaTlsClientMode.Required,
            MaxSessions = 1,
            CertificateChainPolicy = _certificates.Trust(),
        };
        return new AgentChannels(await MtaTlsClient.ConnectAsync(options, ct), this);
    }

    /// <summary>Returns the app itself without a tunnel, as the upper bound for tunnels.</summary>
    public ITunnel WithoutTunnel() => new Direct(this);

    public static async Task<AgentTunnel> StartAsync(CancellationToken ct)
    {
        AgentTunnel tunnel = new();
        try
        {
            await tunnel.StartProcessesAsync(ct);
            return tunnel;
        }
        catch
        {
            await tunnel.DisposeAsync();
            throw;
        }
    }

    public ValueTask<Stream> OpenAsync(CancellationToken ct) => new SocketCarrier(Port).OpenAsync(ct);

    public async ValueTask DisposeAsync()
    {
        foreach (HostedProcess? process in (HostedProcess?[])[_app, _gateway])
        {
            if (process is not null)
            {
                await process.DisposeAsync();
            }
        }

        _certificates.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>Starts another agent that serves the name.</summary>
    public HostedProcess StartAgent(string agent, Dictionary<string, string>? settings = null)
        => HostedProcess.StartAgentHost("agent", _folder.FullName, new(settings ?? [])
        {
            ["MtaTlsAgent:Gateways:0"] = $"https://127.0.0.1:{_sessions}",
            ["MtaTlsAgent:TargetHost"] = "localhost",
            ["MtaTlsAgent:AuthorityPath"] = _certificates.Authority,
            ["MtaTlsAgent:ClientCertificate:Path"] = _certificates.Path("plant.pem"),
            ["MtaTlsAgent:ClientCertificate:KeyPath"] = _certificates.Path("plant.key"),
            ["MtaTlsAgent:Agent"] = agent,
            ["MtaTlsAgent:Names:0"] = "plant.internal",
        });

    private async Task StartProcessesAsync(CancellationToken ct)
    {
        _gateway = HostedProcess.StartAgentHost("gateway", _folder.FullName, new()
        {
            ["MtaTls:Endpoints:Agents:Url"] = $"https://127.0.0.1:{_sessions}",
            ["MtaTls:Endpoints:Agents:ClientCertificateMode"] = "AllowCertificate",
            ["MtaTls:Endpoints:Agents:Certificate:Path"] = _certificates.Path("gateway.pem"),
            ["MtaTls:Endpoints:Agents:Certificate:KeyPath"] = _certificates.Path("gateway.key"),
            ["MtaTls:Agents:Rules:0:Names:0"] = "plant.internal",
            ["MtaTls:Agents:Rules:0:ClientCertificate:SubjectAlternativeNames:0"] = "uri:spiffe://example.org/plant",
            ["MtaTls:Channels:0:Hosts:0"] = "plant.internal",
            ["MtaTls:Channels:0:Action"] = "Agent",
            ["MtaTls:Channels:0:AllowAnonymous"] = "true",
            ["Kestrel:Endpoints:Public:Url"] = $"http://127.0.0.1:{Port}",
            ["AgentAuthorityPath"] = _certificates.Authority,
            ["ReverseProxy:Routes:plant:ClusterId"] = "plant",
            ["ReverseProxy:Routes:plant:Match:Hosts:0"] = Host,
            ["ReverseProxy:Routes:plant:Match:Path"] = "{**path}",
            ["ReverseProxy:Clusters:plant:Destinations:agents:Address"] = "http://plant.internal",
            ["ReverseProxy:Clusters:plant:Destinations:agents:Metadata:MtaTls:Agent"] = "plant.internal",
        });
        await _gateway.ListensAsync(Port, ct);
        _app = StartAgent("plant", new()
        {
            ["MtaTlsAgent:ServeLocally"] = "true",
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{AppPort}",
        });
        await _app.ListensAsync(AppPort, ct);
    }

    private sealed class Direct(AgentTunnel tunnel) : ITunnel
    {
        public string Title => "no tunnel";

        public string Host => tunnel.Host;

        public IEnumerable<int> ProcessIds => [tunnel.AppProcess];

        public ValueTask<Stream> OpenAsync(CancellationToken ct) => new SocketCarrier(tunnel.AppPort).OpenAsync(ct);

        public ValueTask DisposeAsync() => default;
    }

    private sealed class AgentChannels(MtaTlsClient client, AgentTunnel tunnel) : ITunnel
    {
        public string Title => "same, client in channels";

        public string Host => tunnel.Host;

        public IEnumerable<int> ProcessIds => tunnel.ProcessIds;

        public async ValueTask<Stream> OpenAsync(CancellationToken ct) => await client.OpenChannelAsync("plant.internal", 80, ct);

        public ValueTask DisposeAsync() => client.DisposeAsync();
    }
}
