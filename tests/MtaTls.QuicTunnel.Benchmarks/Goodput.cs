using System.Diagnostics;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>
/// Measures the goodput of one TCP connection without a tunnel, through the tunnel and through OpenVPN. They take turns, so that other load of the machine affects all of them
/// equally. All ends share the machine's processors, so this compares processing costs, not networks.
/// </summary>
internal static class Goodput
{
    private const long Octets = 100_000_000;
    private const int Rounds = 3;

    public static async Task RunAsync()
    {
        using var network = new Network("g");
        await network.StartAsync(paths: 1);
        using OpenVpn? openVpn = await OpenVpn.TryStartAsync(network);
        var ways = new List<(string Name, string Address, List<double> Rates)> { ("no tunnel", AccessNetworks.ConcentratorAddress, []), ("QUIC tunnel", "10.99.0.1", []) };
        if (openVpn is not null)
        {
            ways.Add(("OpenVPN, UDP, AES-128-GCM", OpenVpn.ServerAddress, []));
        }

        foreach ((string _, string address, List<double> _) in ways)
        {
            await network.DownloadAsync(address, 10_000_000);
        }

        for (int round = 0; round < Rounds; round++)
        {
            foreach ((string _, string address, List<double> rates) in ways)
            {
                rates.Add(await network.DownloadAsync(address, Octets));
            }
        }

        Console.WriteLine($"\n| one download of {Octets / 1_000_000} MB | median Mbit/s | all |\n|---|---|---|");
        foreach ((string name, string _, List<double> rates) in ways)
        {
            Console.WriteLine($"| {name} | {Network.Median(rates):f0} | {string.Join(", ", rates.Select(rate => $"{rate:f0}"))} |");
        }

        if (openVpn is not null)
        {
            Console.WriteLine($"QUIC tunnel : OpenVPN = {Network.Median(ways[1].Rates) / Network.Median(ways[2].Rates):f2}");
        }
    }
}

/// <summary>OpenVPN between the same namespaces.</summary>
internal sealed class OpenVpn : IDisposable
{
    public const string ServerAddress = "10.98.0.1";
    private readonly List<Process> _processes = [];

    public IReadOnlyList<Process> Processes => _processes;

    public static async Task<OpenVpn?> TryStartAsync(Network network)
    {
        if (!File.Exists("/usr/sbin/openvpn"))
        {
            Console.WriteLine("OpenVPN is not installed (package openvpn), so it is not measured.");
            return null;
        }

        var openVpn = new OpenVpn();
        string directory = network.Tunnel.Directory;
        string[] common = ["--dev", "ov0", "--dev-type", "tun", "--proto", "udp4", "--data-ciphers", "AES-128-GCM", "--ca", Path.Combine(directory, "ca.pem")];
        openVpn.Start(
            network.Namespaces.Concentrator,
            [.. common, "--tls-server", "--dh", "none", "--local", AccessNetworks.ConcentratorAddress, "--port", "1194", "--ifconfig", ServerAddress, "10.98.0.2", .. Certificate(directory, "concentrator")]);
        openVpn.Start(
            network.Namespaces.Client,
            [.. common, "--tls-client", "--nobind", "--remote", AccessNetworks.ConcentratorAddress, "1194", "--ifconfig", "10.98.0.2", ServerAddress, .. Certificate(directory, "laptop-1")]);
        for (int attempt = 0; attempt < 60; attempt++)
        {
            using Process curl = AccessNetworks.Start(network.Namespaces.Client, "curl", "-sS", "--max-time", "1", $"http://{ServerAddress}/");
            await curl.WaitForExitAsync();
            if (curl.ExitCode == 0)
            {
                return openVpn;
            }

            await Task.Delay(500);
        }

        openVpn.Dispose();
        throw new InvalidOperationException("OpenVPN did not start.");
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

    private static string[] Certificate(string directory, string name) =>
        ["--cert", Path.Combine(directory, $"{name}.pem"), "--key", Path.Combine(directory, $"{name}.key")];

    private Process Start(string name, string[] arguments)
    {
        Process process = AccessNetworks.Start(name, "/usr/sbin/openvpn", arguments);
        _processes.Add(process);
        return process;
    }
}
