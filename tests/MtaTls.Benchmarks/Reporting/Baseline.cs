using System.Text.Json;
using System.Text.Json.Serialization;
using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Reporting;

/// <summary>The figures of a former run, with which later runs are compared (<c>baseline.json</c>).</summary>
/// <param name="Source">The run from which the figures come.</param>
/// <param name="Figures">The figures.</param>
internal sealed record Baseline(string Source, IReadOnlyList<BaselineFigure> Figures)
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    public static Baseline Read(string path) => JsonSerializer.Deserialize<Baseline>(File.ReadAllText(path), s_options) ?? throw new InvalidDataException($"{path} is empty.");

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, s_options) + "\n");

    /// <summary>Returns the baseline with the values of a report. Figures that the report does not contain stay.</summary>
    public Baseline Updated(BenchmarkReport report) => new(
        $"{report.Machine.Processor}, {report.Machine.Processors} processors, {report.Machine.System}, {report.Machine.Runtime}, {report.Machine.OpenSsl}, {report.Rounds} rounds.",
        [.. Figures.Select(figure => report.Find(figure) is { } row && double.IsFinite(figure.ValueOf(row)) ? figure.With(row) : figure)]);

    /// <summary>Reads a file of <see cref="JsonReport"/>.</summary>
    public static BenchmarkReport ReadReport(string path) => JsonSerializer.Deserialize<BenchmarkReport>(File.ReadAllText(path), s_options) ?? throw new InvalidDataException($"{path} is empty.");
}

/// <summary>One figure: a ratio to HTTPS over HTTP/1.1 in the same run, which is similar on most machines, or a value itself.</summary>
/// <param name="Work">The id of the workload.</param>
/// <param name="Contender">The contender.</param>
/// <param name="Metric">The metric's id.</param>
/// <param name="Ratio">The ratio; null if <paramref name="Median"/> is compared.</param>
/// <param name="Median">The value.</param>
/// <param name="Tolerance">By how much a later run may be worse: 0.2 is a fifth.</param>
internal sealed record BaselineFigure(string Work, Contender Contender, string Metric, double? Ratio, double? Median, double Tolerance)
{
    private static readonly Dictionary<string, bool> s_moreIsBetter = new Metric[]
    {
        Plan.Metric.Throughput, Plan.Metric.Rate, Plan.Metric.SustainedRate, Plan.Metric.EarlyRate, Plan.Metric.BulkBeside,
    }.ToDictionary(static m => m.Id, static m => m.MoreIsBetter);

    [JsonIgnore]
    public double Expected => Ratio ?? Median ?? double.NaN;

    public double ValueOf(BenchmarkRow row) => Ratio is null ? row.Median : row.Ratio;

    public BaselineFigure With(BenchmarkRow row) => Ratio is null ? this with { Median = Round(row.Median) } : this with { Ratio = Round(row.Ratio) };

    /// <summary>Returns by how much a value is worse than expected: 0.1 is a tenth; a value below 0 is better.</summary>
    public double Loss(double value) => s_moreIsBetter.GetValueOrDefault(Metric) ? (Expected / value) - 1 : (value / Expected) - 1;

    private static double Round(double value) => double.Parse(value.ToString("G3", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The parts of a report that a baseline needs.</summary>
internal sealed record BenchmarkReport(MachineInfo Machine, int Rounds, IReadOnlyList<BenchmarkRow> Summary)
{
    public BenchmarkRow? Find(BaselineFigure figure) => Summary.FirstOrDefault(row => row.Work == figure.Work && row.Contender == figure.Contender && row.Metric == figure.Metric);
}

/// <summary>A row of a report.</summary>
internal sealed record BenchmarkRow(string Work, Contender Contender, string Metric, double Median, double Ratio);
