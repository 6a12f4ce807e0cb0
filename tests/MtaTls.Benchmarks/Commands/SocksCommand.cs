using System.CommandLine;
using System.Globalization;
using MtaTls.Benchmarks.Hosting;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Reporting;
using MtaTls.Benchmarks.Socks;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>socks</c>: memory and CPU per connection of <c>mtatls forward -D</c> compared with <c>ssh -D</c>.</summary>
internal static class SocksCommand
{
    public static Command Create()
    {
        Option<bool> quick = new("--quick") { Description = "A short run that only checks that everything works. Its figures mean little." };
        Option<int> rounds = new("--rounds") { Description = "How often each contender is started and measured.", DefaultValueFactory = _ => 3 };
        Option<int> connections = new("--connections") { Description = "The number of idle connections.", DefaultValueFactory = _ => 2_000 };
        Command command = new("socks", "SOCKS5 ports, mtatls forward -D compared with ssh -D: memory of an idle connection, and CPU of requests, connections and bulk.") { quick, rounds, connections };
        command.SetAction((parsed, ct) =>
        {
            bool isQuick = parsed.GetValue(quick);
            SocksLoad load = isQuick
                ? new(100, TimeSpan.FromSeconds(0.4), 16L << 20, 1)
                : new(parsed.GetValue(connections), TimeSpan.FromSeconds(3), 1L << 30, 10);
            return RunAsync(load, isQuick ? 1 : parsed.GetValue(rounds), ct);
        });
        return command;
    }

    private static async Task RunAsync(SocksLoad load, int rounds, CancellationToken ct)
    {
        using Target target = new();
        List<Func<Task<ISocksProxy>>> contenders = [() => MtaTlsForward.StartAsync(target.Port, ct)];
        if (SshDaemon.WhyNot() is { } reason)
        {
            Console.WriteLine($"ssh -D is left out: {reason}");
        }
        else
        {
            contenders.Add(() => SshDynamic.StartAsync(ct));
        }

        List<string> titles = [], works = [];
        Dictionary<(string Title, string Work), List<double>> results = [];
        for (int round = 0; round < rounds; round++)
        {
            foreach (Func<Task<ISocksProxy>> start in contenders)
            {
                await using ISocksProxy proxy = await start();
                titles = [.. titles.Append(proxy.Title).Distinct()];
                foreach ((string work, double value) in await new SocksRound(proxy, target.Port, load, ct).RunAsync())
                {
                    works = [.. works.Append(work).Distinct()];
                    results.TryAdd((proxy.Title, work), []);
                    results[(proxy.Title, work)].Add(value);
                }
            }
        }

        Console.WriteLine($"{MachineInfo.Collect()}; {rounds} rounds, medians; the ratio is the median of the rounds' ratios to {titles[0]}");
        Console.WriteLine($"{"",-50}{string.Concat(titles.Select(static t => $"{t,20}"))}{"ratio",10}");
        foreach (string work in works)
        {
            IEnumerable<double> medians = titles.Select(t => Statistics.Median(results[(t, work)]));
            double ratio = Statistics.Median(results[(titles[^1], work)].Zip(results[(titles[0], work)], static (other, own) => other / own));
            Console.WriteLine($"{work,-50}{string.Concat(medians.Select(static m => Text(m).PadLeft(20)))}{Text(ratio),10}");
        }
    }

    private static string Text(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
