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

/// <summary><c>pings</c>: the cost of many idle sessions with pings, compared with the same sessions without.</summary>
internal static class PingsCommand
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var sessions = new Option<int>("--sessions") { Description = "The number of idle sessions.", DefaultValueFactory = _ => 10_000 };
        var seconds = new Option<int>("--seconds") { Description = "The length of each phase, in seconds.", DefaultValueFactory = _ => 15 };
        var rounds = new Option<int>("--rounds") { Description = "The number of phases with pings; a phase without pings follows each.", DefaultValueFactory = _ => 2 };
        var command = new Command("pings", "The cost of a ping every 15 s on each of many idle sessions: CPU time, memory and bytes, alternately with and without pings.") { sessions, seconds, rounds };
        command.SetAction((parsed, ct) => RunAsync(parsed.GetValue(sessions), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(rounds), ct));
        return command;
    }

    private static async Task<int> RunAsync(int count, TimeSpan phase, int rounds, CancellationToken ct)
    {
        string folder = Directory.CreateTempSubdirectory("mtatls-pings-").FullName;
        try
        {
            await using var process = ChildProcess.Start(null, "serve", nameof(Contender.MtaTls), Stage.CertificateFile(folder), "127.0.0.1");
            ServerInfo server = JsonSerializer.Deserialize(await process.ReadLineAsync(TimeSpan.FromSeconds(30), ct), ServerJson.Default.ServerInfo)!;
            long pings = 0;
            using var context = new TlsClientContext(new TlsClientOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null });
            var sessions = new PingSession[count];
            long begin = Stopwatch.GetTimestamp();
            await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = ct }, async (i, token) =>
                sessions[i] = await PingSession.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port), context, _ => Interlocked.Increment(ref pings), token));
            Report($"{count} sessions connected in {Stopwatch.GetElapsedTime(begin).TotalSeconds:0} s; each phase lasts {phase.TotalSeconds:0} s, a ping is sent after {s_interval.TotalSeconds:0} s of silence.");
            Report($"{"phase",-10}{"pings",8}{"bytes/ping",12}{"client CPU, us/ping",21}{"server CPU, us/ping",21}{"client CPU, %",15}{"server CPU, %",15}{"client MiB",12}{"server MiB",12}");
            for (int round = 0; round < rounds; round++)
            {
                await MeasureAsync("pings", MtaTlsKeepAlivePolicy.Always);
                await MeasureAsync("none", MtaTlsKeepAlivePolicy.Never);
            }

            int lost = sessions.Count(static s => s.Session.Completion.IsCompleted);
            Report($"{lost} sessions were lost.");
            await Parallel.ForEachAsync(sessions, CancellationToken.None, static (session, _) => session.DisposeAsync());
            return lost == 0 ? 0 : 1;

            async Task MeasureAsync(string name, MtaTlsKeepAlivePolicy policy)
            {
                // Spread over an interval, so that pings do not all come at the same time.
                const int Steps = 100;
                for (int step = 0; step < Steps; step++)
                {
                    for (int i = step; i < count; i += Steps)
                    {
                        sessions[i].Session.KeepAlivePolicy = policy;
                    }

                    await Task.Delay(policy == MtaTlsKeepAlivePolicy.Never ? TimeSpan.FromMilliseconds(10) : s_interval / Steps, ct);
                }

                await Task.Delay(TimeSpan.FromSeconds(1), ct);
                long before = Interlocked.Read(ref pings), bytes = sessions.Sum(static s => s.Bytes), start = Stopwatch.GetTimestamp();
                IReadOnlyDictionary<int, long> client = ProcessTree.CpuTimes([Environment.ProcessId]), own = ProcessTree.CpuTimes(server.ProcessIds);
                await Task.Delay(phase, ct);
                double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
                double clientCpu = Own(client, ProcessTree.CpuTimes([Environment.ProcessId]), own), serverCpu = ProcessTree.CpuSeconds(own, ProcessTree.CpuTimes(server.ProcessIds));
                long answered = Interlocked.Read(ref pings) - before;
                bytes = sessions.Sum(static s => s.Bytes) - bytes;
                double memory = ProcessTree.Memory(Environment.ProcessId).Resident / 1048576.0, serverMemory = ProcessTree.Memory(server.ProcessIds).Resident / 1048576.0;
                string perPing = answered == 0 ? $"{"-",12}{"-",21}{"-",21}" : Invariant($"{(double)bytes / answered,12:0}{clientCpu / answered * 1e6,21:0.0}{serverCpu / answered * 1e6,21:0.0}");
                Report($"{name,-10}{answered,8}{perPing}{clientCpu / elapsed * 100,15:0.00}{serverCpu / elapsed * 100,15:0.00}{memory,12:0}{serverMemory,12:0}");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Returns the CPU time of this process without its child, the server.</summary>
    private static double Own(IReadOnlyDictionary<int, long> before, IReadOnlyDictionary<int, long> after, IReadOnlyDictionary<int, long> children) =>
        ProcessTree.CpuSeconds(before, after.Where(thread => !children.ContainsKey(thread.Key)).ToDictionary());

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static void Report(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
