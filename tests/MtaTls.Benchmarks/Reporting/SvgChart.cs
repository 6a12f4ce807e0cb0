using System.Globalization;
using System.Net;
using System.Text;
using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Reporting;

/// <summary>A chart with one panel for each workload: the ratio of its first metric to the baseline, as bars on a logarithmic axis.</summary>
internal static class SvgChart
{
    private const int Width = 760;
    private const int BarHeight = 16;
    private const int LabelWidth = 130;
    private const int ValueWidth = 190;

    public static string Draw(Summary summary)
    {
        var body = new StringBuilder();
        int y = 34;
        foreach (IGrouping<WorkItem, Row> work in summary.Rows.Where(row => row.Metric == row.Work.Metrics[0]).GroupBy(row => row.Work))
        {
            Metric metric = work.Key.Metrics[0];
            Row[] rows = work.Where(row => row.Median > 0).ToArray();
            if (rows.Length == 0)
            {
                continue;
            }

            body.Append(Invariant($"<text x=\"8\" y=\"{y + 12}\" class=\"t\">{Encode(work.Key.Title)}: {metric.Id}, {metric.Unit} ({(metric.MoreIsBetter ? "more" : "less")} is better)</text>\n"));
            y += 20;

            // A decade more than the data needs, so that the shortest bar is visible.
            double low = Math.Floor(Math.Log10(rows.Min(row => row.Median)) - 0.3);
            double high = Math.Log10(rows.Max(row => row.Median));
            foreach (Row row in rows)
            {
                double length = (Width - LabelWidth - ValueWidth) * (Math.Log10(row.Median) - low) / Math.Max(0.3, high - low);
                string ratio = double.IsNaN(row.Ratio) ? "" : $"  x{TextReport.Number(row.Ratio)}";
                body.Append(Invariant($"<text x=\"{LabelWidth - 6}\" y=\"{y + 12}\" text-anchor=\"end\">{Encode(row.Contender.Title())}</text>"));
                body.Append(Invariant($"<rect x=\"{LabelWidth}\" y=\"{y + 1}\" width=\"{length:0.0}\" height=\"{BarHeight - 3}\" class=\"{Style(row.Contender)}\"/>"));
                body.Append(Invariant($"<text x=\"{LabelWidth + length + 6:0.0}\" y=\"{y + 12}\">{TextReport.Number(row.Median)}{ratio}</text>\n"));
                y += BarHeight;
            }

            y += 14;
        }

        return Invariant($"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{y}" viewBox="0 0 {Width} {y}" font-family="sans-serif" font-size="11">
            <style>.t {"{"}font-weight:bold{"}"} .mux {"{"}fill:#2166ac{"}"} .base {"{"}fill:#888{"}"} .other {"{"}fill:#c8c8c8{"}"}</style>
            <rect width="100%" height="100%" fill="#fff"/>
            <text x="8" y="20" font-size="13">Medians on logarithmic axes; x: ratio to {Encode(Summary.Baseline.Title())}</text>
            {body}</svg>

            """);
    }

    private static string Style(Contender contender) => contender switch
    {
        Contender.MtaTls or Contender.MtaTlsHttp2 => "mux",
        Summary.Baseline => "base",
        _ => "other",
    };

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
