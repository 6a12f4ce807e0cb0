using System.Diagnostics;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>wireguard-go, WireGuard in user space, between the same namespaces.</summary>
internal sealed class WireGuard : IDisposable
{
    public const string ServerAddress = "10.97.0.1";
    private readonly List<Process> _processes = [];

    public IReadOnlyList<Process> Processes => _processes;

    public static async Task<WireGuard?> TryStartAsync(Network network)
    {
        if (!File.Exists("/usr/bin/wireguard-go") || !File.Exists("/usr/bin/wg"))
        {
            Console.WriteLine("wireguard-go is not installed (packages wireguard-go, wireguard-tools), so it is not measured.");
            return null;
        }

        var wireGuard = new WireGuard();
        string directory = network.Tunnel.Directory;
        string[] names = ["server", "client"];
        foreach (string name in names)
        {
            await RunAsync(network.Namespaces.Client, $"umask 077; wg genkey > {directory}/{name}.wgkey; wg pubkey < {directory}/{name}.wgkey > {directory}/{name}.wgpub");
        }

        await wireGuard.StartAsync(network.Namespaces.Concentrator, "wgs0", ServerAddress, $"{directory}/server.wgkey", $"$(cat {directory}/client.wgpub) allowed-ips 10.97.0.2/32", "listen-port 51820");
        await wireGuard.StartAsync(
            network.Namespaces.Client, "wgc0", "10.97.0.2", $"{directory}/client.wgkey",
            $"$(cat {directory}/server.wgpub) allowed-ips 10.97.0.0/24 endpoint {AccessNetworks.ConcentratorAddress}:51820", "");
        return wireGuard;
    }

    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
    }

    private async Task StartAsync(string name, string device, string address, string key, string peer, string port)
    {
        Process process = AccessNetworks.Start(name, "wireguard-go", "-f", device);
        _processes.Add(process);
        for (int attempt = 0; attempt < 100 && !File.Exists($"/var/run/wireguard/{device}.sock"); attempt++)
        {
            await Task.Delay(50);
        }

        await RunAsync(name, $"wg set {device} {port} private-key {key} peer {peer}; ip address add {address}/24 dev {device}; ip link set {device} mtu 1280 up");
    }

    private static async Task RunAsync(string name, string command)
    {
        using Process process = AccessNetworks.Start(name, "sh", "-ec", command);
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{command}: {error}");
        }
    }
}
