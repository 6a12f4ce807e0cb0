using System.Diagnostics;
using MtaTls.Benchmarks.Measuring;

namespace MtaTls.Benchmarks.Socks;

/// <summary>One round of a contender, with new processes, so that memory is measured on processes that never had as many connections before.</summary>
internal sealed class SocksRound(ISocksProxy proxy, int targetPort, SocksLoad load, CancellationToken ct)
{
    private const int AtATime = 16;
    private const int AnswerLength = 256;

    private readonly List<(string Work, double Value)> _results = [];

    /// <summary>Runs the round, and returns the figures in the order of the report.</summary>
    public async Task<IReadOnlyList<(string Work, double Value)>> RunAsync()
    {
        _results.Add(("local process at its start, MiB", Resident(proxy.LocalProcesses) / (double)(1 << 20)));
        SocksConnection[] idle = await OpenIdleAsync();
        await WarmUpAsync();
        await MeasureAsync($"small request beside {idle.Length} idle", 1e6, "us", () => RequestsAsync(load.Duration));
        await CloseIdleAsync(idle);
        await MeasureAsync("small request", 1e6, "us", () => RequestsAsync(load.Duration));
        await MeasureAsync("connection with a request", 1e6, "us", () => OpensAsync(load.Duration));
        await MeasureAsync("GiB, one download", 1, "s", async () =>
        {
            await DownloadAsync(load.BulkBytes);
            return load.BulkBytes / (double)(1L << 30);
        });
        return _results;
    }

    /// <summary>Opens connections until their rate has not risen in three passes in a row, because until then .NET has not finished compiling the hot code.</summary>
    private async Task WarmUpAsync()
    {
        double best = 0;
        for (int pass = 0, settled = 0; pass < load.WarmUpPasses && settled < 3; pass++)
        {
            await RequestsAsync(load.Duration / 4);
            double opens = await OpensAsync(load.Duration / 4);
            settled = opens > best * 1.05 ? 0 : settled + 1;
            best = Math.Max(best, opens);
        }

        await DownloadAsync(load.BulkBytes / 4);
    }

    /// <summary>Opens idle connections in a new process. Later the process would use memory for them that other work has left.</summary>
    private async Task<SocksConnection[]> OpenIdleAsync()
    {
        var idle = new SocksConnection[load.IdleConnections];
        // Code and objects that are loaded once must not count as the cost of a connection.
        int first = idle.Length / 5;
        await OpenAsync(idle, 0, first);
        (long local, long server) = (Resident(proxy.LocalProcesses), Resident(proxy.ServerProcesses));
        await OpenAsync(idle, first, idle.Length);
        _results.Add(("idle connection, local, KiB", (Resident(proxy.LocalProcesses) - local) / 1024.0 / (idle.Length - first)));
        _results.Add(("idle connection, server, KiB", (Resident(proxy.ServerProcesses) - server) / 1024.0 / (idle.Length - first)));
        _results.Add(($"local process with {idle.Length} idle, MiB", Resident(proxy.LocalProcesses) / (double)(1 << 20)));
        return idle;
    }

    private Task OpenAsync(SocksConnection[] connections, int from, int to) =>
        Parallel.ForAsync(from, to, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = ct }, async (i, token) =>
        {
            connections[i] = await SocksConnection.OpenAsync(proxy, targetPort, token);
            await connections[i].RequestAsync(AnswerLength, new byte[AnswerLength], token);
        });

    private async Task CloseIdleAsync(SocksConnection[] idle)
    {
        byte[] buffer = new byte[AnswerLength];
        foreach (SocksConnection connection in idle)
        {
            // Checks that each connection is still open, and then closes it.
            await connection.RequestAsync(AnswerLength, buffer, ct);
            await connection.DisposeAsync();
        }
    }

    /// <summary>Does work, and divides the CPU time of the contender's processes by the units of work.</summary>
    private async Task MeasureAsync(string unit, double scale, string scaleName, Func<Task<double>> work)
    {
        IReadOnlyDictionary<int, long> local = ProcessTree.CpuTimes(proxy.LocalProcesses), server = ProcessTree.CpuTimes(proxy.ServerProcesses);
        long begin = Stopwatch.GetTimestamp();
        double done = await work();
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        double localSeconds = ProcessTree.CpuSeconds(local, ProcessTree.CpuTimes(proxy.LocalProcesses)), serverSeconds = ProcessTree.CpuSeconds(server, ProcessTree.CpuTimes(proxy.ServerProcesses));
        _results.Add(($"{unit}: local CPU, {scaleName}", localSeconds * scale / done));
        _results.Add(($"{unit}: both ends, {scaleName}", (localSeconds + serverSeconds) * scale / done));
        _results.Add(($"{unit}: a second", done / seconds));
    }

    private Task<double> RequestsAsync(TimeSpan duration) => RepeatAsync(duration, async (end, done) =>
    {
        await using SocksConnection connection = await SocksConnection.OpenAsync(proxy, targetPort, ct);
        byte[] buffer = new byte[AnswerLength];
        while (Stopwatch.GetTimestamp() < end)
        {
            await connection.RequestAsync(AnswerLength, buffer, ct);
            done();
        }
    });

    private Task<double> OpensAsync(TimeSpan duration) => RepeatAsync(duration, async (end, done) =>
    {
        byte[] buffer = new byte[AnswerLength];
        while (Stopwatch.GetTimestamp() < end)
        {
            await using SocksConnection connection = await SocksConnection.OpenAsync(proxy, targetPort, ct);
            await connection.RequestAsync(AnswerLength, buffer, ct);
            done();
        }
    });

    private async Task DownloadAsync(long bytes)
    {
        await using SocksConnection connection = await SocksConnection.OpenAsync(proxy, targetPort, ct);
        await connection.RequestAsync(bytes, new byte[1 << 18], ct);
    }

    private static async Task<double> RepeatAsync(TimeSpan duration, Func<long, Action, Task> program)
    {
        long end = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds * Stopwatch.Frequency), count = 0;
        await Task.WhenAll(Enumerable.Range(0, AtATime).Select(_ => Task.Run(() => program(end, () => Interlocked.Increment(ref count)))));
        return count;
    }

    private static long Resident(IEnumerable<int> processes) => ProcessTree.Memory(processes).Resident;
}
