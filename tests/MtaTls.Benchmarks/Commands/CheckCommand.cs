using System.CommandLine;
using System.Globalization;
using MtaTls.Benchmarks.Reporting;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>check</c>: compares a report with the baseline.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var report = new Option<FileInfo>("--report") { Description = "The JSON file that compare has written, with all workloads or those of --works.", DefaultValueFactory = _ => new FileInfo("artifacts/benchmarks/compare.json") };
        var baseline = new Option<FileInfo>("--baseline") { Description = "The file with the figures to compare with.", DefaultValueFactory = _ => new FileInfo("tests/MtaTls.Benchmarks/baseline.json") };
        var update = new Option<bool>("--update") { Description = "Writes the report's figures into the baseline." };
        var command = new Command("check", "Compares a report with the baseline; exit code 1 if a figure is worse than its tolerance allows.") { report, baseline, update };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(report), parsed.GetRequiredValue(baseline), parsed.GetValue(update)));
        return command;
    }

    private static int Run(FileInfo reportFile, FileInfo baselineFile, bool update)
    {
        foreach (FileInfo file in new[] { reportFile, baselineFile }.Where(static f => !f.Exists))
        {
            Console.Error.WriteLine($"{file.FullName} does not exist. Run 'compare' first.");
            return 2;
        }

        var baseline = Baseline.Read(baselineFile.FullName);
        BenchmarkReport report = Baseline.ReadReport(reportFile.FullName);
        if (update)
        {
            baseline.Updated(report).Write(baselineFile.FullName);
            Console.WriteLine($"Written: {baselineFile.FullName}");
            return 0;
        }

        int worse = 0, compared = 0;
        foreach (BaselineFigure figure in baseline.Figures)
        {
            string name = $"{figure.Work,-12} {figure.Metric,-18} {(figure.Ratio is null ? "" : "/ HTTPS h1"),-10}";
            if (report.Find(figure) is not { } row || !double.IsFinite(figure.ValueOf(row)))
            {
                Console.WriteLine($"{name} {figure.Expected,9:0.###} not in the report");
                continue;
            }

            double loss = figure.Loss(figure.ValueOf(row));
            bool isWorse = loss > figure.Tolerance;
            worse += isWorse ? 1 : 0;
            compared++;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {figure.Expected,9:0.###} {figure.ValueOf(row),9:0.###} {(loss > 0 ? $"{loss:0%} worse" : $"{-loss:0%} better"),12}{(isWorse ? $"  WORSE THAN {figure.Tolerance:0%}" : "")}"));
        }

        Console.WriteLine($"{compared} figures compared, {worse} worse than allowed. Figures of a busy machine or of one round mean little.");
        return compared == 0 ? 2 : worse > 0 ? 1 : 0;
    }
}
