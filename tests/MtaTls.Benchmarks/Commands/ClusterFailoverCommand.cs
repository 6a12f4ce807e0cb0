using System.CommandLine;
using System.Diagnostics;
using ClusterSample;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Tunnels;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>cluster-failover</c>: the gateway of agents with one session is killed under load, again and again: how long until each name is served through each gateway that is left.</summary>
internal static class ClusterFailoverCommand
{
    private const int Gateways = 3;

    public static Command Create()
    {
        Option<int> agents = new("--agents") { Description = "Agents whose only session is with the gateway that is killed.", DefaultValueFactory = _ => 5 };
        Option<int> rounds = new("--rounds") { Description = "How often it is killed.", DefaultValueFactory = _ => 5 };
        Command command = new("cluster-failover", "Several gateways: kill -9 of the gateway of agents with one session, under load. Needs redis-server.") { agents, rounds };
        command.SetAction((parsed, ct) => RunAsync(parsed.GetValue(agents), parsed.GetValue(rounds), ct));
        return command;
    }

    private static async Task RunAsync(int count, int rounds, CancellationToken ct)
    {
        using DemoCertificates certificates = new();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-bench-");
        int redis = FreePort.Find();
        int[] agents = Ports(), peers = Ports(), plain = Ports();
        await using var server = HostedProcess.Start("redis-server", ["--port", $"{redis}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        await server.ListensAsync(redis, ct);
        HostedProcess[] gateways = [.. Enumerable.Range(0, Gateways).Select(Gateway)];
        await Task.WhenAll(gateways.Select((g, i) => g.ListensAsync(plain[i], ct)));
        List<double> times = [];
        for (int round = 0; round < rounds; round++)
        {
            List<HostedProcess> processes = [.. Enumerable.Range(0, count).Select(i => ClusterProcesses.StartAgent(certificates, folder.FullName, $"plant{i}", agents))];
            await ServedAsync(plain, count, ct);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
            Task[] load = [.. plain.Skip(1).SelectMany(p => Enumerable.Range(0, count).Select(i => LoadAsync(p, i, stop.Token)))];
            long killed = Stopwatch.GetTimestamp();
            await gateways[0].DisposeAsync();
            await ServedAsync(plain[1..], count, ct);
            times.Add(Stopwatch.GetElapsedTime(killed).TotalSeconds);
            Console.WriteLine(FormattableString.Invariant($"{count} names are served through both gateways that are left {times[^1]:0.00} s after the kill"));
            await stop.CancelAsync();
            await Task.WhenAll(load);
            await Task.WhenAll(processes.Select(static p => p.DisposeAsync().AsTask()));
            gateways[0] = Gateway(0);
            await gateways[0].ListensAsync(plain[0], ct);
        }

        times.Sort();
        Console.WriteLine(FormattableString.Invariant($"median {times[times.Count / 2]:0.00} s, most {times[^1]:0.00} s"));
        await Task.WhenAll(gateways.Select(static g => g.DisposeAsync().AsTask()));
        folder.Delete(recursive: true);

        HostedProcess Gateway(int index) => ClusterProcesses.StartGateway(certificates, folder.FullName, redis, index, agents[index], peers[index], plain[index]);
    }

    private static int[] Ports() => [.. Enumerable.Range(0, Gateways).Select(static _ => FreePort.Find())];

    private static Task ServedAsync(int[] ports, int count, CancellationToken ct) => Task.WhenAll(ports.SelectMany(p => Enumerable.Range(0, count).Select(async i =>
    {
        using HttpClient client = ClusterProcesses.Client(p, $"plant{i}");
        while (!await IsServedAsync(client, ct))
        {
            await Task.Delay(20, ct);
        }
    })));

    private static async Task LoadAsync(int port, int agent, CancellationToken stop)
    {
        using HttpClient client = ClusterProcesses.Client(port, $"plant{agent}");
        while (!stop.IsCancellationRequested)
        {
            await IsServedAsync(client, CancellationToken.None);
        }
    }

    private static async Task<bool> IsServedAsync(HttpClient client, CancellationToken ct)
    {
        try
        {
            using HttpResponseMessage response = await client.GetAsync(new Uri("/", UriKind.Relative), ct);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
