namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>Compares two access networks with the better one alone, over emulated links. The ratio shows whether the second network helps.</summary>
internal static class Pairs
{
    private static readonly string[] s_all =
    [
        "50/10+50/10", "50/10+10/60", "50/10+50/5/0.1%", "50/10+50/5/1%", "50/10+50/5/5%", "50/10+20/30", "50/10+50/10/flap",
        "10/60+50/5/1%", "10/60+20/30", "50/5/1%+50/5/5%", "20/30+50/5/0.1%", "20/30+50/10/flap",
    ];

    /// <summary>pairs [seconds=10] [rounds=1] [inside=cubic|bbr] [only=50/10+10/60] [alone=no] [setting=Scheduler:RoundRobin]...</summary>
    public static async Task RunAsync(string[] arguments)
    {
        int seconds = int.Parse(Speed.Value(arguments, "seconds") ?? "10");
        int rounds = int.Parse(Speed.Value(arguments, "rounds") ?? "1");
        bool measuresAlone = Speed.Value(arguments, "alone") != "no";
        string inside = Speed.Value(arguments, "inside") ?? "cubic";
        string[] pairs = Speed.Value(arguments, "only") is { } only ? only.Split(',') : s_all;
        string[] settings = Speed.Settings(arguments);
        Console.WriteLine($"\n{string.Join(' ', settings)} {inside} inside, {seconds} s\n| A + B (Mbit/s / ms one way / loss) | A alone | B alone | A + B | A + B : the better alone |\n|---|---|---|---|---|");
        var alone = new Dictionary<string, double>(StringComparer.Ordinal);
        var ratios = new List<double>();
        foreach (string pair in pairs)
        {
            string[] names = pair.Split('+');
            foreach (string name in names)
            {
                if (measuresAlone && !alone.ContainsKey(name))
                {
                    alone[name] = await MeasureAsync([name], settings, seconds, rounds, inside);
                }
            }

            if (names.Length == 1)
            {
                Console.WriteLine($"| {pair} | {alone[pair]:f1} | | | |");
                continue;
            }

            double both = await MeasureAsync(names, settings, seconds, rounds, inside);
            if (!measuresAlone)
            {
                Console.WriteLine($"| {pair} | | | {both:f1} | |");
                continue;
            }

            double better = Math.Max(alone[names[0]], alone[names[1]]);
            ratios.Add(both / better);
            Console.WriteLine($"| {pair} | {alone[names[0]]:f1} | {alone[names[1]]:f1} | {both:f1} | {both / better:f2} |");
        }

        if (ratios.Count > 0)
        {
            Console.WriteLine($"least ratio {ratios.Min():f2}");
        }
    }

    /// <summary>matrix [seconds=8] [only=...]: every pair with every scheduler that uses one path for a packet, cubic and BBR inside, in one run. ActiveBackup prefers the better network.</summary>
    public static async Task RunMatrixAsync(string[] arguments)
    {
        int seconds = int.Parse(Speed.Value(arguments, "seconds") ?? "8");
        string[] pairs = Speed.Value(arguments, "only") is { } only ? only.Split(',') : s_all;
        string[] schedulers = ["EarliestDelivery", "RoundRobin", "ActiveBackup"];
        foreach (string inside in new[] { "cubic", "bbr" })
        {
            Console.WriteLine($"\n| A + B, {inside} inside, {seconds} s | better alone | {string.Join(" | ", schedulers)} |\n|---|---:|---:|---:|---:|");
            var alone = new Dictionary<string, double>(StringComparer.Ordinal);
            var ratios = new List<double>();
            foreach (string pair in pairs)
            {
                string[] names = pair.Split('+');
                foreach (string name in names)
                {
                    if (!alone.ContainsKey(name))
                    {
                        alone[name] = await MeasureOnceAsync([name], [], seconds, inside);
                    }
                }

                double better = names.Max(name => alone[name]);
                Console.Write($"| {pair} | {better:f1} |");
                foreach (string scheduler in schedulers)
                {
                    string[] order = scheduler == "ActiveBackup" ? [.. names.OrderByDescending(name => alone[name])] : names;
                    double both = await MeasureOnceAsync(order, ["--QuicTunnel:Scheduler", scheduler], seconds, inside);
                    ratios.Add(both / better);
                    Console.Write($" {both:f1} ({both / better:f2}) |");
                }

                Console.WriteLine();
            }

            Console.WriteLine($"least ratio {ratios.Min():f2}");
        }
    }

    /// <summary>Measures in several rounds, each with new processes, and returns the median.</summary>
    private static async Task<double> MeasureAsync(string[] names, string[] settings, int seconds, int rounds, string inside)
    {
        var results = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            results.Add(await MeasureOnceAsync(names, settings, seconds, inside));
        }

        if (rounds > 1)
        {
            Console.WriteLine($"{string.Join('+', names)}: {string.Join(' ', results.Select(static result => $"{result:f1}"))}");
        }

        return Network.Median(results);
    }

    private static async Task<double> MeasureOnceAsync(string[] names, string[] settings, int seconds, string inside)
    {
        await using Lab lab = await Lab.StartAsync([.. names.Select(LabLink.Parse)], settings);
        double result = await lab.DownloadAsync(seconds, inside);
        if (Environment.GetEnvironmentVariable("LAB_VERBOSE") == "1")
        {
            Console.WriteLine(string.Join(Environment.NewLine, lab.Tunnel.Output.TakeLast(30)));
            for (int i = 0; i < names.Length; i++)
            {
                Console.Write($"link {i}: {lab.Tell(i, "stat")}");
            }
        }

        return result;
    }
}
