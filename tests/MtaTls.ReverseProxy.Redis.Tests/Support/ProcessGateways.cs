using MtaTls.FunctionalTests.Agents;
using MtaTls.FunctionalTests.Agents.Processes;
using MtaTls.FunctionalTests.Liveness;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>Several gateways as processes, each on its ports for good.</summary>
internal sealed class ProcessGateways : IAsyncDisposable
{
    private readonly RedisServer _redis;
    private readonly int[] _peers;

    private ProcessGateways(RedisServer redis, int count)
    {
        _redis = redis;
        Ports = [.. Enumerable.Range(0, count).Select(static _ => FreePort.Find())];
        _peers = [.. Enumerable.Range(0, count).Select(static _ => FreePort.Find())];
        Processes = new HostProcess[count];
    }

    public int[] Ports { get; }

    public HostProcess[] Processes { get; }

    public static async Task<ProcessGateways> StartAsync(RedisServer redis, int count)
    {
        ProcessGateways gateways = new(redis, count);
        await Task.WhenAll(Enumerable.Range(0, count).Select(gateways.StartAsync));
        return gateways;
    }

    /// <summary>SIGTERM, waits for the end, and starts it again.</summary>
    public async Task RestartAsync(int index)
    {
        await Processes[index].StopAsync();
        await Processes[index].DisposeAsync();
        await StartAsync(index);
    }

    public Task KillAsync(int index) => Processes[index].KillAsync();

    /// <summary>Waits until the balancer sends connections to all.</summary>
    public Task UpAsync(HaProxy balancer) => Task.WhenAll(Enumerable.Range(0, Ports.Length).Select(i => balancer.WaitForAsync(i, "UP")));

    public HostProcess Agent(HaProxy balancer, string name) => Agent(balancer.Port, name);

    public HostProcess Agent(int port, string name) => HostProcess.StartAgent($"https://127.0.0.1:{port}", name);

    /// <summary>Waits until the sessions of each agent are on different gateways.</summary>
    public async Task SpreadAsync()
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (true)
        {
            string?[] members = (string?[])(await _redis.CommandAsync("SMEMBERS", $"mtatls:agents:{ClusterGateway.Plant7}"))!;
            string[][] fields = [.. members.Select(static m => m!.Split('|'))];
            if (fields.Length > 0 && fields.GroupBy(static f => f[4]).All(static agent => agent.Count() == 2 && agent.Select(static f => f[0]).Distinct().Count() == 2))
            {
                return;
            }

            await Task.Delay(50, hang.Token);
        }
    }

    /// <summary>The gateway that an agent is registered with, as it stands in Redis; not one that has died.</summary>
    public async Task<int> NodeOfAsync(string agent, int dead = -1)
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (true)
        {
            string?[] members = (string?[])(await _redis.CommandAsync("SMEMBERS", $"mtatls:agents:{ClusterGateway.Plant7}"))!;
            if (members.Select(static m => m!.Split('|')).FirstOrDefault(f => f[4] == agent && f[0] != $"gw-{dead}") is { } fields)
            {
                return int.Parse(fields[0]["gw-".Length..], System.Globalization.CultureInfo.InvariantCulture);
            }

            await Task.Delay(50, hang.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HostProcess process in Processes)
        {
            if (process is not null)
            {
                await process.DisposeAsync();
            }
        }
    }

    private async Task StartAsync(int index)
    {
        Processes[index] = await HostProcess.StartGatewayAsync(
            AgentGateway.Settings(),
            port: Ports[index],
            more: new()
            {
                ["Redis"] = _redis.ConnectionString,
                ["MtaTls:Endpoints:Peers:Url"] = $"https://127.0.0.1:{_peers[index]}",
                ["MtaTls:Endpoints:Peers:Certificate:Path"] = "node.pem",
                ["MtaTls:Endpoints:Peers:Certificate:KeyPath"] = "node.key",
                ["MtaTls:Cluster:Node"] = $"gw-{index}",
                ["MtaTls:Cluster:Advertise"] = $"https://127.0.0.1:{_peers[index]}",
                ["MtaTls:Cluster:AuthorityPath"] = "root.pem",
                ["MtaTls:Cluster:PeerCertificates:SubjectAlternativeNames:0"] = "uri:" + NodeCertificates.GatewayName,
                ["MtaTls:Cluster:Lease"] = "00:00:03",
                ["MtaTls:Shutdown:Delay"] = "00:00:01",
                ["MtaTls:Agents:DrainTimeout"] = "00:00:05",
            },
            files: static folder => PemFiles.Write(folder, "node", NodeCertificates.Gateway));
    }
}
