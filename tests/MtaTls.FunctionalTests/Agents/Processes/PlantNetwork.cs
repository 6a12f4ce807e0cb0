using System.Diagnostics;
using System.Globalization;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Agents.Processes;

/// <summary>
/// A plant behind NAT, as network namespaces of this host; root may make them.
/// <code>
///   [ plant ] 192.168.77.2 ---- 192.168.77.1 [ router: masquerade ] 10.x.y.2 ---- 10.x.y.1 [ this host: the gateway ]
/// </code>
/// The plant drops everything that comes in unasked.
/// </summary>
internal sealed class PlantNetwork : IAsyncDisposable
{
    private readonly string _id = Random.Shared.Next(0x10000).ToString("x4", CultureInfo.InvariantCulture);
    private readonly string _network = string.Create(CultureInfo.InvariantCulture, $"10.{Random.Shared.Next(210, 250)}.{Random.Shared.Next(256)}");

    public string Plant => $"mta-{_id}-plant";

    /// <summary>This host's address, where a gateway can listen.</summary>
    public string GatewayAddress => _network + ".1";

    private string Router => $"mta-{_id}-router";

    public static async Task<PlantNetwork> CreateAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Making network namespaces needs root on Linux.");
        PlantNetwork network = new();
        try
        {
            await network.BuildAsync();
            return network;
        }
        catch (InvalidOperationException e)
        {
            await network.DisposeAsync();
            Assert.Skip($"Network namespaces can't be made here: {e.Message}");
            throw;
        }
    }

    /// <summary>What the plant listens on, as ss says; empty: nothing.</summary>
    public Task<string> ListenersAsync() => RunAsync("ip", "netns", "exec", Plant, "ss", "-H", "-ltun");

    /// <summary>Every packet between plant and gateway is dropped without a word, or no longer.</summary>
    public Task DropAsync(bool drops) => drops
        ? RunAsync("ip", "netns", "exec", Router, "nft", "add table inet hole; add chain inet hole f { type filter hook forward priority 0 ; policy drop ; }")
        : RunAsync("ip", "netns", "exec", Router, "nft", "delete table inet hole");

    public async ValueTask DisposeAsync()
    {
        foreach (string[] arguments in (string[][])[["netns", "delete", Plant], ["netns", "delete", Router], ["link", "delete", $"mta{_id}"]])
        {
            try
            {
                await RunAsync("ip", arguments);
            }
            catch (InvalidOperationException)
            {
                // It was not made, or went with the other end.
            }
        }
    }

    private async Task BuildAsync()
    {
        await RunAsync("ip", "netns", "add", Plant);
        await RunAsync("ip", "netns", "add", Router);
        await RunAsync("ip", "link", "add", $"mta{_id}", "type", "veth", "peer", "name", "wan", "netns", Router);
        await RunAsync("ip", "address", "add", $"{GatewayAddress}/30", "dev", $"mta{_id}");
        await RunAsync("ip", "link", "set", $"mta{_id}", "up");
        await RunAsync("ip", "-n", Router, "address", "add", $"{_network}.2/30", "dev", "wan");
        await RunAsync("ip", "-n", Router, "link", "set", "wan", "up");
        await RunAsync("ip", "-n", Router, "link", "add", "lan", "type", "veth", "peer", "name", "eth0", "netns", Plant);
        await RunAsync("ip", "-n", Router, "address", "add", "192.168.77.1/24", "dev", "lan");
        await RunAsync("ip", "-n", Router, "link", "set", "lan", "up");
        await RunAsync("ip", "-n", Plant, "address", "add", "192.168.77.2/24", "dev", "eth0");
        await RunAsync("ip", "-n", Plant, "link", "set", "eth0", "up");
        await RunAsync("ip", "-n", Plant, "link", "set", "lo", "up");
        await RunAsync("ip", "-n", Plant, "route", "add", "default", "via", "192.168.77.1");
        await RunAsync("ip", "netns", "exec", Router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1");
        await RunAsync("ip", "netns", "exec", Router, "nft", "add table ip nat; add chain ip nat p { type nat hook postrouting priority 100 ; } ; add rule ip nat p oifname wan masquerade");
        await RunAsync(
            "ip", "netns", "exec", Plant, "nft",
            "add table inet f; add chain inet f i { type filter hook input priority 0 ; policy drop ; } ; add rule inet f i iif lo accept; add rule inet f i ct state established,related accept");
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string output = await process.StandardOutput.ReadToEndAsync().Soon(), error = await process.StandardError.ReadToEndAsync().Soon();
            await process.WaitForExitAsync().Soon();
            return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException($"{program} is not installed.", e);
        }
    }
}
