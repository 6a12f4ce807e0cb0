using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>
/// Measures the throughput of one TCP connection each way, and the CPU time of the tunnel's processes at both ends. The tunnel and OpenVPN take turns, so that other load of the machine affects both
/// equally. iperf3 sends and receives. All ends share the machine's processors, so this compares processing costs, not networks.
/// </summary>
internal static class Speed
{
    /// <summary>speed [seconds=4] [rounds=3] [setting=Interface:Offload:false]... [small=40000]</summary>
    public static async Task RunAsync(string[] arguments)
    {
        int seconds = int.Parse(Value(arguments, "seconds") ?? "4", CultureInfo.InvariantCulture);
        int rounds = int.Parse(Value(arguments, "rounds") ?? "3", CultureInfo.InvariantCulture);
        string[] settings = Settings(arguments);
        using var network = new Network("s");
        await network.Tunnel.StartConcentratorAsync(["--Urls", "http://0.0.0.0:80", .. settings]);
        await network.Tunnel.StartClientAsync(
            ["--QuicTunnelClient:LocalAddresses:1", "10.201.9.9", .. settings.Select(static setting => setting.Replace("QuicTunnel:", "QuicTunnelClient:", StringComparison.Ordinal))]);
        await network.Tunnel.WaitForAsync("is connected from", 1);
        using Process server = AccessNetworks.Start(network.Namespaces.Concentrator, "iperf3", "-s");
        try
        {
            if (Value(arguments, "small") is { } small)
            {
                await SmallAsync(network, long.Parse(small, CultureInfo.InvariantCulture), seconds, rounds);
                return;
            }

            using OpenVpn? openVpn = await OpenVpn.TryStartAsync(network);
            var ways = new List<Way> { new("QUIC tunnel", "10.99.0.1", [.. network.Tunnel.Processes]) };
            if (openVpn is not null)
            {
                ways.Add(new Way("OpenVPN, UDP, AES-128-GCM", OpenVpn.ServerAddress, openVpn.Processes));
            }

            using WireGuard? wireGuard = await WireGuard.TryStartAsync(network);
            if (wireGuard is not null)
            {
                ways.Add(new Way("wireguard-go", WireGuard.ServerAddress, wireGuard.Processes));
            }

            await CompareAsync(network, ways, seconds, rounds);
        }
        finally
        {
            server.Kill(entireProcessTree: true);
        }
    }

    private static async Task CompareAsync(Network network, List<Way> ways, int seconds, int rounds)
    {
        foreach (Way way in ways)
        {
            await RunAsync(network, way, seconds: 2, down: true);
        }

        for (int round = 0; round < rounds; round++)
        {
            foreach (Way way in ways)
            {
                way.Down.Add(await RunAsync(network, way, seconds, down: true));
                way.Up.Add(await RunAsync(network, way, seconds, down: false));
            }
        }

        Console.WriteLine("\n| one TCP connection, medians | down, Mbit/s | CPU, s/GiB | up, Mbit/s | CPU, s/GiB |\n|---|---:|---:|---:|---:|");
        foreach (Way way in ways)
        {
            Console.WriteLine(
                $"| {way.Name} | {Median(way.Down, static r => r.Rate):f0} | {Median(way.Down, static r => r.Cpu):f1} | {Median(way.Up, static r => r.Rate):f0} | {Median(way.Up, static r => r.Cpu):f1} |");
        }
    }

    /// <summary>Sends UDP packets of 64 bytes (with headers) at a rate, and measures how many arrive.</summary>
    private static async Task SmallAsync(Network network, long rate, int seconds, int rounds)
    {
        Console.WriteLine("\n| packets of 64 bytes/s | sent/s | lost | CPU of both ends, cores | dropped by the devices |\n|---|---:|---:|---:|---|");
        for (int round = 0; round < rounds; round++)
        {
            JsonElement plain = await IperfAsync(
                network, "10.202.1.2", "sum", "-u", "-l", "36", "-b", (rate * 36 * 8).ToString(CultureInfo.InvariantCulture), "-t", seconds.ToString(CultureInfo.InvariantCulture));
            Console.WriteLine($"| {rate:n0}, no tunnel | {plain.GetProperty("packets").GetDouble() / seconds:n0} | {plain.GetProperty("lost_percent").GetDouble():f1} % | | |");
            TimeSpan before = Cpu(network.Tunnel.Processes);
            var watch = Stopwatch.StartNew();
            JsonElement sum = await IperfAsync(
                network, "10.99.0.1", "sum", "-u", "-l", "36", "-b", (rate * 36 * 8).ToString(CultureInfo.InvariantCulture), "-t", seconds.ToString(CultureInfo.InvariantCulture));
            double cpu = (Cpu(network.Tunnel.Processes) - before) / watch.Elapsed;
            double sent = sum.GetProperty("packets").GetDouble();
            Console.WriteLine($"| {rate:n0} | {sent / seconds:n0} | {sum.GetProperty("lost_percent").GetDouble():f1} % | {cpu:f2} | {await DroppedAsync(network.Namespaces.Client)} + {await DroppedAsync(network.Namespaces.Concentrator)} |");
        }
    }

    private static async Task<string> DroppedAsync(string name)
    {
        using Process cat = AccessNetworks.Start(name, "sh", "-c", "cat /sys/class/net/qt0/statistics/tx_dropped; awk '/^Udp: [0-9]/ { print $6 }' /proc/net/snmp");
        string[] lines = (await cat.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return $"device {lines[0]}, sockets {lines[1]}";
    }

    private static async Task<Result> RunAsync(Network network, Way way, int seconds, bool down)
    {
        TimeSpan before = Cpu(way.Processes);
        string[] direction = down ? ["-R"] : [];
        JsonElement sum = await IperfAsync(network, way.Address, "sum_received", ["-t", seconds.ToString(CultureInfo.InvariantCulture), .. direction]);
        double bytes = sum.GetProperty("bytes").GetDouble();
        return new Result(sum.GetProperty("bits_per_second").GetDouble() / 1e6, (Cpu(way.Processes) - before).TotalSeconds / (bytes / (1 << 30)));
    }

    private static async Task<JsonElement> IperfAsync(Network network, string address, string result, params string[] arguments)
    {
        for (int attempt = 0; ; attempt++)
        {
            using Process iperf = AccessNetworks.Start(network.Namespaces.Client, "iperf3", ["-J", "-c", address, "--connect-timeout", "5000", .. arguments]);
            string output = await iperf.StandardOutput.ReadToEndAsync();
            await iperf.WaitForExitAsync();
            using var document = JsonDocument.Parse(output);
            if (document.RootElement.TryGetProperty("end", out JsonElement end) && end.TryGetProperty(result, out JsonElement sum))
            {
                return sum.Clone();
            }

            if (attempt == 2)
            {
                throw new InvalidOperationException(output);
            }

            await Task.Delay(500);
        }
    }

    private static TimeSpan Cpu(IReadOnlyList<Process> processes)
    {
        TimeSpan sum = default;
        foreach (Process process in processes)
        {
            process.Refresh();
            sum += process.TotalProcessorTime;
        }

        return sum;
    }

    private static double Median(List<Result> results, Func<Result, double> value) => Network.Median([.. results.Select(value)]);

    public static string[] Settings(string[] arguments) =>
        [.. arguments.Where(static argument => argument.StartsWith("setting=", StringComparison.Ordinal)).SelectMany(static argument =>
        {
            string setting = argument["setting=".Length..];
            int colon = setting.LastIndexOf(':');
            return new[] { $"--QuicTunnel:{setting[..colon]}", setting[(colon + 1)..] };
        })];

    public static string? Value(string[] arguments, string name) =>
        Array.Find(arguments, argument => argument.StartsWith($"{name}=", StringComparison.Ordinal))?[(name.Length + 1)..];

    private sealed record Result(double Rate, double Cpu);

    private sealed record Way(string Name, string Address, IReadOnlyList<Process> Processes)
    {
        public List<Result> Down { get; } = [];

        public List<Result> Up { get; } = [];
    }
}
