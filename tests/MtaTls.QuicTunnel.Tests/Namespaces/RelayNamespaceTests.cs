using System.Diagnostics;
using System.Security.Cryptography;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Cluster;
using MtaTls.QuicTunnel.Tests.Configuration;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Tests.Namespaces;

/// <summary>
/// Two concentrators as processes with network hosts of their own, behind a balancer of the kernel (DNAT by flows), with redis-server as directory. The router between client and concentrators is the
/// balancer at 10.200.0.9; A is also at 10.200.0.1 and B at 10.200.0.2. They reach each other over a link of their own.
/// </summary>
[Collection("network namespaces")]
public sealed class RelayNamespaceTests : IDisposable
{
    private const string AddressOfB = "10.200.0.2", Shared = "10.200.0.9";

    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(2);
    private static readonly string? s_whyNot = QuicEngine.UnsupportedReason ?? AccessNetworks.WhyNot();
    private static int s_count;
    private readonly string _file = Path.GetTempFileName();
    private readonly AccessNetworks? _networks;
    private readonly TunnelProcesses? _tunnel;
    private readonly List<Process> _processes = [];
    private readonly string _nodeB = "";

    public RelayNamespaceTests()
    {
        if (s_whyNot is not null)
        {
            return;
        }

        string id = $"r{Environment.ProcessId % 100_000}-{Interlocked.Increment(ref s_count)}";
        _networks = new AccessNetworks(id);
        _nodeB = $"qt-{id}-concb";
        _tunnel = new TunnelProcesses(_networks);
    }

    private AccessNetworks Networks => _networks!;

    private TunnelProcesses Tunnel => _tunnel!;

    private string Router => Networks.Access('a');

    public void Dispose()
    {
        _tunnel?.Dispose();
        foreach (Process process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit();
            }

            process.Dispose();
        }

        if (_networks is not null)
        {
            Start("ip", "netns", "delete", _nodeB).WaitForExit();
            _networks.Dispose();
        }

        File.Delete(_file);
    }

    [Fact]
    public async Task A_client_whose_direct_path_is_cut_goes_on_through_another_node_and_comes_back()
    {
        Assert.SkipWhen(s_whyNot is not null, s_whyNot ?? "");
        Connect();
        await StartRedisAsync();
        await StartNodeAsync("gw-a", Networks.Concentrator, AccessNetworks.ConcentratorAddress, "10.204.0.1");
        await StartNodeAsync("gw-b", _nodeB, AddressOfB, "10.204.0.2");
        Networks.Shape('a', 30);
        await Tunnel.StartClientAsync("--QuicTunnelClient:LocalAddresses:1", "10.201.9.9", "--QuicTunnelClient:Host", Shared);
        await Tunnel.WaitForAsync("is connected from");

        const long Size = 60_000_000;
        Process curl = StartIn(Networks.Client, "curl", "-sS", "--fail", "-o", _file, $"http://10.99.0.1/bytes/{Size}");
        Process ping = StartIn(Networks.Client, "ping", "-i", "0.1", "10.99.0.1");
        Task<string> pinged = ping.StandardOutput.ReadToEndAsync();
        await ReceivedAsync(curl, 5_000_000);

        Balance(AddressOfB);
        Ip("-n", Router, "rule", "add", "to", AccessNetworks.ConcentratorAddress, "blackhole", "pref", "10");
        Ip("-n", Router, "rule", "add", "iif", "s0", "blackhole", "pref", "11");
        await Tunnel.WaitForAsync("is relayed.");
        long before = new FileInfo(_file).Length;
        await ReceivedAsync(curl, before + 10_000_000);

        Ip("-n", Router, "rule", "delete", "pref", "10");
        Ip("-n", Router, "rule", "delete", "pref", "11");
        await Tunnel.WaitForAsync("The direct path works again.");
        await Tunnel.WaitForAsync("a connection is no longer relayed");
        await curl.WaitForExitAsync().WaitAsync(s_timeout);
        Assert.True(curl.ExitCode == 0, $"{await curl.StandardError.ReadToEndAsync()}\n{Said}");
        await using (FileStream content = File.OpenRead(_file))
        {
            Assert.Equal(SampleData.Hash(Size), Convert.ToHexStringLower(await SHA256.HashDataAsync(content)));
        }

        Start("kill", "-INT", $"{ping.Id}").WaitForExit();
        string pings = await pinged.WaitAsync(s_timeout);
        Assert.Contains(" received", pings, StringComparison.Ordinal);
        Assert.DoesNotContain("DUP!", pings, StringComparison.Ordinal);
        // One session from the beginning to the end.
        Assert.Single(Tunnel.Output, static line => line.Contains("is ready.", StringComparison.Ordinal));
    }

    private string Said => string.Join('\n', Tunnel.Output);

    private static Process Start(string program, params string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;

    private static void Ip(params string[] arguments) => Run("ip", arguments);

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments);
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {error}");
    }

    /// <summary>Connects B to the router and to A, and sets up the balancer.</summary>
    private void Connect()
    {
        Ip("netns", "add", _nodeB);
        Ip("-n", _nodeB, "link", "set", "lo", "up");
        Ip("-n", _nodeB, "address", "add", $"{AddressOfB}/32", "dev", "lo");
        Ip("link", "add", "n0", "netns", Router, "type", "veth", "peer", "name", "a0", "netns", _nodeB);
        Ip("-n", Router, "address", "add", "10.203.1.1/24", "dev", "n0");
        Ip("-n", _nodeB, "address", "add", "10.203.1.2/24", "dev", "a0");
        Ip("link", "add", "peer0", "netns", Networks.Concentrator, "type", "veth", "peer", "name", "peer0", "netns", _nodeB);
        Ip("-n", Networks.Concentrator, "address", "add", "10.204.0.1/24", "dev", "peer0");
        Ip("-n", _nodeB, "address", "add", "10.204.0.2/24", "dev", "peer0");
        foreach ((string host, string device) in new[] { (Router, "n0"), (_nodeB, "a0"), (Networks.Concentrator, "peer0"), (_nodeB, "peer0") })
        {
            Ip("-n", host, "link", "set", device, "up");
        }

        Ip("-n", Router, "route", "add", AddressOfB, "via", "10.203.1.2");
        Ip("-n", _nodeB, "route", "add", "10.201.1.0/24", "via", "10.203.1.1");
        Run("ip", "netns", "exec", Router, "nft", "add table ip balancer; add chain ip balancer choose { type nat hook prerouting priority dstnat; }");
        Balance(AccessNetworks.ConcentratorAddress);
    }

    /// <summary>New flows to the shared address go to this one.</summary>
    private void Balance(string address) =>
        Run("ip", "netns", "exec", Router, "nft", $"flush chain ip balancer choose; add rule ip balancer choose ip daddr {Shared} udp dport 4433 dnat to {address}");

    private async Task StartRedisAsync()
    {
        Process redis = StartIn(Networks.Concentrator, "redis-server", "--port", "6379", "--bind", "10.204.0.1", "--protected-mode", "no", "--save", "", "--appendonly", "no");
        while (await redis.StandardOutput.ReadLineAsync().WaitAsync(s_timeout) is { } line)
        {
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
            {
                _ = redis.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                return;
            }
        }

        Assert.Skip("redis-server is not installed.");
    }

    private Task StartNodeAsync(string node, string host, string own, string peer)
    {
        CertificateFolder.Write(Tunnel.Directory, node, s_authority.CreateNode(node), s_authority.Authority, authorityName: "nodes-ca");
        return Tunnel.StartConcentratorInAsync(
            host,
            "--Redis", "10.204.0.1:6379",
            "--QuicTunnel:Cluster:Node", node,
            "--QuicTunnel:Cluster:Secret", TwoNodes.Secret,
            "--QuicTunnel:Cluster:PreferredAddresses:0", $"{own}:4433",
            "--QuicTunnel:Cluster:Relay:Listen:0", $"{peer}:4434",
            "--QuicTunnel:Cluster:Relay:Certificate:Path", Path.Combine(Tunnel.Directory, $"{node}.pem"),
            "--QuicTunnel:Cluster:Relay:Certificate:KeyPath", Path.Combine(Tunnel.Directory, $"{node}.key"),
            "--QuicTunnel:Cluster:Relay:AuthorityPath", Path.Combine(Tunnel.Directory, "nodes-ca.pem"));
    }

    private static readonly TestCertificates s_authority = new("CN=authority of concentrators");

    private Process StartIn(string host, string program, params string[] arguments)
    {
        Process process = AccessNetworks.Start(host, program, arguments);
        _processes.Add(process);
        return process;
    }

    private Task ReceivedAsync(Process curl, long bytes) => Wait.UntilAsync(() => new FileInfo(_file).Length >= bytes || curl.HasExited, "the download makes no progress", s_timeout);
}
