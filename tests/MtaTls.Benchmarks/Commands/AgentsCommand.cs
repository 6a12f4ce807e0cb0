using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Tunnels;
using MtaTls.Client;
using MtaTls.Tls;
using ReverseTunnelSample;

namespace MtaTls.Benchmarks.Commands;

/// <summary><c>agents</c>: how long many agents take to register with one gateway, and what each idle agent and each idle channel to an agent costs the gateway.</summary>
internal static class AgentsCommand
{
    private const int AtATime = 64;
    private const int ChannelsPerSession = 10_000;
    private const string Domain = "plant.internal";

    public static Command Create()
    {
        Option<int> count = new("--count") { Description = "The number of agents.", DefaultValueFactory = _ => 10_000 };
        Option<int> channels = new("--channels") { Description = "The number of idle channels that clients open to the agents through the gateway, 10,000 in a session.", DefaultValueFactory = _ => 0 };
        Command command = new("agents", "The gateway's memory per agent, and per idle channel to an agent. The agents run in one process, and each has its own session and name.") { count, channels };
        command.SetAction((parsed, ct) => RunAsync(parsed.GetValue(count), parsed.GetValue(channels), ct));
        return command;
    }

    private static async Task RunAsync(int count, int channels, CancellationToken ct)
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
            // All clients have one address here, and windows are reserved for idle channels too.
            ["MtaTls:Limits:SessionReceiveBudget"] = "4294967296",
            ["MtaTls:Limits:AddressReceiveBudget"] = "1099511627776",
            ["MtaTls:Limits:ServerReceiveBudget"] = "1099511627776",
            ["MtaTls:Agents:MaxAgents"] = "1000000",
            ["MtaTls:Agents:MaxChannelsPerAgent"] = "1000000",
            ["MtaTls:Agents:Rules:0:Names:0"] = $"*.{Domain}",
            ["MtaTls:Agents:Rules:0:ClientCertificate:SubjectAlternativeNames:0"] = "uri:spiffe://example.org/plant",
            ["MtaTls:Channels:0:Hosts:0"] = $"*.{Domain}",
            ["MtaTls:Channels:0:Action"] = "Agent",
            ["MtaTls:Channels:0:AllowAnonymous"] = "true",
            ["Kestrel:Endpoints:Public:Url"] = $"http://127.0.0.1:{plain}",
            ["AgentAuthorityPath"] = certificates.Authority,
        });
        ConcurrentBag<IdleAgent> agents = [];
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

            using var certificate = X509Certificate2.CreateFromPemFile(certificates.Path("plant.pem"), certificates.Path("plant.key"));
            using TlsClientContext context = new(new TlsClientOptions { TargetHost = "localhost", ClientCertificate = certificate, CertificateChainPolicy = certificates.Trust() });
            // Code and objects that are loaded once must not count as the cost of an agent.
            int first = Math.Min(200, count);
            await RegisterAsync(agents, 0, first, port, context, ct);
            (long Managed, long Resident) before = await MemoryAsync(http, ct);
            IReadOnlyDictionary<int, long> cpuBefore = ProcessTree.CpuTimes([gateway.Id]);
            TimeSpan ownBefore = Process.GetCurrentProcess().TotalProcessorTime;
            long begin = Stopwatch.GetTimestamp();
            await RegisterAsync(agents, first, count - first, port, context, ct);
            double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            double cpu = ProcessTree.CpuSeconds(cpuBefore, ProcessTree.CpuTimes([gateway.Id])), own = (Process.GetCurrentProcess().TotalProcessorTime - ownBefore).TotalSeconds;
            using var list = JsonDocument.Parse(await http.GetStringAsync("/admin/agents", ct));
            (long Managed, long Resident) after = await MemoryAsync(http, ct);
            int registered = count - first;
            Report($"{registered} agents registered in {seconds:0.0} s; CPU: the gateway {cpu:0.0} s, {cpu * 1e6 / registered:0} us per agent, the process of the agents {own:0.0} s");
            Report($"the gateway lists {list.RootElement.GetArrayLength()}; each idle agent costs it {PerOne(before.Managed, after.Managed, registered)} KiB managed, {PerOne(before.Resident, after.Resident, registered)} KiB resident");
            if (channels > 0)
            {
                await OpenAsync(http, after, count, channels, port, certificates, ct);
            }
        }
        catch (IOException)
        {
            Console.WriteLine(gateway.Log);
            throw;
        }
        finally
        {
            await Parallel.ForEachAsync(agents, CancellationToken.None, static (agent, _) => agent.DisposeAsync());
            folder.Delete(recursive: true);
        }
    }

    private static Task RegisterAsync(ConcurrentBag<IdleAgent> agents, int start, int count, int port, TlsClientContext context, CancellationToken ct)
    {
        IPEndPoint gateway = new(IPAddress.Loopback, port);
        return Parallel.ForAsync(start, start + count, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = ct }, async (i, token) =>
            agents.Add(await IdleAgent.RegisterAsync(gateway, context, $"n{i}", Domain, token)));
    }

    /// <summary>Opens channels of clients, each of which the gateway connects to a channel to an agent. They carry no data.</summary>
    private static async Task OpenAsync(HttpClient http, (long Managed, long Resident) before, int agents, int channels, int port, DemoCertificates certificates, CancellationToken ct)
    {
        MtaTlsClientOptions options = new()
        {
            Host = "127.0.0.1",
            Port = port,
            TargetHost = "localhost",
            Mode = MtaTlsClientMode.Required,
            MaxSessions = (channels / ChannelsPerSession) + 1,
            CertificateChainPolicy = certificates.Trust(),
            ConnectTimeout = TimeSpan.FromMinutes(1),
            ShutdownTimeout = TimeSpan.FromMilliseconds(1),
        };
        options.Limits.MaxChannelsPerSession = ChannelsPerSession;
        options.Limits.SessionReceiveBudget = 1L << 32;
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(options, ct);
        ConcurrentBag<MtaTlsClientChannel> open = [];
        long begin = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(0, channels, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = ct }, async (i, token) =>
            open.Add(await client.OpenChannelAsync($"n{i % agents}.{Domain}", 80, token)));
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        (long Managed, long Resident) after = await MemoryAsync(http, ct);
        Report($"{open.Count} channels to {agents} agents opened in {seconds:0.0} s; each, with its channel to the agent, costs the gateway {PerOne(before.Managed, after.Managed, channels)} KiB managed, {PerOne(before.Resident, after.Resident, channels)} KiB resident");
    }

    private static string PerOne(long before, long after, int count) => ((after - before) / 1024.0 / count).ToString("0.0", CultureInfo.InvariantCulture);

    private static void Report(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static async Task<(long Managed, long Resident)> MemoryAsync(HttpClient http, CancellationToken ct)
    {
        string[] numbers = (await http.GetStringAsync("/admin/memory", ct)).Split(' ');
        return (long.Parse(numbers[0], CultureInfo.InvariantCulture), long.Parse(numbers[1], CultureInfo.InvariantCulture));
    }
}
