using System.Diagnostics;
using System.Globalization;
using MtaTls.Stress.Hosting;

namespace MtaTls.Stress.Reporting;

/// <summary>The samples of a run: a file with their values, a plot, and an assessment of whether they rise.</summary>
internal sealed class SampleLog(string directory, string name)
{
    // A rise below both limits does not count, because the runtime's own memory varies by as much.
    private const double TolerableFactor = 1.15;
    private const double TolerableMiB = 32;
    private const double TolerableHandles = 16;

    // Minutes. Compiled code and growing pools take more memory meanwhile than the leaks that the test looks for.
    private const double WarmUp = 5;

    private readonly long _begun = Stopwatch.GetTimestamp();
    private readonly List<(double Minutes, ProcessSample Server, ProcessSample Client, long Done, bool Collected)> _samples = [];

    /// <param name="collected">Whether garbage was collected right before. Memory is assessed from these samples.</param>
    public void Add(ProcessSample server, ProcessSample client, long done, bool collected)
    {
        _samples.Add((Stopwatch.GetElapsedTime(_begun).TotalMinutes, server, client, done, collected));
        Console.WriteLine(FormattableString.Invariant($"{_samples[^1].Minutes,6:0.0} min, {done} jobs done{(collected ? ", garbage collected" : "")}"));
        Console.WriteLine($"  server {server}");
        Console.WriteLine($"  client {client}");
    }

    public void Write()
    {
        Directory.CreateDirectory(directory);
        const string Columns = "working_set,heap,handles,threads,sessions,channels,blocks";
        string Header(string side) => string.Join(',', Columns.Split(',').Select(c => $"{side}_{c}"));
        string Row(ProcessSample s) => FormattableString.Invariant($"{s.WorkingSet},{s.Heap},{s.Handles},{s.Threads},{s.Sessions},{s.Channels},{s.Blocks}");
        File.WriteAllLines(
            Path.Combine(directory, name + ".csv"),
            [$"minutes,done,collected,{Header("server")},{Header("client")}", .. _samples.Select(s => FormattableString.Invariant($"{s.Minutes:0.000},{s.Done},{(s.Collected ? 1 : 0)},{Row(s.Server)},{Row(s.Client)}"))]);
        File.WriteAllText(Path.Combine(directory, name + ".svg"), Plot.Draw($"{name}: {_samples[^1].Done.ToString("N0", CultureInfo.InvariantCulture)} jobs", [.. _samples.Select(static s => s.Minutes)],
        [
            new("working set, MiB", Values(static s => s.WorkingSet / 1048576.0)),
            new("managed heap, MiB", Values(static s => s.Heap / 1048576.0)),
            new("handles", Values(static s => s.Handles)),
            new("threads", Values(static s => s.Threads)),
            new("channels", Values(static s => s.Channels)),
        ]));
        Console.WriteLine($"samples and plot: {Path.Combine(directory, name)}.csv, .svg");
    }

    /// <summary>Compares the last third with the first and prints the figures.</summary>
    public bool IsSteady()
    {
        bool steady = true;
        double tolerableMiB = _samples[^1].Minutes < WarmUp ? 4 * TolerableMiB : TolerableMiB;
        foreach (bool server in (bool[])[true, false])
        {
            steady &= Check(server, true, "working set, MiB", static s => s.WorkingSet / 1048576.0, tolerableMiB);
            steady &= Check(server, true, "live heap, MiB", static s => s.Heap / 1048576.0, tolerableMiB);
            steady &= Check(server, false, "handles", static s => s.Handles, TolerableHandles);
            steady &= Check(server, false, "threads", static s => s.Threads, TolerableHandles);
        }

        return steady;
    }

    private bool Check(bool server, bool collected, string what, Func<ProcessSample, double> value, double tolerable)
    {
        double[] values = [.. _samples.Where(s => s.Collected || !collected).Select(s => value(server ? s.Server : s.Client))];
        int third = Math.Max(1, values.Length / 3);
        double first = Median(values[..third]), last = Median(values[^third..]);
        bool steady = last <= Math.Max(first * TolerableFactor, first + tolerable);
        Console.WriteLine(FormattableString.Invariant($"  {(server ? "server" : "client")} {what,-18} first third {first,9:0.0}, last third {last,9:0.0}, lowest {values.Min():0.0}, highest {values.Max():0.0}{(steady ? "" : "  RISES")}"));
        return steady;
    }

    private (double[] Server, double[] Client) Values(Func<ProcessSample, double> value) => ([.. _samples.Select(s => value(s.Server))], [.. _samples.Select(s => value(s.Client))]);

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }
}
