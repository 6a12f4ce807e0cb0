using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Tunnels;
using MtaTls.Client;
using ReverseTunnelSample;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>agents</c>: how long many agents take to register with one gateway, and what each costs there while nothing happens.</summary>
internal static class AgentsCommand
{
    private const int AtATime = 64;

    public static Command Create()
    {
        Option<int> count = new("--count") { Description = "How many agents.", DefaultValueFactory = _ => 10_000 };
        Command command = new("agents", "Many agents of one process register, each with a session and a name of its own; then the gateway's memory for each.") { count };
        command.SetAction((parsed, ct) => RunAsync(parsed.GetValue(count), ct));
        return command;
    }

    private static async Task RunAsync(int count, CancellationToken ct)
    {
        using DemoCertificates certificates = new();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-bench-");
        int port = FreePort.Find(), plain = FreePort.Find();
        await using var gateway = HostedProcess.StartAgentHost("gateway", folder.FullName, new()
        {
            ["MtaTls:Endpoints:Agents:Url"] = $"https://127.0.0.1:{port}",
            ["MtaTls:Endpoints:Agents:ClientCertificateMode"] = "AllowCertificate",
            ["MtaTls:Endpoints:Agents:Certificate:Path"] = certificates.Path("gateway.pem"),
            ["MtaTls:Endpoints:Agents:Certificate:KeyPath"] = certificates.Path("gateway.key"),
            ["MtaTls:Agents:MaxAgents"] = "1000000",
            ["MtaTls:Agents:Rules:0:Names:0"] = "*.plant.internal",
            ["MtaTls:Agents:Rules:0:ClientCertificate:SubjectAlternativeNames:0"] = "uri:spiffe://example.org/plant",
            ["Kestrel:Endpoints:Public:Url"] = $"http://127.0.0.1:{plain}",
            ["AgentAuthorityPath"] = certificates.Authority,
        });
        List<(MtaTlsClient Client, MtaTlsClientChannel Channel)> agents = [];
        try
        {
            await gateway.ListensAsync(plain, ct);
            using HttpClient http = new(new SocketsHttpHandler
            {
                ConnectCallback = async (_, token) =>
                {
                    Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                    await socket.ConnectAsync(IPAddress.Loopback, plain, token);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            })
            { BaseAddress = new Uri($"http://localhost:{plain}"), Timeout = TimeSpan.FromMinutes(2) };

            // What is loaded and allocated once is no agent's.
            await RegisterAsync(agents, Math.Min(200, count), port, certificates, ct);
            (long managed, long resident) = await MemoryAsync(http, ct);
            int first = agents.Count;
            IReadOnlyDictionary<int, long> before = ProcessTree.CpuTimes([gateway.Id]);
            long begin = Stopwatch.GetTimestamp();
            await RegisterAsync(agents, count - first, port, certificates, ct);
            double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            double cpu = ProcessTree.CpuSeconds(before, ProcessTree.CpuTimes([gateway.Id]));
            using var list = JsonDocument.Parse(await http.GetStringAsync("/admin/agents", ct));
            (long managedAfter, long residentAfter) = await MemoryAsync(http, ct);
            int registered = agents.Count - first;
            Console.WriteLine(FormattableString.Invariant($"{registered} agents registered in {seconds:0.0} s beside the process that they are in; the gateway's CPU: {cpu:0.0} s, {cpu * 1e6 / registered:0} us each"));
            Console.WriteLine(FormattableString.Invariant($"the gateway lists {list.RootElement.GetArrayLength()}; each idle agent costs it {(managedAfter - managed) / 1024.0 / registered:0.0} KiB managed, {(residentAfter - resident) / 1024.0 / registered:0.0} KiB resident"));
        }
        finally
        {
            await Parallel.ForEachAsync(agents, CancellationToken.None, async (agent, _) => await agent.Client.DisposeAsync());
            folder.Delete(recursive: true);
        }
    }

    private static async Task RegisterAsync(List<(MtaTlsClient Client, MtaTlsClientChannel Channel)> agents, int count, int port, DemoCertificates certificates, CancellationToken ct)
    {
        MtaTlsClientOptions options = new()
        {
            Host = "127.0.0.1",
            Port = port,
            TargetHost = "localhost",
            Mode = MtaTlsClientMode.Required,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            CertificateChainPolicy = certificates.Trust(),
            ConnectTimeout = TimeSpan.FromMinutes(1),
            ShutdownTimeout = TimeSpan.FromMilliseconds(1),
        };
        options.ClientCertificate.Path = certificates.Path("plant.pem");
        options.ClientCertificate.KeyPath = certificates.Path("plant.key");
        int start = agents.Count;
        await Parallel.ForAsync(start, start + count, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = ct }, async (i, token) =>
        {
            MtaTlsClient client = await MtaTlsClient.ConnectAsync(options, token);
            MtaTlsClientChannel channel = await client.OpenChannelAsync("localhost", port, token);
            lock (agents)
            {
                agents.Add((client, channel));
            }

            string json = $$"""{ "agent": "n{{i}}", "instance": "i{{i}}", "names": [ "n{{i}}.plant.internal" ] }""";
            await channel.WriteAsync(
                Encoding.ASCII.GetBytes($"POST /.well-known/mta-tls/agents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n{json}"), token);
            byte[] buffer = new byte[4096];
            string answer = "";
            while (!answer.Contains("event: registered", StringComparison.Ordinal))
            {
                int read = await channel.ReadAsync(buffer, token);
                answer += Encoding.ASCII.GetString(buffer, 0, read);
                if (read == 0 || answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 5", StringComparison.Ordinal))
                {
                    throw new IOException($"Agent {i} was not registered: {answer}");
                }
            }
        });
    }

    private static async Task<(long Managed, long Resident)> MemoryAsync(HttpClient http, CancellationToken ct)
    {
        string[] numbers = (await http.GetStringAsync("/admin/memory", ct)).Split(' ');
        return (long.Parse(numbers[0], System.Globalization.CultureInfo.InvariantCulture), long.Parse(numbers[1], System.Globalization.CultureInfo.InvariantCulture));
    }
}
