using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using MtaTls.FunctionalTests.Agents;
using MtaTls.FunctionalTests.Agents.Processes;
using MtaTls.FunctionalTests.Liveness;
using MtaTls.ReverseProxy.Redis.Tests.Network;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>Several gateways as processes, each on its ports for good, with the real Redis, HAProxy and agents as processes; on this host, or each on a host of its own.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    // A check may take as long as its interval, and one late answer must not take a gateway out.
    private const string Check = "check check-ssl verify none inter 2s fall 2 rise 1";

    private readonly ClusterNetwork? _network;
    private readonly Dictionary<string, string> _settings;
    private readonly int[] _peers;
    private readonly ConcurrentBag<IAsyncDisposable> _agents = [];
    private readonly List<string> _endedLogs = [];

    private ProcessCluster(RedisServer redis, int count, ClusterNetwork? network, Dictionary<string, string> settings)
    {
        Redis = redis;
        _network = network;
        _settings = settings;
        Gateways = new HostProcess[count];
        EndPoints = [.. Enumerable.Range(0, count).Select(i => IPEndPoint.Parse($"{AddressOf(i)}:{(network is null ? FreePort.Find() : 8443)}"))];
        _peers = [.. EndPoints.Select(_ => network is null ? FreePort.Find() : 9443)];
    }

    public RedisServer Redis { get; }

    public HaProxy Balancer { get; private set; } = null!;

    /// <summary>The gateways gw-0, gw-1 and so on.</summary>
    public HostProcess[] Gateways { get; }

    public IPEndPoint[] EndPoints { get; }

    /// <summary>Where clients and agents find the balancer.</summary>
    public IPEndPoint Public => IPEndPoint.Parse($"{(_network is null ? "127.0.0.1" : _network.AddressOf(_network.Balancer))}:{Balancer.Port}");

    /// <summary>Starts all of it, and waits until the balancer sends connections to every gateway.</summary>
    /// <param name="network">Where each has a host of its own; null: on this one.</param>
    /// <param name="count">How many gateways.</param>
    /// <param name="settings">Further settings of each.</param>
    public static async Task<ProcessCluster> StartAsync(ClusterNetwork? network = null, int count = 3, Dictionary<string, string>? settings = null)
    {
        RedisServer redis = network is null ? await RedisServer.StartNewAsync() : await RedisServer.StartInAsync(network.Redis, network.AddressOf(network.Redis));
        ProcessCluster cluster = new(redis, count, network, settings ?? []);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, count).Select(cluster.StartAsync));
            cluster.Balancer = await HaProxy.StartAsync(cluster.EndPoints, check: Check, address: network?.AddressOf(network.Balancer) ?? "127.0.0.1", networkNamespace: network?.Balancer);
            await Task.WhenAll(Enumerable.Range(0, count).Select(i => cluster.Balancer.WaitForAsync(i, "UP")));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>What all gateways and agents have logged, for the message of a failure.</summary>
    public string Log => string.Join("\n\n", [.. _endedLogs, .. Gateways.Select(static g => g.Log), .. _agents.OfType<HostProcess>().Select(static a => a.Log)]);

    /// <summary>SIGTERM, waits for the end, and starts it again.</summary>
    public async Task RestartAsync(int index)
    {
        await Gateways[index].StopAsync();
        _endedLogs.Add(Gateways[index].Log);
        await Gateways[index].DisposeAsync();
        await StartAsync(index);
        await Balancer.WaitForAsync(index, "UP");
    }

    /// <summary>Starts an agent, and waits until all its sessions are registered.</summary>
    /// <param name="name">Its name for people.</param>
    /// <param name="gateway">The gateway that it knows; null: the balancer.</param>
    /// <param name="sessions">Its sessions.</param>
    public async Task<HostProcess> AgentAsync(string name, int? gateway = null, int sessions = 2)
    {
        var agent = HostProcess.StartAgent($"https://{(gateway is { } index ? EndPoints[index] : Public)}", name, _network?.Agent(), new() { ["MtaTlsAgent:Sessions"] = $"{sessions}", ["MtaTlsAgent:ConnectTimeout"] = "00:01:00" });
        _agents.Add(agent);
        await agent.RegisteredAsync(sessions);
        return agent;
    }

    /// <summary>Starts an agent in this process, with its connections from a host of the network, and waits until all its sessions are registered.</summary>
    /// <param name="name">Its name for people.</param>
    /// <param name="serves">The name that it serves.</param>
    /// <param name="gateway">The gateway that it knows; null: the balancer.</param>
    /// <param name="host">Which of the agents' hosts.</param>
    /// <param name="sessions">Its sessions.</param>
    /// <param name="map">Its endpoints; null: it answers everything with its name.</param>
    public async Task<TestApp> LocalAgentAsync(string name, string serves, int? gateway = null, int host = 0, int sessions = 1, Action<WebApplication>? map = null)
    {
        TestApp agent = await AgentApp.StartAsync(0, serves, map, agent: name, configure: options =>
        {
            options.Gateways.Clear();
            options.Gateways.Add($"https://{(gateway is { } index ? EndPoints[index] : Public)}");
            options.Sessions = sessions;
            options.ConnectTimeout = TimeSpan.FromMinutes(1);
            if (_network is not null)
            {
                options.ConnectCallback = (endPoint, token) => ClusterNetwork.ConnectAsync(_network.Agent(host), endPoint, token);
            }
        });
        _agents.Add(agent);
        await Wait.UntilAsync(() => agent.Logs.GetSnapshot().Count(static r => r.Id.Name == "Registered") >= sessions);
        return agent;
    }

    /// <summary>A public client of one gateway.</summary>
    public HttpClient Client(int gateway, string host = "plant7.example.test") => ClusterGateway.Client(EndPoints[gateway], host);

    /// <summary>A public client that comes through the balancer, with HTTP/2.</summary>
    public HttpClient Client()
    {
        HttpClient client = ClusterGateway.Client(Public);
        client.DefaultRequestVersion = HttpVersion.Version20;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return client;
    }

    /// <summary>Waits until a gateway answers requests for an agent's name.</summary>
    public async Task ServedAsync(int gateway, string host = "plant7.example.test")
    {
        using HttpClient client = Client(gateway, host);
        await ClusterGateway.ServedAsync(client);
    }

    /// <summary>The members of a name as they stand in Redis: node, epoch, registration, weight, agent.</summary>
    public async Task<string[][]> MembersAsync(string name = ClusterGateway.Plant7)
        => [.. ((string?[])(await Redis.CommandAsync("SMEMBERS", $"mtatls:agents:{name}"))!).Select(static m => m!.Split('|'))];

    /// <summary>Waits until the members of a name are as they should.</summary>
    public async Task MembersAsync(Func<string[][], bool> condition, string name = ClusterGateway.Plant7)
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (!condition(await MembersAsync(name)))
        {
            await Task.Delay(50, hang.Token);
        }
    }

    /// <summary>Waits until the sessions of each agent are on different gateways.</summary>
    public Task SpreadAsync()
        => MembersAsync(static members => members.Length > 0 && members.GroupBy(static m => m[4]).All(static agent => agent.Count() == 2 && agent.Select(static m => m[0]).Distinct().Count() == 2));

    /// <summary>The gateway that an agent is registered with, as it stands in Redis; not one that has died.</summary>
    public async Task<int> NodeOfAsync(string agent, int dead = -1, string name = ClusterGateway.Plant7)
    {
        string node = "";
        await MembersAsync(members => (node = members.FirstOrDefault(m => m[4] == agent && m[0] != $"gw-{dead}")?[0] ?? "").Length > 0, name);
        return int.Parse(node["gw-".Length..], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable? part in (IAsyncDisposable?[])[.. _agents, Balancer, .. Gateways, Redis])
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }

    private string AddressOf(int index) => _network is null ? "127.0.0.1" : _network.AddressOf(_network.Gateway(index));

    private async Task StartAsync(int index)
    {
        string peer = $"https://{AddressOf(index)}:{_peers[index]}";
        // In a network the defaults: what a gateway does about another that does not answer is the subject. Elsewhere only a gateway or agent that hangs reaches them.
        string waits = _network is null ? """ "OpenTimeout": "00:00:20", "WaitForAgent": "00:01:30" """ : """ "OpenTimeout": "00:00:05", "WaitForAgent": "00:00:10" """;
        Gateways[index] = await HostProcess.StartGatewayAsync(
            AgentGateway.Settings(waits, rules: """ "Rules": [ { "Names": [ "*.internal" ], "ClientCertificate": { "SubjectAlternativeNames": [ "dns:client.test" ] } } ] """),
            AddressOf(index),
            EndPoints[index].Port,
            new(_settings)
            {
                ["Redis"] = Redis.ConnectionString,
                ["MtaTls:Endpoints:Peers:Url"] = peer,
                ["MtaTls:Endpoints:Peers:Certificate:Path"] = "node.pem",
                ["MtaTls:Endpoints:Peers:Certificate:KeyPath"] = "node.key",
                ["MtaTls:Cluster:Node"] = $"gw-{index}",
                ["MtaTls:Cluster:Advertise"] = peer,
                ["MtaTls:Cluster:AuthorityPath"] = "root.pem",
                ["MtaTls:Cluster:PeerCertificates:SubjectAlternativeNames:0"] = "uri:" + NodeCertificates.GatewayName,
                // Long enough for the balancer to notice, on a busy machine too.
                ["MtaTls:Shutdown:Delay"] = "00:00:15",
                ["MtaTls:Agents:DrainTimeout"] = "00:00:05",
            },
            static folder => PemFiles.Write(folder, "node", NodeCertificates.Gateway),
            _network?.Gateway(index));
    }
}
