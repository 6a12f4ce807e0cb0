using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Garnet;
using MtaTls.Samples;

namespace ClusterSample;

/// <summary>The demonstration, step by step.</summary>
internal sealed class Demo(TimeSpan step) : IDisposable
{
    private const int Gateways = 3;
    private const int Agents = 4;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly DemoCertificates _certificates = new();
    private readonly List<IDisposable> _all = [];
    private readonly DemoProcess?[] _gateways = new DemoProcess?[Gateways];
    private readonly int[] _ports = [.. Enumerable.Range(0, Gateways).Select(static _ => FreePort.Find())];
    private readonly int[] _peers = [.. Enumerable.Range(0, Gateways).Select(static _ => FreePort.Find())];
    private readonly int _redis = FreePort.Find();
    private readonly int _balancer = FreePort.Find();

    public static async Task<int> RunAsync(bool isQuick, bool usesGarnet, bool keepsRunning, CancellationToken cancellationToken)
    {
        using Demo demo = new(TimeSpan.FromSeconds(isQuick ? 2 : 6));
        try
        {
            return await demo.RunAsync(usesGarnet, keepsRunning, cancellationToken);
        }
        catch (InvalidOperationException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return 1;
        }
    }

    public void Dispose()
    {
        _all.Reverse();
        _all.ForEach(static p => p.Dispose());
        _certificates.Dispose();
    }

    private async Task<int> RunAsync(bool usesGarnet, bool keepsRunning, CancellationToken cancellationToken)
    {
        Console.WriteLine($"Directory: {StartDirectory(usesGarnet)}. Balancer: {StartBalancer()}, port {_balancer}.");
        for (int i = 0; i < Gateways; i++)
        {
            StartGateway(i);
        }

        await UntilAsync(static s => s.All(static g => g?.Gateways == Gateways), cancellationToken);
        for (int i = 0; i < Agents; i++)
        {
            StartAgent($"plant-{i}");
        }

        await UntilAsync(static s => s.Sum(static g => g?.Agents ?? 0) == 2 * Agents, cancellationToken);
        using Load load = new(() => _certificates.Client(_balancer, "plant.example.com"));
        load.Start();
        Console.WriteLine($"{"",-44}{"requests/s",12}{"failed",8}   agents' sessions at gw-0, gw-1, gw-2");
        await StepAsync("all gateways serve", load, cancellationToken);

        long killed = Stopwatch.GetTimestamp();
        int before = load.Failed;
        await _gateways[0]!.KillAsync(cancellationToken);
        await StepAsync("gw-0 is killed (SIGKILL)", load, cancellationToken);
        int lost = load.Failed - before;
        TimeSpan recovery = load.RecoverySince(killed);

        StartGateway(0);
        await UntilAsync(static s => s.All(static g => g?.Gateways == Gateways), cancellationToken);
        await StepAsync("gw-0 is back", load, cancellationToken);

        before = load.Failed;
        Task stopping = _gateways[1]!.StopAsync(cancellationToken);
        await StepAsync("gw-1 drains and stops (SIGTERM)", load, cancellationToken, stopping);
        await stopping.WaitAsync(s_patience, cancellationToken);
        await StepAsync("gw-1 has gone", load, cancellationToken);
        int drained = load.Failed - before;
        await load.StopAsync();

        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Requests                   {load.Requests:N0}"));
        Console.WriteLine($"Failed by the kill         {lost} (requests in flight on gw-0)");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Recovery after the kill    {recovery.TotalSeconds:0.0} s"));
        Console.WriteLine($"Failed by the drain        {drained}");
        foreach ((string reason, int count) in load.ReasonsAfter(before))
        {
            Console.WriteLine($"                           {count}: {reason}");
        }

        if (keepsRunning)
        {
            Console.WriteLine($"The live page of gw-2: https://localhost:{_ports[2]}/mta-tls. Running until Ctrl+C.");
            await Task.Delay(Timeout.Infinite, cancellationToken).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        return drained == 0 && load.Requests > 0 ? 0 : 1;
    }

    /// <summary>Shows the requests of each second: for the time of a step or, if a task is given, until it has ended.</summary>
    private async Task StepAsync(string name, Load load, CancellationToken cancellationToken, Task? until = null)
    {
        TimeSpan left = until is null ? step : s_patience;
        for (; left > TimeSpan.Zero && until?.IsCompleted != true; left -= TimeSpan.FromSeconds(1))
        {
            long before = load.Requests, begin = Stopwatch.GetTimestamp();
            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            double rate = (load.Requests - before) / Stopwatch.GetElapsedTime(begin).TotalSeconds;
            Status?[] status = await StatusAsync(cancellationToken);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44}{rate,12:N0}{load.Failed,8}   {string.Join("  ", status.Select(static s => s is null ? "-" : $"{s.Agents}"))}"));
        }
    }

    private string StartDirectory(bool usesGarnet)
    {
        if (!usesGarnet && Find("redis-server") is { } program)
        {
            _all.Add(new DemoProcess(program, ["--port", $"{_redis}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]));
            return "redis-server";
        }

        GarnetServer garnet = new(["--bind", "127.0.0.1", "--port", $"{_redis}", "--memory", "64m", "--page", "1m", "--segment", "16m", "--index", "4m", "-q"]);
        _all.Add(garnet);
        garnet.Start();
        return "Garnet in this process";
    }

    private string StartBalancer()
    {
        if (Find("haproxy") is not { } program)
        {
            _all.Add(new Balancer(_balancer, _ports, port => _certificates.Client(port, "localhost")));
            return "a small one in this process";
        }

        string servers = string.Join('\n', _ports.Select(static (p, i) => $"    server gw-{i} 127.0.0.1:{p} check check-ssl verify none inter 200ms fall 1 rise 1"));
        File.WriteAllText(_certificates.Path("haproxy.cfg"), $"""
            defaults
                mode tcp
                timeout connect 5s
                timeout check 5s
                timeout client 1h
                timeout server 1h
                option redispatch 1
            frontend public
                bind 127.0.0.1:{_balancer}
                default_backend gateways
            backend gateways
                option httpchk GET /health
            {servers}

            """);
        _all.Add(new DemoProcess(program, ["-db", "-f", _certificates.Path("haproxy.cfg")]));
        return "HAProxy";
    }

    private void StartGateway(int index)
    {
        _gateways[index] = StartRole("gateway", new()
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ConnectionStrings:redis"] = $"127.0.0.1:{_redis}",
            ["AuthorityPath"] = _certificates.Path("authority.pem"),
            ["MtaTls:Endpoints:Public:Url"] = $"https://127.0.0.1:{_ports[index]}",
            ["MtaTls:Endpoints:Public:ClientCertificateMode"] = "AllowCertificate",
            ["MtaTls:Endpoints:Public:Certificate:Path"] = _certificates.Path("public.pem"),
            ["MtaTls:Endpoints:Public:Certificate:KeyPath"] = _certificates.Path("public.key"),
            ["MtaTls:Endpoints:Peers:Url"] = $"https://127.0.0.1:{_peers[index]}",
            ["MtaTls:Endpoints:Peers:Certificate:Path"] = _certificates.Path("node.pem"),
            ["MtaTls:Endpoints:Peers:Certificate:KeyPath"] = _certificates.Path("node.key"),
            ["MtaTls:Cluster:Node"] = $"gw-{index}",
            ["MtaTls:Cluster:Advertise"] = $"https://127.0.0.1:{_peers[index]}",
            ["MtaTls:Cluster:AuthorityPath"] = _certificates.Path("authority.pem"),
            ["MtaTls:Cluster:PeerCertificates:SubjectAlternativeNames:0"] = "uri:spiffe://example.org/gateway",
            // Longer than the balancer needs to notice, even on a busy machine: its checks may take five seconds.
            ["MtaTls:Shutdown:Delay"] = "00:00:08",
            ["MtaTls:Agents:DrainTimeout"] = "00:00:05",
            ["MtaTls:Agents:Rules:0:Names:0"] = "*.internal",
            ["MtaTls:Agents:Rules:0:ClientCertificate:SubjectAlternativeNames:0"] = "uri:spiffe://example.org/plant",
        });
        _all.Add(_gateways[index]!);
    }

    private void StartAgent(string name) => _all.Add(StartRole("agent", new()
    {
        ["MtaTlsAgent:Gateways:0"] = $"https://127.0.0.1:{_balancer}",
        ["MtaTlsAgent:TargetHost"] = "localhost",
        ["MtaTlsAgent:Names:0"] = "plant.internal",
        ["MtaTlsAgent:Agent"] = name,
        ["MtaTlsAgent:AuthorityPath"] = _certificates.Path("authority.pem"),
        ["MtaTlsAgent:ClientCertificate:Path"] = _certificates.Path("agent.pem"),
        ["MtaTlsAgent:ClientCertificate:KeyPath"] = _certificates.Path("agent.key"),
        ["MtaTlsAgent:Reconnect:InitialDelay"] = "00:00:00.200",
        ["MtaTlsAgent:Reconnect:MaxDelay"] = "00:00:02",
    }));

    private async Task UntilAsync(Func<Status?[], bool> condition, CancellationToken cancellationToken)
    {
        long begin = Stopwatch.GetTimestamp();
        while (!condition(await StatusAsync(cancellationToken)))
        {
            if (_gateways.FirstOrDefault(static g => g?.HasEnded == true) is { } ended)
            {
                throw new InvalidOperationException($"A gateway has ended:\n{ended.Output}");
            }

            if (Stopwatch.GetElapsedTime(begin) > s_patience)
            {
                throw new InvalidOperationException($"The gateways and agents did not start:\n{string.Join('\n', _all.OfType<DemoProcess>().Select(static p => p.Output))}");
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    private async Task<Status?[]> StatusAsync(CancellationToken cancellationToken) => await Task.WhenAll(_ports.Select(async port =>
    {
        try
        {
            using HttpClient client = _certificates.Client(port, "localhost");
            return await client.GetFromJsonAsync<Status>(new Uri("/status", UriKind.Relative), cancellationToken);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }));

    /// <summary>Starts this program again in another role.</summary>
    private static DemoProcess StartRole(string role, Dictionary<string, string> settings)
    {
        // "dotnet Cluster.dll" or the program itself.
        string program = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(program) == "dotnet" ? new(program, [typeof(Demo).Assembly.Location, role], settings) : new(program, [role], settings);
    }

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
