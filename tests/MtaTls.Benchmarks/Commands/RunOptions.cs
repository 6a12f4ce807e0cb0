using System.CommandLine;
using MtaTls.Benchmarks.Plan;
using MtaTls.Benchmarks.Reporting;

namespace MtaTls.Benchmarks.Commands;

/// <summary>The options that all commands with comparisons share, and the run itself.</summary>
internal sealed class RunOptions
{
    private readonly Option<int?> _rounds = new("--rounds") { Description = "How often each contender does each workload; default 5 (1 with --quick)." };
    private readonly Option<string[]> _works = new("--works") { Description = "Only workloads whose id starts with one of these.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<Contender[]> _contenders = new("--contenders") { Description = "Only these contenders.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string> _output = new("--output") { Description = "The folder for the JSON file and the chart.", DefaultValueFactory = _ => "artifacts/benchmarks" };

    public void AddTo(Command command)
    {
        command.Options.Add(_rounds);
        command.Options.Add(_works);
        command.Options.Add(_contenders);
        command.Options.Add(_output);
    }

    /// <returns>0, or 1 if the work of a contender failed; never 1 because of a timing.</returns>
    public async Task<int> RunAsync(ParseResult parsed, IEnumerable<WorkItem> plan, string name, int defaultRounds, CancellationToken ct)
    {
        string[] works = parsed.GetValue(_works) ?? [];
        WorkItem[] items = plan.Where(item => works.Length == 0 || works.Any(work => item.Id.StartsWith(work, StringComparison.Ordinal))).ToArray();
        Contender[] contenders = parsed.GetValue(_contenders) is { Length: > 0 } chosen ? chosen : Contenders.All;
        int rounds = parsed.GetValue(_rounds) ?? defaultRounds;

        await using var comparison = new Comparison(items, contenders, rounds, Console.Error.WriteLine);
        var machine = MachineInfo.Collect();
        await comparison.RunAsync(ct);

        var summary = Summary.Create(items, comparison.Measurements);
        TextReport.Write(Console.Out, summary, machine, comparison, rounds);
        if (rounds > 1)
        {
            TargetReport.Write(Console.Out, summary, machine); // one round is not enough to assess a target
        }

        string folder = Directory.CreateDirectory(parsed.GetValue(_output)!).FullName;
        await JsonReport.WriteAsync(Path.Combine(folder, name + ".json"), summary, comparison, machine, rounds, ct);
        await File.WriteAllTextAsync(Path.Combine(folder, name + ".svg"), SvgChart.Draw(summary), ct);
        Console.WriteLine($"Written: {Path.Combine(folder, name)}.json and .svg");

        foreach (string failure in comparison.Failures)
        {
            Console.WriteLine($"FAILED: {failure}");
        }

        return comparison.Failures.Any() ? 1 : 0;
    }
}
