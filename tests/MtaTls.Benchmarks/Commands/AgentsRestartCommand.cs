using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MtaTls.Benchmarks.Tunnels;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>agents-restart</c>: one run of h2load through a gateway. Meanwhile one of two agents is stopped (SIGTERM) and started again, and the other is killed and started again.</summary>
internal static class AgentsRestartCommand
{
    public static Command Create()
    {
        Option<int> seconds = new("--seconds") { Description = "The running time of h2load, in seconds.", DefaultValueFactory = _ => 60 };
        Option<int> clients = new("--clients") { Description = "The number of h2load's connections.", DefaultValueFactory = _ => 32 };
        Command command = new("agents-restart", "Runs h2load through a gateway while one of two agents is drained and the other is killed: failed requests, and the longest request.") { seconds, clients };
        command.SetAction((parsed, ct) => RunAsync(parsed.GetValue(seconds), parsed.GetValue(clients), ct));
        return command;
    }

    private static async Task RunAsync(int seconds, int clients, CancellationToken ct)
    {
        await using AgentTunnel tunnel = await AgentTunnel.StartAsync(ct);
        List<HostedProcess> agents = [tunnel.StartAgent("second")];
        using HttpClient http = new(new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, tunnel.Port, token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = new Uri($"http://localhost:{tunnel.Port}") };
        try
        {
            await RegisteredAsync(http, ["plant", "second"], ct);
            string connect = string.Create(CultureInfo.InvariantCulture, $"--connect-to=127.0.0.1:{tunnel.Port}");
            string[] arguments =
                ["--h1", "-t", "1", "-c", clients.ToString(CultureInfo.InvariantCulture), "-D", seconds.ToString(CultureInfo.InvariantCulture), connect, $"http://{tunnel.Host}/"];
            using Process load = Process.Start(new ProcessStartInfo("h2load", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> output = load.StandardOutput.ReadToEndAsync(ct);
            // Each step takes a fifth of the time.
            var step = TimeSpan.FromSeconds(seconds / 5.0);
            await Task.Delay(step, ct);
            TimeSpan stopped = await agents[0].StopAsync(ct);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"One agent was stopped with SIGTERM: its process ended after {stopped.TotalSeconds:0.00} s."));
            await Task.Delay(step, ct);
            agents.Add(tunnel.StartAgent("third"));
            await RegisteredAsync(http, ["plant", "third"], ct);
            Console.WriteLine("That agent was started again.");
            await Task.Delay(step, ct);
            using (var other = Process.GetProcessById(tunnel.AppProcess))
            {
                other.Kill();
            }

            Console.WriteLine("The other agent was killed.");
            await load.WaitForExitAsync(ct);
            foreach (string line in (await output).Split('\n').Where(static l => l.StartsWith("finished", StringComparison.Ordinal) || l.StartsWith("requests:", StringComparison.Ordinal)
                || l.StartsWith("status codes:", StringComparison.Ordinal) || l.StartsWith("time for request:", StringComparison.Ordinal)))
            {
                Console.WriteLine(line);
            }
        }
        finally
        {
            foreach (HostedProcess agent in agents)
            {
                await agent.DisposeAsync();
            }
        }
    }

    private static async Task RegisteredAsync(HttpClient http, string[] agents, CancellationToken ct)
    {
        while (true)
        {
            using var list = JsonDocument.Parse(await http.GetStringAsync("/admin/agents", ct));
            if (agents.All(a => list.RootElement.EnumerateArray().Any(e => e.GetProperty("agent").GetString() == a)))
            {
                return;
            }

            await Task.Delay(50, ct);
        }
    }
}
