using System.Diagnostics;
using MtaTls.Stress.Hosting;

namespace MtaTls.Stress.Scale;

/// <summary>Repeats a workload: the memory after each round must not grow.</summary>
internal abstract class ScaleRun(StressOptions options, int count, int rounds)
{
    // Without a leak the memory after a round varies by less than this. A leak of a hundred bytes for each channel or session is more.
    private const long Tolerable = 2 * 1024 * 1024;

    protected int Count { get; } = options.Count > 0 ? options.Count : count;

    protected int Rounds { get; } = options.Rounds > 0 ? options.Rounds : rounds;

    /// <summary>Whether the server has low limits, so that the workload can reach them.</summary>
    protected virtual bool IsLimited => false;

    public async Task<int> RunAsync()
    {
        await using ServerProcess server = await ServerProcess.StartAsync(IsLimited);
        List<(ProcessSample Server, ProcessSample Client)> idle = [];
        bool steady = true;
        for (int round = 1; round <= Rounds; round++)
        {
            long begun = Stopwatch.GetTimestamp();
            string what = await RoundAsync(server);
            Console.WriteLine(FormattableString.Invariant($"round {round}: {what} in {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s"));
            steady &= await SettleAsync(server, idle);
        }

        await EndAsync();
        // The first round also loads code and fills pools.
        foreach ((string name, Func<int, ProcessSample> side) in new (string, Func<int, ProcessSample>)[] { ("server", i => idle[i].Server), ("client", i => idle[i].Client) })
        {
            ProcessSample first = side(Math.Min(1, idle.Count - 1)), last = side(idle.Count - 1);
            bool level = last.Heap - first.Heap <= Tolerable && last.Handles - first.Handles <= 8;
            Console.WriteLine($"  {name}: after round {Math.Min(2, idle.Count)} {first.Heap / 1024} KiB lived and {first.Handles} handles were open, after round {idle.Count} {last.Heap / 1024} KiB and {last.Handles}{(level ? "" : "  RISES")}");
            steady &= level;
        }

        Console.WriteLine(steady ? "STEADY" : "NOT STEADY");
        return steady ? 0 : 1;
    }

    /// <summary>Runs the workload once, leaves nothing open, and returns a description. Throws if anything fails.</summary>
    protected abstract Task<string> RoundAsync(ServerProcess server);

    /// <summary>Whether a round has left no resources in use.</summary>
    protected virtual bool IsIdle(ProcessSample sample) => sample.IsIdle;

    protected virtual ValueTask EndAsync() => default;

    protected static string MemoryPer(int count, long before, long after, string what) => FormattableString.Invariant($"{(after - before) / (double)count / 1024:0.0} KiB of heap a {what}");

    private async Task<bool> SettleAsync(ServerProcess server, List<(ProcessSample Server, ProcessSample Client)> idle)
    {
        long begun = Stopwatch.GetTimestamp();
        while (!(IsIdle(await server.SampleAsync()) && IsIdle(ProcessSample.Take(collect: false))) && Stopwatch.GetElapsedTime(begun) < TimeSpan.FromMinutes(1))
        {
            await Task.Delay(50);
        }

        (ProcessSample Server, ProcessSample Client) sample = (await server.SampleAsync(collect: true), ProcessSample.Take(collect: true));
        idle.Add(sample);
        Console.WriteLine($"  server {sample.Server}");
        Console.WriteLine($"  client {sample.Client}");
        if (IsIdle(sample.Server) && IsIdle(sample.Client))
        {
            return true;
        }

        Console.WriteLine("  SOMETHING IS LEFT");
        return false;
    }
}
