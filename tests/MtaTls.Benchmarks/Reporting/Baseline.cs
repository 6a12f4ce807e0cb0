using System.Text.Json;
using System.Text.Json.Serialization;
using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Reporting;

/// <summary>Figures of a former run that a later one is compared with: <c>baseline.json</c>.</summary>
/// <param name="Source">Where the figures are from.</param>
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

    /// <summary>The figures with the values of a report; those that the report lacks stay.</summary>
    public Baseline Updated(BenchmarkReport report) => new(
        $"{report.Machine.Processor}, {report.Machine.Processors} processors, {report.Machine.System}, {report.Machine.Runtime}, {report.Machine.OpenSsl}, {report.Rounds} rounds.",
        [.. Figures.Select(figure => report.Find(figure) is { } row && double.IsFinite(figure.ValueOf(row)) ? figure.With(row) : figure)]);

    /// <summary>Reads what <see cref="JsonReport"/> has written.</summary>
    public static BenchmarkReport ReadReport(string path) => JsonSerializer.Deserialize<BenchmarkReport>(File.ReadAllText(path), s_options) ?? throw new InvalidDataException($"{path} is empty.");
}

/// <summary>One figure: a ratio to HTTPS over HTTP/1.1 in the same run, which most machines share, or a value of its own.</summary>
/// <param name="Work">The work's id.</param>
/// <param name="Contender">Who did it.</param>
/// <param name="Metric">The metric's id.</param>
/// <param name="Ratio">The ratio; null: <paramref name="Median"/> counts.</param>
/// <param name="Median">The value.</param>
/// <param name="Tolerance">How much worse a later run may be: 0.2 is a fifth.</param>
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

    /// <summary>By how much a value is worse than expected: 0.1 is a tenth; less than 0 is better.</summary>
    public double Loss(double value) => s_moreIsBetter.GetValueOrDefault(Metric) ? (Expected / value) - 1 : (value / Expected) - 1;

    private static double Round(double value) => double.Parse(value.ToString("G3", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>What a comparison has written: the parts that a baseline needs.</summary>
internal sealed record BenchmarkReport(MachineInfo Machine, int Rounds, IReadOnlyList<BenchmarkRow> Summary)
{
    public BenchmarkRow? Find(BaselineFigure figure) => Summary.FirstOrDefault(row => row.Work == figure.Work && row.Contender == figure.Contender && row.Metric == figure.Metric);
}

/// <summary>A row of a report.</summary>
internal sealed record BenchmarkRow(string Work, Contender Contender, string Metric, double Median, double Ratio);
