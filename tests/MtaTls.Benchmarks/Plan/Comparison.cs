using System.Diagnostics;
using System.Globalization;
using MtaTls.Benchmarks.Hosting;
using MtaTls.Benchmarks.Network;
using MtaTls.Benchmarks.Work;

namespace MtaTls.Benchmarks.Plan;

/// <summary>The result of one contender in one round of one workload.</summary>
internal sealed record Measurement(string Work, Contender Contender, int Round, WorkResult Result);

/// <summary>Runs a plan: every workload for every contender in turn, round after round, so that other load on the machine affects all of them.</summary>
internal sealed class Comparison(IReadOnlyList<WorkItem> items, IReadOnlyList<Contender> contenders, int rounds, Action<string> log) : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mtatls-bench-").FullName;
    private readonly Dictionary<Contender, Stage> _stages = [];
    private readonly List<Measurement> _measurements = [];
    private readonly Dictionary<string, string> _skippedWorks = [];
    private readonly Dictionary<Contender, string> _skipped = [];

    public IReadOnlyList<Measurement> Measurements => _measurements;

    /// <summary>The contenders that could not run on this machine, with the reason.</summary>
    public IReadOnlyDictionary<Contender, string> Skipped => _skipped;

    /// <summary>The workloads that could not run on this machine, with the reason.</summary>
    public IReadOnlyDictionary<string, string> SkippedWorks => _skippedWorks;

    public IEnumerable<string> Failures => _measurements.Where(measurement => measurement.Result.Error is not null)
        .Select(measurement => $"{measurement.Work}, {measurement.Contender.Title()}: {measurement.Result.Error}").Distinct();

    public async Task RunAsync(CancellationToken ct)
    {
        long begun = Stopwatch.GetTimestamp();
        var present = new List<Contender>();
        foreach (Contender contender in contenders)
        {
            if (contender == Contender.Ssh && SshDaemon.WhyNot() is { } reason)
            {
                _skipped[contender] = reason;
                log($"{contender.Title()} is skipped: {reason}");
                continue;
            }

            _stages[contender] = await Stage.StartAsync(contender, _directory, null, ct);
            present.Add(contender);
        }

        foreach (Contender contender in present)
        {
            await WarmUpAsync(_stages[contender], ct);
        }

        log($"Ready after {Stopwatch.GetElapsedTime(begun).TotalSeconds:0} s");
        foreach (WorkItem item in items)
        {
            log(item.Title);
            long started = Stopwatch.GetTimestamp();
            if (item.Link is { OfPackets: true } && LinkNamespace.WhyNot() is { } why)
            {
                log($"  skipped: {why}");
                _skippedWorks[item.Id] = why;
                continue;
            }

            for (int round = 1; round <= (item.MaxRounds == 0 ? rounds : Math.Min(rounds, item.MaxRounds)); round++)
            {
                foreach (Contender contender in present.Where(item.Applies).ToArray())
                {
                    WorkResult result;
                    try
                    {
                        result = await RunAsync(item, contender, ct);
                    }
                    catch (Exception e) when (e is TimeoutException or IOException)
                    {
                        // A process that hangs or has exited is left out from now on; its earlier results stay.
                        result = new() { Error = e.Message };
                        if (item is { Fresh: false, Link: not { OfPackets: true } })
                        {
                            present.Remove(contender);
                        }
                    }

                    _measurements.Add(new(item.Id, contender, round, result));
                    log($"  {round} {contender.Title(),-14} {(result.Error ?? string.Join("  ", item.Metrics.Select(metric => $"{metric.Value(result),10:0.###} {metric.Unit}")))}");
                }
            }

            log($"  {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s; {Stopwatch.GetElapsedTime(begun).TotalMinutes:0.0} min in all");
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Stage stage in _stages.Values)
        {
            await stage.DisposeAsync();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private async Task WarmUpAsync(Stage stage, CancellationToken ct)
    {
        WorkResult result = await stage.RunAsync(new(WorkKind.WarmUp, Seconds: rounds > 1 ? 40 : 0), ct);
        if (result.Error is not null)
        {
            throw new InvalidOperationException($"{stage.Contender.Title()} does not work: {result.Error}");
        }
    }

    private async Task<WorkResult> RunAsync(WorkItem item, Contender contender, CancellationToken ct)
    {
        if (item.Fresh)
        {
            await using Stage stage = await Stage.StartAsync(contender, _directory, null, ct);
            return await stage.RunAsync(item.Request, ct);
        }

        if (item.Link is not { } link)
        {
            return await _stages[contender].RunAsync(item.Request, ct);
        }

        if (link.OfPackets)
        {
            return await RunOverPacketsAsync(item, link, contender, ct);
        }

        await using var relay = new DelayRelay(_stages[contender].Server.Port, TimeSpan.FromMilliseconds(link.RoundTripMilliseconds / 2.0), link.MegabitsPerSecond * 125_000L);
        return await _stages[contender].RunAsync(item.Request with { Port = relay.Port }, ct);
    }

    private async Task<WorkResult> RunOverPacketsAsync(WorkItem item, Link link, Contender contender, CancellationToken ct)
    {
        using var network = LinkNamespace.Create(link.CongestionControl);
        await using Stage stage = await Stage.StartAsync(contender, _directory, network.Name, ct);
        await using var linkProcess = ChildProcess.Start(
            network.Name,
            "link",
            stage.Server.Port.ToString(CultureInfo.InvariantCulture),
            link.RoundTripMilliseconds.ToString(CultureInfo.InvariantCulture),
            link.MegabitsPerSecond.ToString(CultureInfo.InvariantCulture),
            link.LossPercent.ToString(CultureInfo.InvariantCulture));
        await linkProcess.ReadLineAsync(TimeSpan.FromSeconds(30), ct);
        return await stage.RunAsync(item.Request with { Address = PacketLink.FarAddress }, ct);
    }
}
