using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ClusterSample;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Tunnels;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>cluster</c>: an agent through its own gateway compared with the same agent through another gateway, and a directory with many names on three nodes.</summary>
internal static class ClusterCommand
{
    private const long Bytes = 64L << 20;

    public static Command Create()
    {
        Option<int> names = new("--names") { Description = "The number of names in the directory.", DefaultValueFactory = _ => 10_000 };
        Option<int> rounds = new("--rounds") { Description = "The number of downloads through each gateway, in turn.", DefaultValueFactory = _ => 8 };
        Command command = new("cluster", "Several gateways: throughput of the second hop, commands of Redis, and the time of lookups with many names. Needs redis-server.") { names, rounds };
        command.SetAction((parsed, ct) => RunAsync(parsed.GetValue(names), parsed.GetValue(rounds), ct));
        return command;
    }

    private static async Task RunAsync(int names, int rounds, CancellationToken ct)
    {
        using DemoCertificates certificates = new();
        int redis = FreePort.Find();
        await using var server = HostedProcess.Start("redis-server", ["--port", $"{redis}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        await server.ListensAsync(redis, ct);
        await SpliceAsync(certificates, redis, rounds, ct);
        await NamesAsync(certificates, redis, names, ct);
    }

    private static async Task SpliceAsync(DemoCertificates certificates, int redis, int rounds, CancellationToken ct)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-bench-");
        int[] agents = [FreePort.Find(), FreePort.Find()], plain = [FreePort.Find(), FreePort.Find()], peers = [FreePort.Find(), FreePort.Find()];
        await using HostedProcess a = Gateway(0), b = Gateway(1);
        await a.ListensAsync(plain[0], ct);
        await b.ListensAsync(plain[1], ct);
        await using HostedProcess agent = ClusterProcesses.StartAgent(certificates, folder.FullName, "plant", agents[1]);
        using HttpClient far = ClusterProcesses.Client(plain[0], "plant"), near = ClusterProcesses.Client(plain[1], "plant");
        foreach (HttpClient client in (HttpClient[])[near, far])
        {
            while (!(await client.GetAsync(new Uri("/", UriKind.Relative), ct)).IsSuccessStatusCode)
            {
                await Task.Delay(50, ct);
            }

            await DownloadAsync(client, ct);
        }

        List<double> nearRates = [], farRates = [], nearRequests = [], farRequests = [];
        for (int i = 0; i < rounds; i++)
        {
            nearRates.Add(await DownloadAsync(near, ct));
            farRates.Add(await DownloadAsync(far, ct));
            nearRequests.Add(await RequestsAsync(near, ct));
            farRequests.Add(await RequestsAsync(far, ct));
        }

        Report("64 MiB through one gateway, MB/s", nearRates, "through two", farRates);
        Report("requests/s through one gateway, 16 at a time", nearRequests, "through two", farRequests);
        folder.Delete(recursive: true);

        HostedProcess Gateway(int index) => ClusterProcesses.StartGateway(certificates, folder.FullName, redis, index, agents[index], peers[index], plain[index]);
    }

    private static async Task<double> DownloadAsync(HttpClient client, CancellationToken ct)
    {
        long begin = Stopwatch.GetTimestamp();
        using HttpResponseMessage response = await client.GetAsync(new Uri($"/bytes/{Bytes}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, ct);
        await response.EnsureSuccessStatusCode().Content.CopyToAsync(Stream.Null, ct);
        return Bytes / 1e6 / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private static async Task<double> RequestsAsync(HttpClient client, CancellationToken ct)
    {
        const int Count = 2_000;
        long begin = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = ct }, async (_, token) => await client.GetStringAsync(new Uri("/", UriKind.Relative), token));
        return Count / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private static void Report(string one, List<double> first, string two, List<double> second)
        => Console.WriteLine(FormattableString.Invariant($"{one}: {Median(first):0}; {two}: {Median(second):0} ({Median([.. first.Zip(second, static (f, s) => s / f)]):P0} of one)"));

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static async Task NamesAsync(DemoCertificates certificates, int redis, int count, CancellationToken ct)
    {
        List<WebApplication> nodes = [];
        for (int i = 0; i < 3; i++)
        {
            nodes.Add(await StartNodeAsync(certificates, redis, i, ct));
        }

        while (nodes.Any(static n => n.Services.GetRequiredService<INodeDirectory>().ListNodes().Count < 3))
        {
            await Task.Delay(50, ct);
        }

        IAgentDirectory[] directories = [.. nodes.Select(static n => n.Services.GetRequiredService<IAgentDirectory>())];
        Dictionary<string, long> before = await InfoAsync(redis, ct);
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            directories[i % 3].Add(new AgentMember($"n{i}.internal", $"node-{i % 3}", i.ToString("x16", CultureInfo.InvariantCulture), "agent", 1));
        }

        while (!await directories[1].LoadAsync($"n{count - count % 3}.internal", cancellationToken: ct) || (await InfoAsync(redis, ct))["keys"] < count)
        {
            await Task.Delay(20, ct);
        }

        double announced = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        Dictionary<string, long> after = await InfoAsync(redis, ct);
        Console.WriteLine(FormattableString.Invariant(
            $"{count} names on 3 nodes announced in {announced:0.00} s: {(double)(after["total_commands_processed"] - before["total_commands_processed"]) / count:0.0} commands and {(double)(after["used_memory"] - before["used_memory"]) / count:0} bytes of Redis' memory each"));

        double[] times = new double[count];
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = ct }, async (i, token) =>
        {
            long started = Stopwatch.GetTimestamp();
            await directories[(i + 1) % 3].LoadAsync($"n{i}.internal", cancellationToken: token);
            times[i] = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            if (directories[(i + 1) % 3].Find($"n{i}.internal").Count != 1)
            {
                throw new InvalidOperationException($"n{i}.internal was not found.");
            }
        });
        Array.Sort(times);
        Console.WriteLine(FormattableString.Invariant($"lookup of a name that is not cached: p50 {times[count / 2]:0} us, p99 {times[count * 99 / 100]:0} us, 8 at a time"));
        string[] all = [.. Enumerable.Range(0, count).Select(static i => $"n{i}.internal")];
        const int Passes = 20;
        long lookups = Stopwatch.GetTimestamp();
        for (int pass = 0; pass < Passes; pass++)
        {
            for (int i = 0; i < count; i++)
            {
                _ = directories[(i + 1) % 3].Find(all[i]).Count;
            }
        }

        Console.WriteLine(FormattableString.Invariant($"lookup of a cached name: {Stopwatch.GetElapsedTime(lookups).TotalNanoseconds / count / Passes:0} ns"));
        before = await InfoAsync(redis, ct);
        await Task.Delay(TimeSpan.FromSeconds(15), ct);
        after = await InfoAsync(redis, ct);
        Console.WriteLine(FormattableString.Invariant($"idle: {(after["total_commands_processed"] - before["total_commands_processed"]) / 15.0 / 3:0.0} commands per second and node"));
        foreach (WebApplication node in nodes)
        {
            await node.StopAsync(ct);
            await node.DisposeAsync();
        }
    }

    private static async Task<WebApplication> StartNodeAsync(DemoCertificates certificates, int redis, int index, CancellationToken ct)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        int port = FreePort.Find();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["MtaTls:Endpoints:Peers:Url"] = $"https://127.0.0.1:{port}",
            ["MtaTls:Endpoints:Peers:Certificate:Path"] = certificates.Path("node.pem"),
            ["MtaTls:Endpoints:Peers:Certificate:KeyPath"] = certificates.Path("node.key"),
            ["MtaTls:Cluster:Node"] = $"node-{index}",
            ["MtaTls:Cluster:Advertise"] = $"https://127.0.0.1:{port}",
            ["MtaTls:Cluster:PeerCertificates:SubjectAlternativeNames:0"] = "uri:spiffe://example.org/gateway",
        });
        builder.WebHost.UseMtaTls();
        builder.Services.AddReverseProxy().AddMtaTlsAgents().UseRedisDirectory(o =>
        {
            o.ConnectionString = $"127.0.0.1:{redis}";
            o.Prefix = "names";
        });
        WebApplication app = builder.Build();
        await app.StartAsync(ct);
        return app;
    }

    private static async Task<Dictionary<string, long>> InfoAsync(int redis, CancellationToken ct)
    {
        using Process process = Process.Start(new ProcessStartInfo("redis-cli", ["-p", $"{redis}", "info", "all"]) { RedirectStandardOutput = true })!;
        string text = await process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        Dictionary<string, long> values = new() { ["keys"] = 0 };
        foreach (string[] pair in text.Split('\n').Select(static l => l.Trim().Split(':', 2)).Where(static p => p.Length == 2))
        {
            if (pair[0] == "db0")
            {
                values["keys"] = long.Parse(pair[1]["keys=".Length..pair[1].IndexOf(',', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
            }
            else if (long.TryParse(pair[1], NumberStyles.None, CultureInfo.InvariantCulture, out long value))
            {
                values[pair[0]] = value;
            }
        }

        return values;
    }
}
