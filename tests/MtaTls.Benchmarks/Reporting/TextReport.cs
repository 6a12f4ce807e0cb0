using System.Globalization;
using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Reporting;

/// <summary>Writes the figures as a Markdown table. Each cell has a median and its ratio to HTTPS over HTTP/1.1.</summary>
internal static class TextReport
{
    public static void Write(TextWriter output, Summary summary, MachineInfo machine, Comparison comparison, int rounds)
    {
        output.WriteLine();
        output.WriteLine($"{machine.Processors} x {machine.Processor}, {machine.System}, {machine.Runtime}, {machine.OpenSsl}");
        output.WriteLine($"{rounds} interleaved rounds; each cell: median ±spread (half the distance of the quartiles), x ratio to {Summary.Baseline.Title()}");
        foreach ((Contender contender, string reason) in comparison.Skipped)
        {
            output.WriteLine($"Skipped: {contender.Title()}: {reason}");
        }

        foreach ((string work, string reason) in comparison.SkippedWorks)
        {
            output.WriteLine($"Skipped: {work}: {reason}");
        }

        foreach (IGrouping<WorkItem, Row> work in summary.Rows.GroupBy(row => row.Work))
        {
            output.WriteLine();
            output.WriteLine($"### {work.Key.Title} (`{work.Key.Id}`)");
            Metric[] metrics = work.Key.Metrics.Where(metric => work.Any(row => row.Metric == metric)).ToArray();
            List<string[]> table = [["contender", .. metrics.Select(metric => $"{metric.Id} ({metric.Unit})")]];
            foreach (IGrouping<Contender, Row> contender in work.GroupBy(row => row.Contender))
            {
                table.Add([contender.Key.Title(), .. metrics.Select(metric => Cell(contender.FirstOrDefault(row => row.Metric == metric)))]);
            }

            WriteTable(output, table);
        }
    }

    public static void WriteTable(TextWriter output, List<string[]> table)
    {
        int[] widths = Enumerable.Range(0, table[0].Length).Select(column => table.Max(row => row[column].Length)).ToArray();
        for (int line = 0; line < table.Count; line++)
        {
            output.WriteLine($"| {string.Join(" | ", table[line].Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column])))} |");
            if (line == 0)
            {
                output.WriteLine($"|{string.Join("|", widths.Select((width, column) => column == 0 ? new string('-', width + 2) : new string('-', width + 1) + ":"))}|");
            }
        }
    }

    public static string Number(double value) => double.IsNaN(value) ? "-" : Math.Abs(value) switch
    {
        >= 1000 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("0.00", CultureInfo.InvariantCulture),
        _ => value.ToString("0.000", CultureInfo.InvariantCulture),
    };

    private static string Cell(Row? row) => row is null ? "-" :
        $"{Number(row.Median)} ±{(row.Spread * 100).ToString("0", CultureInfo.InvariantCulture)}%{(double.IsNaN(row.Ratio) ? "" : $"  x{Number(row.Ratio)}")}";
}
