using System.Diagnostics;
using MtaTls.Client;
using MtaTls.Stress.Hosting;
using MtaTls.Stress.Reporting;

namespace MtaTls.Stress.Soak;

/// <summary>Minutes of mixed work, while sessions are reset, certificates are renewed and settings change.</summary>
internal sealed class SoakRun(StressOptions options)
{
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    private readonly Tally _tally = new();

    public async Task<int> RunAsync()
    {
        Console.WriteLine($"seed {options.Seed}, {options.Minutes} minutes, {options.Workers} workers");
        await using ServerProcess server = await ServerProcess.StartAsync();
        SampleLog log = new(options.Output, "soak");
        var duration = TimeSpan.FromMinutes(options.Minutes);
        var interval = TimeSpan.FromSeconds(Math.Clamp(duration.TotalSeconds / 12, 0.5, 10));
        int dropped;
        await using (DropRelay relay = new(server.Port))
        {
            Caller[] callers = [Caller.Multiplexed("calm", server, null), Caller.Multiplexed("rough", server, relay), Caller.Ordinary(server)];
            using CancellationTokenSource over = new(duration);
            List<Task> tasks = [.. Enumerable.Range(0, options.Workers).Select(worker => Task.Run(() => WorkAsync(callers[(worker % 8) switch { < 4 => 0, < 7 => 1, _ => 2 }], worker, over.Token)))];
            tasks.Add(DropAsync(relay, over.Token));
            tasks.Add(ReloadAsync(server, over.Token));
            for (int sample = 1; !over.IsCancellationRequested; sample++)
            {
                await Task.Delay(interval, over.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
                if (over.IsCancellationRequested)
                {
                    break;
                }
                // Samples without a collection show mostly the load of the machine, not the memory that is kept.
                bool collect = sample % 3 == 0;
                log.Add(await server.SampleAsync(collect), Sample(callers, collect), _tally.Done, collect);
            }

            await Task.WhenAll(tasks);
            dropped = relay.Dropped;
            foreach (Caller caller in callers)
            {
                await caller.DisposeAsync();
            }

            await SettleAsync(server, callers);
        }

        Console.WriteLine($"{_tally.Done} jobs done, {_tally.Dropped} failed with a dropped session ({dropped} connections were dropped), {_tally.Defects} defects");
        _tally.Print();
        log.Write();
        bool steady = log.IsSteady();
        Console.WriteLine(_tally.Defects == 0 && steady ? "STEADY" : "NOT STEADY");
        return _tally.Defects == 0 && steady ? 0 : 1;
    }

    /// <summary>Repeats one job of a soak, on a connection without resets.</summary>
    public async Task<int> ReplayAsync()
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await using var caller = Caller.Multiplexed("calm", server, null);
        await DoAsync(caller, options.Seed, "replayed");
        _tally.Print();
        return _tally.Defects == 0 ? 0 : 1;
    }

    private async Task WorkAsync(Caller caller, int worker, CancellationToken over)
    {
        for (int number = 0; !over.IsCancellationRequested; number++)
        {
            int seed = SeedOf(options.Seed, worker, number);
            await DoAsync(caller, seed, $"worker {worker}, work {number}");
            // The workers pause, so that the load stays below the capacity of the machine.
            await Task.Delay(seed & 15, CancellationToken.None);
        }
    }

    private async Task DoAsync(Caller caller, int seed, string place)
    {
        Random random = new(seed);
        (string? name, int _, bool _, Func<Caller, Random, CancellationToken, Task>? runAsync) = Pick(random, caller.Client is not null);
        long begun = Stopwatch.GetTimestamp();
        using CancellationTokenSource hang = new(s_hang);
        try
        {
            await runAsync(caller, random, hang.Token).WaitAsync(2 * s_hang, CancellationToken.None);
            _tally.Succeeded(name);
        }
        catch (Exception e) when (Work.IsClear(e) && caller.MayFail(begun))
        {
            _tally.DroppedWith(name);
        }
        catch (Exception e)
        {
            _tally.Defect($"{name}, {caller.Name}, {place}, after {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.00} s (replay --seed {seed})", e);
        }
    }

    private async Task DropAsync(DropRelay relay, CancellationToken over)
    {
        Random random = new(options.Seed);
        while (await ContinuesAsync(random.Next(4000, 8000), over))
        {
            relay.Drop();
        }
    }

    private async Task ReloadAsync(ServerProcess server, CancellationToken over)
    {
        Random random = new(options.Seed);
        while (await ContinuesAsync(random.Next(1000, 10_000), over))
        {
            await server.ReloadAsync(random.Next(2) == 0 ? "certificate" : "settings");
        }
    }

    /// <summary>Waits until no resource is in use at either end, and checks that.</summary>
    private async Task SettleAsync(ServerProcess server, Caller[] callers)
    {
        ProcessSample there, here;
        long begun = Stopwatch.GetTimestamp();
        do
        {
            await Task.Delay(100);
            (there, here) = (await server.SampleAsync(), Sample(callers, collect: false));
        }
        while (!(there.IsIdle && here.IsIdle) && Stopwatch.GetElapsedTime(begun) < s_hang);
        (there, here) = (await server.SampleAsync(collect: true), Sample(callers, collect: true));
        Console.WriteLine($"at the end, server: {there}");
        Console.WriteLine($"at the end, client: {here}");
        if (!there.IsIdle)
        {
            _tally.Defect("the server has not released everything", there);
        }

        if (!here.IsIdle)
        {
            _tally.Defect("the client has not released everything", here);
        }
    }

    private static ProcessSample Sample(Caller[] callers, bool collect)
    {
        MtaTlsClientStatistics[] statistics = callers.Select(static c => c.Client).OfType<Client.MtaTlsClient>().Select(static c => c.GetStatistics()).ToArray();
        return ProcessSample.Take(collect) with { Sessions = statistics.Sum(static s => s.ActiveSessions), Channels = statistics.Sum(static s => s.ActiveChannels) };
    }

    private static (string Name, int Weight, bool NeedsChannels, Func<Caller, Random, CancellationToken, Task> RunAsync) Pick(Random random, bool hasChannels)
    {
        while (true)
        {
            int at = random.Next(Work.Kinds.Sum(static k => k.Weight));
            (string Name, int Weight, bool NeedsChannels, Func<Caller, Random, CancellationToken, Task> RunAsync) kind = Work.Kinds.First(k => (at -= k.Weight) < 0);
            if (hasChannels || !kind.NeedsChannels)
            {
                return kind;
            }
        }
    }

    private static async Task<bool> ContinuesAsync(int milliseconds, CancellationToken over)
    {
        await Task.Delay(milliseconds, over).ContinueWith(static _ => { }, TaskScheduler.Default);
        return !over.IsCancellationRequested;
    }

    // The seed depends only on the position of the work, and is the same in every process.
    private static int SeedOf(int seed, int worker, int number) => (int)((((uint)seed * 31 + (uint)worker) * 2654435761 + (uint)number * 40503) & int.MaxValue);
}
