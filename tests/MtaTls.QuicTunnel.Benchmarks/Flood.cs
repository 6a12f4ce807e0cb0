using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>
/// Floods the concentrator with nonsense that looks like first packets, from another network than the client's. Measures a running download, and the time that a new client needs from its first packet until it
/// is connected.
/// </summary>
internal static class Flood
{
    private const int NewClients = 5;

    /// <summary>flood [seconds=4] [rounds=3] [rates=5000,50000]</summary>
    public static async Task RunAsync(string[] arguments)
    {
        int seconds = int.Parse(Speed.Value(arguments, "seconds") ?? "4", CultureInfo.InvariantCulture);
        int rounds = int.Parse(Speed.Value(arguments, "rounds") ?? "3", CultureInfo.InvariantCulture);
        int[] rates = [0, .. (Speed.Value(arguments, "rates") ?? "5000,50000").Split(',').Select(static rate => int.Parse(rate, CultureInfo.InvariantCulture))];
        using var network = new Network("f");
        network.Namespaces.Shape('a', 50);
        await network.StartAsync(paths: 1);
        using Process server = AccessNetworks.Start(network.Namespaces.Concentrator, "iperf3", "-s");
        try
        {
            Dictionary<int, List<double>> downloads = rates.ToDictionary(static rate => rate, static _ => new List<double>());
            var sent = new Dictionary<int, double>();
            await DownloadAsync(network, 2);
            for (int round = 0; round < rounds; round++)
            {
                foreach (int rate in rates)
                {
                    using Nonsense? nonsense = Begin(network, rate);
                    var watch = Stopwatch.StartNew();
                    downloads[rate].Add(await DownloadAsync(network, seconds));
                    sent[rate] = (nonsense?.Sent ?? 0) / watch.Elapsed.TotalSeconds;
                }
            }

            Console.WriteLine("\n| nonsense/s wanted | sent | download, Mbit/s, medians | of the download without it | new client, ms: median | most |\n|---|---:|---:|---:|---:|---:|");
            foreach (int rate in rates)
            {
                var connecting = new List<double>();
                using (Nonsense? nonsense = Begin(network, rate))
                {
                    for (int i = 0; i < NewClients; i++)
                    {
                        connecting.Add(await ConnectAsync(network));
                    }
                }

                double download = Network.Median(downloads[rate]);
                Console.WriteLine($"| {rate:n0} | {sent[rate]:n0} | {download:f1} | {download / Network.Median(downloads[0]):f2} | {Network.Median(connecting):f0} | {connecting.Max():f0} |");
            }
        }
        finally
        {
            server.Kill(entireProcessTree: true);
        }
    }

    private static Nonsense? Begin(Network network, int rate) => rate == 0
        ? null
        : Nonsense.Initials(network.Namespaces.Access('b'), IPAddress.Parse("10.202.2.1"), new IPEndPoint(IPAddress.Parse(AccessNetworks.ConcentratorAddress), 4433), rate);

    private static async Task<double> DownloadAsync(Network network, int seconds)
    {
        using Process iperf = AccessNetworks.Start(
            network.Namespaces.Client, "iperf3", "-J", "-R", "-c", "10.99.0.1", "-t", seconds.ToString(CultureInfo.InvariantCulture), "--connect-timeout", "9000");
        string output = await iperf.StandardOutput.ReadToEndAsync();
        await iperf.WaitForExitAsync();
        using var result = JsonDocument.Parse(output);
        return result.RootElement.GetProperty("end").GetProperty("sum_received").GetProperty("bits_per_second").GetDouble() / 1e6;
    }

    /// <summary>Starts a client in another access network, and measures from the open device, after which it connects, until it is connected.</summary>
    private static async Task<double> ConnectAsync(Network network)
    {
        string directory = network.Tunnel.Directory;
        using Process client = AccessNetworks.Start(
            network.Namespaces.Access('b'), "dotnet", typeof(TunnelProcesses).Assembly.Location, "--Role", "Client", "--QuicTunnelClient:Interface:Name", "qt1",
            "--QuicTunnelClient:LocalAddresses:0", "10.202.2.1", "--QuicTunnelClient:LocalAddresses:1", "10.201.9.9", "--QuicTunnelClient:AuthorityPath", Path.Combine(directory, "ca.pem"),
            "--QuicTunnelClient:ClientCertificate:Path", Path.Combine(directory, "laptop-1.pem"), "--QuicTunnelClient:ClientCertificate:KeyPath", Path.Combine(directory, "laptop-1.key"));
        try
        {
            var watch = new Stopwatch();
            while (await client.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line.Contains("is open with the addresses", StringComparison.Ordinal))
                {
                    watch.Restart();
                }
                else if (line.Contains("is connected from", StringComparison.Ordinal))
                {
                    return watch.Elapsed.TotalMilliseconds;
                }
            }

            throw new InvalidOperationException("The client ended.");
        }
        finally
        {
            client.Kill(entireProcessTree: true);
            await client.WaitForExitAsync();
        }
    }
}
