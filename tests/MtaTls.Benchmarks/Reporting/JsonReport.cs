using System.Text.Json;
using System.Text.Json.Serialization;
using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Reporting;

/// <summary>Writes all figures as JSON, including those of single rounds.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    public static async Task WriteAsync(string path, Summary summary, Comparison comparison, MachineInfo machine, int rounds, CancellationToken ct)
    {
        var report = new
        {
            Machine = machine,
            Rounds = rounds,
            Baseline = Summary.Baseline,
            comparison.Skipped,
            comparison.SkippedWorks,
            Summary = summary.Rows.Select(row => new { Work = row.Work.Id, row.Contender, Metric = row.Metric.Id, row.Metric.Unit, row.Median, row.Spread, row.Ratio }),
            Targets = TargetReport.Values(summary, machine).Where(target => !double.IsNaN(target.Value))
                .Select(target => new { target.Title, target.Value, target.AtLeast, target.Target }),
            comparison.Measurements,
        };
        await using FileStream file = File.Create(path);
        await JsonSerializer.SerializeAsync(file, report, s_options, ct);
    }
}
