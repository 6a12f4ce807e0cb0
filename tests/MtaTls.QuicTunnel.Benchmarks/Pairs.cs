namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>Two access networks against the better one alone, over emulated links: the ratio shows whether the second helps or harms.</summary>
internal static class Pairs
{
    private static readonly string[] s_all =
    [
        "50/10+50/10", "50/10+10/60", "50/10+50/5/0.1%", "50/10+50/5/1%", "50/10+50/5/5%", "50/10+20/30", "50/10+50/10/flap",
        "10/60+50/5/1%", "10/60+20/30", "50/5/1%+50/5/5%", "20/30+50/5/0.1%", "20/30+50/10/flap",
    ];

    /// <summary>pairs [seconds=10] [inside=cubic|bbr] [only=50/10+10/60] [setting=Scheduler:RoundRobin]...</summary>
    public static async Task RunAsync(string[] arguments)
    {
        int seconds = int.Parse(Speed.Value(arguments, "seconds") ?? "10");
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
                if (!alone.ContainsKey(name))
                {
                    alone[name] = await MeasureAsync([name], settings, seconds, inside);
                }
            }

            if (names.Length == 1)
            {
                Console.WriteLine($"| {pair} | {alone[pair]:f1} | | | |");
                continue;
            }

            double both = await MeasureAsync(names, settings, seconds, inside);
            double better = Math.Max(alone[names[0]], alone[names[1]]);
            ratios.Add(both / better);
            Console.WriteLine($"| {pair} | {alone[names[0]]:f1} | {alone[names[1]]:f1} | {both:f1} | {both / better:f2} |");
        }

        if (ratios.Count > 0)
        {
            Console.WriteLine($"least ratio {ratios.Min():f2}");
        }
    }

    private static async Task<double> MeasureAsync(string[] names, string[] settings, int seconds, string inside)
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
