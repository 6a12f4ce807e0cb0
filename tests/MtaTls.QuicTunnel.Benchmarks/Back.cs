using System.Diagnostics;
using System.Globalization;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>The time from the return of a network until each end uses it again. Meanwhile a download goes on over another network.</summary>
internal static class Back
{
    private static readonly (string End, string Line)[] s_ends = [("concentrator", ": the path over"), ("client", "The path from")];

    /// <summary>back [seconds=20] [rounds=5] [rate=1500k]</summary>
    public static async Task RunAsync(string[] arguments)
    {
        double seconds = double.Parse(Speed.Value(arguments, "seconds") ?? "20", CultureInfo.InvariantCulture);
        int rounds = int.Parse(Speed.Value(arguments, "rounds") ?? "5", CultureInfo.InvariantCulture);
        string rate = Speed.Value(arguments, "rate") ?? "1500k";
        await using Lab lab = await Lab.StartAsync(
            [LabLink.Parse("20/10"), LabLink.Parse("20/30")], Speed.Settings(arguments), ["--QuicTunnelClient:LocalAddresses:0", "a0", "--QuicTunnelClient:LocalAddresses:1", "b0"]);
        using Process download = AccessNetworks.Start(lab.Networks.Client, "curl", "-sS", "--fail", "-o", "/dev/null", "--limit-rate", rate, "http://10.99.0.1/bytes/100000000000");
        Dictionary<string, List<double>> times = s_ends.ToDictionary(static e => e.End, static _ => new List<double>());
        for (int round = 0; round < rounds; round++)
        {
            await Task.Delay(TimeSpan.FromSeconds(8)); // Until the network carries the download again.
            lab.Tell(0, "down");
            await Task.Delay(TimeSpan.FromSeconds(seconds));
            int[] before = [.. s_ends.Select(e => Count(lab, e.Line))];
            var watch = Stopwatch.StartNew();
            lab.Tell(0, "up");
            double?[] found = new double?[s_ends.Length];
            while (Array.Exists(found, static f => f is null) && watch.Elapsed < TimeSpan.FromMinutes(1))
            {
                await Task.Delay(5);
                for (int i = 0; i < found.Length; i++)
                {
                    found[i] ??= Count(lab, s_ends[i].Line) > before[i] ? watch.Elapsed.TotalMilliseconds : null;
                }
            }

            for (int i = 0; i < found.Length; i++)
            {
                times[s_ends[i].End].Add(found[i] ?? double.PositiveInfinity);
            }
        }

        download.Kill();
        Console.WriteLine($"\n| down for {seconds} s, used again after | median, ms | all |\n|---|---|---|");
        foreach ((string end, List<double> all) in times)
        {
            Console.WriteLine($"| {end} | {Network.Median(all):f0} | {string.Join(", ", all.Select(static t => $"{t:f0}"))} |");
        }
    }

    private static int Count(Lab lab, string line) =>
        lab.Tunnel.Output.Count(l => l.Contains(line, StringComparison.Ordinal) && l.Contains("works again", StringComparison.Ordinal));
}
