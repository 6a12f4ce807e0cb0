using MtaTls.Benchmarks.Work;

namespace MtaTls.Benchmarks.Plan;

/// <summary>A figure taken from a result.</summary>
/// <param name="Id">Its name in the JSON.</param>
/// <param name="Unit">The unit, printed after the values.</param>
/// <param name="MoreIsBetter">Whether a higher value is better, for the plot and the table.</param>
/// <param name="Value">Computes the figure.</param>
internal sealed record Metric(string Id, string Unit, bool MoreIsBetter, Func<WorkResult, double> Value)
{
    private const double Mebi = 1024 * 1024;

    public static readonly Metric Throughput = new("throughput", "MiB/s", true, result => result.Bytes / Mebi / result.Seconds);
    public static readonly Metric ServerCpuPerGibibyte = new("serverCpuPerGiB", "s/GiB", false, result => result.ServerCpuSeconds / (result.Bytes / Mebi / 1024));
    public static readonly Metric ClientCpuPerGibibyte = new("clientCpuPerGiB", "s/GiB", false, result => result.ClientCpuSeconds / (result.Bytes / Mebi / 1024));
    public static readonly Metric AllocatedPerMebibyte = new("serverAllocatedPerMiB", "B/MiB", false, result => result.ServerAllocatedBytes / (result.Bytes / Mebi));
    public static readonly Metric ServerWaits = new("serverWaitsPerMiB", "/MiB", false, result => result.Figures.GetValueOrDefault("serverWaits", double.NaN) / (result.Bytes / Mebi));
    public static readonly Metric ClientWaits = new("clientWaitsPerMiB", "/MiB", false, result => result.Figures.GetValueOrDefault("clientWaits", double.NaN) / (result.Bytes / Mebi));
    public static readonly Metric Rate = new("rate", "/s", true, result => result.Operations / result.Seconds);
    public static readonly Metric ServerCpuEach = new("serverCpuEach", "us", false, result => result.ServerCpuSeconds / result.Operations * 1e6);
    public static readonly Metric ClientCpuEach = new("clientCpuEach", "us", false, result => result.ClientCpuSeconds / result.Operations * 1e6);
    public static readonly Metric AllocatedEach = new("serverAllocatedEach", "B", false, result => result.ServerAllocatedBytes / (double)result.Operations);
    public static readonly Metric ManagedEach = Figure("managedBytesEach", "B", false);
    public static readonly Metric ResidentEach = Figure("residentBytesEach", "B", false);
    public static readonly Metric Resident = new("residentTotal", "MiB", false, result => result.Figures.GetValueOrDefault("residentBytes") / Mebi);
    public static readonly Metric Peak = new("serverPeak", "MiB", false, result => result.ServerPeakResidentBytes / Mebi);
    public static readonly Metric SustainedRate = new("afterTwoSeconds", "Mbit/s", true, result => result.Figures.GetValueOrDefault("bytesPerSecondLater") * 8 / 1e6);
    public static readonly Metric EarlyRate = new("firstTwoSeconds", "Mbit/s", true, result => result.Figures.GetValueOrDefault("bytesPerSecondFirst2s") * 8 / 1e6);
    public static readonly Metric Duration = new("duration", "ms", false, result => result.Seconds * 1000);
    public static readonly Metric Milliseconds = Figure("milliseconds", "ms", false);
    public static readonly Metric P50Alone = Figure("p50Alone", "ms", false);
    public static readonly Metric P99Alone = Figure("p99Alone", "ms", false);
    public static readonly Metric P50Beside = Figure("p50Beside", "ms", false);
    public static readonly Metric P99Beside = Figure("p99Beside", "ms", false);
    public static readonly Metric BulkBeside = new("bulkBeside", "MiB/s", true, result => result.Figures.GetValueOrDefault("bulkBytesPerSecond") / Mebi);

    public static readonly Metric P99Growth = new("p99Growth", "x", false, result => result.Figures.GetValueOrDefault("p99Beside") / result.Figures.GetValueOrDefault("p99Alone"));

    private static Metric Figure(string name, string unit, bool moreIsBetter) =>
        new(name, unit, moreIsBetter, result => result.Figures.GetValueOrDefault(name, double.NaN));
}
