using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using MtaTls.Samples;
using Spectre.Console;

namespace ReverseTunnelSample;

/// <summary>The demonstration, step by step.</summary>
internal sealed class Demo : IDisposable
{
    private const int MinAnswers = 100;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly DemoCertificates _certificates = new();
    private readonly Dictionary<string, DemoProcess> _agents = [];
    private readonly List<DemoProcess> _all = [];
    private readonly int _port = FreePort.Find();
    private readonly TimeSpan _step;
    private readonly HttpClient _operator;

    private Demo(TimeSpan step)
    {
        _step = step;
        _operator = Load.Client(_port, _certificates, "localhost");
    }

    public static async Task<int> RunAsync(bool isQuick, bool keepsRunning, CancellationToken cancellationToken)
    {
        using Demo demo = new(TimeSpan.FromSeconds(isQuick ? 1 : 5));
        try
        {
            return await demo.RunAsync(keepsRunning, cancellationToken);
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
        _operator.Dispose();
        _all.ForEach(static p => p.Dispose());
        _certificates.Dispose();
    }

    private async Task<int> RunAsync(bool keepsRunning, CancellationToken cancellationToken)
    {
        DemoProcess gateway = StartProject("PublicGateway", new()
        {
            ["MtaTls:Endpoints:Public:Url"] = $"https://localhost:{_port}",
            ["MtaTls:Endpoints:Public:Certificate:Path"] = _certificates.Path("gateway.pem"),
            ["MtaTls:Endpoints:Public:Certificate:KeyPath"] = _certificates.Path("gateway.key"),
            ["AgentAuthorityPath"] = _certificates.Authority,
        });
        _all.Add(gateway);
        StartAgent("plant-a");
        StartAgent("plant-b");
        await RegisteredAsync(cancellationToken);
        int gatewayPorts = ListeningPorts.Count(gateway.Id);
        int ports = _agents.Values.Sum(static a => ListeningPorts.Count(a.Id));
        Console.WriteLine($"The gateway serves https://plant.example.com on port {_port}; plant-a and plant-b (processes {_agents["plant-a"].Id} and {_agents["plant-b"].Id}) open no port.");

        using Load load = new(_port, _certificates);
        load.Start();
        await Report.StepAsync("Both agents serve", load, () => ServeAsync(load, cancellationToken));
        await Report.StepAsync("plant-a drains and restarts (SIGTERM)", load, async () =>
        {
            await _agents["plant-a"].StopAsync(cancellationToken);
            StartAgent("plant-a");
            await RegisteredAsync(cancellationToken);
            ports += ListeningPorts.Count(_agents["plant-a"].Id);
            await ServeAsync(load, cancellationToken);
        });
        // Nobody can know whether a killed process has handled an order that it had received, so no order is under way then.
        await Report.StepAsync("plant-b is killed (SIGKILL), GET requests only", load, async () =>
        {
            await load.PauseOrdersAsync(cancellationToken);
            await _agents["plant-b"].KillAsync(cancellationToken);
            _agents.Remove("plant-b");
            await RegisteredAsync(cancellationToken);
            load.ResumeOrders();
            await ServeAsync(load, cancellationToken);
        });
        await Report.StepAsync("plant-b starts again", load, async () =>
        {
            StartAgent("plant-b");
            await RegisteredAsync(cancellationToken);
            ports += ListeningPorts.Count(_agents["plant-b"].Id);
            await ServeAsync(load, cancellationToken);
        });
        await load.StopAsync();

        int result = await ShowAsync(load, ports, gatewayPorts, cancellationToken);
        if (keepsRunning)
        {
            Console.WriteLine($"The live page: https://localhost:{_port}/mta-tls");
            Console.WriteLine($"Running until Ctrl+C. Try: curl --cacert {_certificates.Authority} --resolve plant.example.com:{_port}:127.0.0.1 https://plant.example.com:{_port}/");
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        return result;
    }

    private async Task<int> ShowAsync(Load load, int ports, int gatewayPorts, CancellationToken cancellationToken)
    {
        // The agents' output can arrive later than the response to the client.
        Dictionary<string, int> received = [];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        do
        {
            received = _all.SelectMany(static a => a.Lines).Where(static l => l.StartsWith("order ", StringComparison.Ordinal)).CountBy(static l => l["order ".Length..]).ToDictionary();
            await Task.Delay(50, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        while (load.Orders.Any(o => !received.ContainsKey(o)) && !patience.IsCancellationRequested);

        int repeated = received.Values.Count(static n => n > 1), lost = load.Orders.Count(o => !received.ContainsKey(o));
        static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
        Report.Table(
        [
            ("requests", Number(load.Requests)),
            ("failed", Number(load.Failures.Count)),
            ("POSTs", Number(load.Orders.Count)),
            ("repeated POSTs", Number(repeated)),
            ("lost POSTs", Number(lost)),
            ("slowest request", string.Create(CultureInfo.InvariantCulture, $"{load.Slowest.TotalMilliseconds:N0} ms")),
            ("ports opened by the gateway", Number(gatewayPorts)),
            ("ports opened by agents", Number(ports)),
        ]);
        foreach (IGrouping<string, string> failure in load.Failures.GroupBy(static f => f))
        {
            Console.WriteLine($"Failed {failure.Count()} times: {failure.Key}");
        }

        return load.Failures.Count == 0 && repeated == 0 && lost == 0 && ports == 0 && gatewayPorts > 0 ? 0 : 1;
    }

    /// <summary>Waits for the time of a step, and until each running agent has answered.</summary>
    private async Task ServeAsync(Load load, CancellationToken cancellationToken)
    {
        Dictionary<string, int> before = new(load.Agents);
        await Task.Delay(_step, cancellationToken);
        while (_agents.Keys.Any(a => load.Agents.GetValueOrDefault(a) < before.GetValueOrDefault(a) + MinAnswers) && load.Failures.Count == 0)
        {
            await Task.Delay(50, cancellationToken);
        }
    }

    private void StartAgent(string name)
    {
        _agents[name] = StartProject("Plant", new()
        {
            ["MtaTlsAgent:Gateways:0"] = $"https://localhost:{_port}",
            ["MtaTlsAgent:Agent"] = name,
            ["MtaTlsAgent:AuthorityPath"] = _certificates.Authority,
            ["MtaTlsAgent:ClientCertificate:Path"] = _certificates.Path("plant.pem"),
            ["MtaTlsAgent:ClientCertificate:KeyPath"] = _certificates.Path("plant.key"),
        });
        _all.Add(_agents[name]);
    }

    /// <summary>Waits until exactly these agents are registered, each with two sessions.</summary>
    private async Task RegisteredAsync(CancellationToken cancellationToken)
    {
        string[] expected = [.. _agents.Keys.SelectMany(static a => (string[])[a, a]).Order(StringComparer.Ordinal)];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        string[] registered = [];
        while (!registered.SequenceEqual(expected))
        {
            if (_agents.Values.Prepend(_all[0]).FirstOrDefault(static p => p.HasEnded) is { } ended)
            {
                throw new InvalidOperationException($"A process has ended:\n{ended.Output}");
            }

            try
            {
                await Task.Delay(50, patience.Token);
                Registration[] list = await _operator.GetFromJsonAsync<Registration[]>(new Uri("/agents", UriKind.Relative), patience.Token) ?? [];
                registered = [.. list.Where(static r => !r.IsDraining).Select(static r => r.Agent).Order(StringComparer.Ordinal)];
            }
            catch (HttpRequestException)
            {
                // The gateway does not listen yet.
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new InvalidOperationException(
                    $"The registered agents are '{string.Join(", ", registered)}', expected '{string.Join(", ", expected)}':\n{string.Join('\n', _all.SelectMany(static p => p.Lines).Where(static l => !l.StartsWith("order ", StringComparison.Ordinal)))}");
            }
        }
    }

    /// <summary>Starts a project of this sample, as it was built with this one.</summary>
    private static DemoProcess StartProject(string project, Dictionary<string, string> settings)
    {
        // bin/CONFIGURATION/net10.0 of this project, and of its neighbour below it.
        DirectoryInfo output = new(AppContext.BaseDirectory);
        string folder = Path.Combine(output.Parent!.Parent!.Parent!.FullName, project);
        string assembly = Path.Combine(folder, "bin", output.Parent.Name, output.Name, project + ".dll");
        // As dotnet run starts it, so that it finds its static files where they were built.
        settings["ASPNETCORE_ENVIRONMENT"] = "Development";
        return new("dotnet", [assembly], settings, folder);
    }

    private sealed record Registration(string Agent, bool IsDraining);
}
