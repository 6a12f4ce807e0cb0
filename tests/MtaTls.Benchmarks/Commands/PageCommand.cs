using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using MtaTls.Benchmarks.Hosting;
using MtaTls.Benchmarks.Liveness;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Server;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>page</c>: the cost of the live page for a server with many sessions, without a viewer and with one.</summary>
internal static class PageCommand
{
    private static readonly (string Name, string? Query)[] s_phases =
    [
        ("no viewer", null),
        ("overview", "view=overview"),
        ("sessions by traffic", "view=sessions&sort=in&desc=1"),
        ("sessions filtered", "view=sessions&filter=127.0.0.1"),
        ("limits", "view=limits"),
    ];

    public static Command Create()
    {
        var sessions = new Option<int>("--sessions") { Description = "The number of open sessions.", DefaultValueFactory = _ => 10_000 };
        var seconds = new Option<int>("--seconds") { Description = "The length of each phase, in seconds.", DefaultValueFactory = _ => 10 };
        var rounds = new Option<int>("--rounds") { Description = "The number of rounds; a round has every phase once.", DefaultValueFactory = _ => 2 };
        var hold = new Option<bool>("--hold") { Description = "Keeps the server with the page running afterwards, for a browser, until standard input is closed." };
        var command = new Command("page", "The cost of the live page on a server with many sessions: CPU time without the page, with the page but no viewer, and with one viewer of several views.") { sessions, seconds, rounds, hold };
        command.SetAction(async (parsed, ct) =>
        {
            var phase = TimeSpan.FromSeconds(parsed.GetValue(seconds));
            Report($"{parsed.GetValue(sessions)} sessions without traffic; each phase lasts {phase.TotalSeconds:0} s.");
            Report($"{"phase",-24}{"server CPU, % of a core",25}{"frames",8}{"KiB/frame",11}{"server MiB",12}");
            await MeasureAsync(parsed.GetValue(sessions), phase, parsed.GetValue(rounds), hasPage: false, hold: false, ct);
            await MeasureAsync(parsed.GetValue(sessions), phase, parsed.GetValue(rounds), hasPage: true, parsed.GetValue(hold), ct);
            return 0;
        });
        return command;
    }

    private static async Task MeasureAsync(int count, TimeSpan phase, int rounds, bool hasPage, bool hold, CancellationToken ct)
    {
        string folder = Directory.CreateTempSubdirectory("mtatls-page-").FullName;
        try
        {
            await using var process = ChildProcess.Start(null, "watched", Stage.CertificateFile(folder), hasPage ? "true" : "false");
            ServerInfo server = JsonSerializer.Deserialize(await process.ReadLineAsync(TimeSpan.FromSeconds(60), ct), ServerJson.Default.ServerInfo)!;
            using var context = new TlsClientContext(new TlsClientOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null });
            var sessions = new PingSession[count];
            await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = ct }, async (i, token) =>
            {
                sessions[i] = await PingSession.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port), context, static _ => { }, token);
                sessions[i].Session.KeepAlivePolicy = MtaTlsKeepAlivePolicy.Never;
            });

            // Each runs once before the measurement, so that none includes just-in-time compilation.
            for (int round = hasPage ? -1 : 0; round < rounds; round++)
            {
                foreach ((string name, string? query) in hasPage ? s_phases : [("without the page", null)])
                {
                    await RunAsync(server, name, query, round < 0 ? TimeSpan.FromSeconds(4) : phase, report: round >= 0, ct);
                }
            }

            if (hold)
            {
                Report($"The page is http://127.0.0.1:{server.AdminPort}/mta-tls/ until standard input is closed.");
                while (await Console.In.ReadLineAsync(ct) is not null)
                {
                }
            }

            await Parallel.ForEachAsync(sessions, CancellationToken.None, static (session, _) => session.DisposeAsync());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunAsync(ServerInfo server, string name, string? query, TimeSpan phase, bool report, CancellationToken ct)
    {
        using HttpClient http = new();
        long bytes = 0, frames = 0;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task viewer = query is null ? Task.CompletedTask : WatchAsync();
        // The first second contains the connection and the first sample.
        await Task.Delay(TimeSpan.FromSeconds(1), ct);
        long begin = Stopwatch.GetTimestamp(), framesBefore = Volatile.Read(ref frames), bytesBefore = Volatile.Read(ref bytes);
        IReadOnlyDictionary<int, long> before = ProcessTree.CpuTimes(server.ProcessIds);
        await Task.Delay(phase, ct);
        double elapsed = Stopwatch.GetElapsedTime(begin).TotalSeconds, cpu = ProcessTree.CpuSeconds(before, ProcessTree.CpuTimes(server.ProcessIds));
        long seen = Volatile.Read(ref frames) - framesBefore, size = Volatile.Read(ref bytes) - bytesBefore;
        await stop.CancelAsync();
        await viewer.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (report)
        {
            Report($"{name,-24}{cpu / elapsed * 100,25:0.00}{seen,8}{(seen == 0 ? 0 : size / 1024.0 / seen),11:0.0}{ProcessTree.Memory(server.ProcessIds).Resident / 1048576.0,12:0}");
        }

        async Task WatchAsync()
        {
            using Stream stream = await http.GetStreamAsync(new Uri($"http://127.0.0.1:{server.AdminPort}/mta-tls/api/stream?{query}"), stop.Token);
            using StreamReader reader = new(stream);
            while (await reader.ReadLineAsync(stop.Token) is { } line)
            {
                Interlocked.Add(ref bytes, line.Length + 1);
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref frames);
                }
            }
        }
    }

    private static void Report(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
