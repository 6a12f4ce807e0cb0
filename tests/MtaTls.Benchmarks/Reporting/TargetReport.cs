using MtaTls.Benchmarks.Plan;

namespace MtaTls.Benchmarks.Reporting;

/// <summary>Compares the figures of the run with the project's targets.</summary>
internal static class TargetReport
{
    private const double Gibi = 1024.0 * 1024 * 1024;

    public static void Write(TextWriter output, Summary summary, MachineInfo machine)
    {
        List<string[]> table = [["figure", "measured", "target", ""]];
        foreach ((string title, double value, bool atLeast, double target) in Values(summary, machine))
        {
            if (double.IsNaN(value))
            {
                continue;
            }

            bool met = atLeast ? value >= target : value <= target;
            table.Add([title, TextReport.Number(value), $"{(atLeast ? "≥" : "≤")} {TextReport.Number(target)}", met ? "met" : "missed"]);
        }

        if (table.Count == 1)
        {
            return;
        }

        output.WriteLine();
        output.WriteLine("### Targets (medians of the rounds' ratios)");
        TextReport.WriteTable(output, table);
    }

    public static IEnumerable<(string Title, double Value, bool AtLeast, double Target)> Values(Summary summary, MachineInfo machine)
    {
        foreach (string direction in new[] { "download", "upload" })
        {
            foreach (int streams in new[] { 1, 8, 64 })
            {
                string work = $"{direction}-{streams}";
                const int PacketsPerMebibyte = 64; // of 16 KiB
                yield return ($"{direction}, {streams}: rate / HTTPS h1", summary.Ratio(work, Metric.Throughput.Id, Contender.MtaTls, Contender.Http1), true, 1.5);
                double floor = summary.Median(work, Metric.ServerCpuPerGibibyte.Id, Contender.Plain) + Gibi / machine.Aes128GcmBytesPerSecond;
                yield return ($"{direction}, {streams}: server CPU / (plain text + AES-128-GCM)",
                    summary.Median(work, Metric.ServerCpuPerGibibyte.Id, Contender.MtaTls) / floor, false, 1.1);
                yield return ($"{direction}, {streams}: server's allocations per 16 KiB packet beyond plain-text Kestrel's (B)",
                    (summary.Median(work, Metric.AllocatedPerMebibyte.Id, Contender.MtaTls) - summary.Median(work, Metric.AllocatedPerMebibyte.Id, Contender.Plain)) / PacketsPerMebibyte, false, 1);
            }
        }

        foreach (int inFlight in new[] { 64, 1000 })
        {
            string work = $"small-{inFlight}";
            yield return ($"small GET, {inFlight}: server CPU / HTTPS h2", summary.Ratio(work, Metric.ServerCpuEach.Id, Contender.MtaTls, Contender.Http2), false, 0.4);
            yield return ($"small GET, {inFlight}: server CPU / HTTPS h1", summary.Ratio(work, Metric.ServerCpuEach.Id, Contender.MtaTls, Contender.Http1), false, 0.13);
        }

        yield return ("open + GET + close, 64: rate / new TLS connections", summary.Ratio("open-64", Metric.Rate.Id, Contender.MtaTls, Contender.Http1), true, 120);
        yield return ("one stream at 50 ms, 1 Gbit/s, after 2 s: share of the link", summary.Median("sustained-50ms-1000", Metric.SustainedRate.Id, Contender.MtaTls) / 1000, true, 0.9);
        foreach (string where in new[] { "loopback", "link" })
        {
            yield return ($"p99 of 100 interactive channels beside a bulk one / without it, {where}", summary.Median($"fairness-{where}", Metric.P99Growth.Id, Contender.MtaTls), false, 2);
        }

        yield return ("channel without data: managed B", summary.Median("silent", Metric.ManagedEach.Id, Contender.MtaTls), false, 1024);
        yield return ("channel after a request, HTTP pipeline kept: managed B", summary.Median("idle", Metric.ManagedEach.Id, Contender.MtaTls), false, 8192);
        yield return ("100,000 channels without data: server's peak MiB", summary.Median("many-silent", Metric.Peak.Id, Contender.MtaTls), false, 1024);
        yield return ("100,000 channels after a request: server's peak MiB", summary.Median("many-spoken", Metric.Peak.Id, Contender.MtaTls), false, 1024);
    }
}
