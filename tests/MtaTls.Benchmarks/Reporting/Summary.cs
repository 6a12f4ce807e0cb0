using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Reporting;

/// <summary>One metric of one contender in one workload: the median of its rounds, and the median of the rounds' ratios to the baseline.</summary>
internal sealed record Row(WorkItem Work, Contender Contender, Metric Metric, double Median, double Spread, double Ratio);

/// <summary>The medians of a comparison.</summary>
internal sealed class Summary
{
    /// <summary>The contender to which ratios are computed, because most servers use it today.</summary>
    public const Contender Baseline = Contender.Http1;

    private readonly ILookup<(string Work, string Metric, Contender Contender), double> _values;

    private Summary(IReadOnlyList<Row> rows, ILookup<(string, string, Contender), double> values)
    {
        Rows = rows;
        _values = values;
    }

    public IReadOnlyList<Row> Rows { get; }

    public static Summary Create(IReadOnlyList<WorkItem> items, IReadOnlyList<Measurement> measurements)
    {
        ILookup<(string, string, Contender Contender), double> values = (from item in items
                                                                         from measurement in measurements
                                                                         where measurement.Work == item.Id
                                                                         orderby measurement.Round
                                                                         from metric in item.Metrics
                                                                         select (Key: (item.Id, metric.Id, measurement.Contender), Value: measurement.Result.Error is null ? metric.Value(measurement.Result) : double.NaN))
            .ToLookup(entry => entry.Key, entry => entry.Value);
        var summary = new Summary([], values);
        IEnumerable<Row> rows = from item in items
                                from metric in item.Metrics
                                from contender in Contenders.All
                                let rounds = values[(item.Id, metric.Id, contender)].ToArray()
                                where rounds.Any(double.IsFinite)
                                select new Row(item, contender, metric, Statistics.Median(rounds), Statistics.Spread(rounds), summary.Ratio(item.Id, metric.Id, contender, Baseline));
        return new([.. rows], values);
    }

    public double Median(string work, string metric, Contender contender) => Statistics.Median(_values[(work, metric, contender)]);

    /// <summary>Returns the median of the rounds' ratios of <paramref name="contender"/>'s value to <paramref name="other"/>'s.</summary>
    public double Ratio(string work, string metric, Contender contender, Contender other) =>
        Statistics.Median(_values[(work, metric, contender)].Zip(_values[(work, metric, other)], (mine, theirs) => theirs == 0 ? double.NaN : mine / theirs));
}
