using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http;
using MtaTls.Benchmarks.Hosting;
using MtaTls.Benchmarks.Measuring;

namespace MtaTls.Benchmarks.Liveness;

/// <summary>Two server processes behind HAProxy, POST requests of one client over channels (half HTTP/1.1, half HTTP/2), and a restart of each server.</summary>
internal static class RestartRun
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_calm = TimeSpan.FromSeconds(4);

    /// <summary>The length of a sample.</summary>
    public static TimeSpan SampleLength { get; } = TimeSpan.FromMilliseconds(250);

    public static async Task<RestartResult> RunAsync(TimeSpan delay, int workers, CancellationToken ct)
    {
        string folder = Directory.CreateTempSubdirectory("mtatls-restart-").FullName;
        int[] ports = [FreePort.Find(), FreePort.Find()];
        var servers = new ChildProcess?[ports.Length];
        using var balancer = new Balancer(folder, ports);
        try
        {
            string certificate = Stage.CertificateFile(folder);
            for (int i = 0; i < ports.Length; i++)
            {
                servers[i] = await StartAsync(certificate, ports[i], delay, ct);
            }

            balancer.Start();
            using HttpClient http = new(new SocketsHttpHandler().UseMtaTls(o =>
            {
                (o.Host, o.Port, o.TargetHost) = ("127.0.0.1", balancer.Port, "localhost");
                o.RemoteCertificateValidationCallback = static (_, peer, _, _) => peer is not null; // self-signed, made for this run
            }));
            using CancellationTokenSource end = new();
            int answered = 0, failed = 0, nextAnswered = 0, nextFailed = 0;
            ConcurrentDictionary<string, bool> sent = new();
            Task[] load = [.. Enumerable.Range(0, workers).Select(worker => Task.Run(() => PostAsync(worker), ct))];
            await Task.Delay(s_calm, ct); // until the code is compiled
            List<(int, int)> samples = [];
            long begin = Stopwatch.GetTimestamp();
            (nextAnswered, nextFailed) = (answered, failed);
            var sampling = Task.Run(SampleAsync, ct);
            List<(double, double, double)> stops = [];
            Dictionary<string, int> executed = [];
            await Task.Delay(s_calm, ct);
            for (int i = 0; i < ports.Length; i++)
            {
                double stopping = Now();
                Count(executed, await servers[i]!.EndAsync(s_patience, ct));
                double gone = Now();
                await servers[i]!.DisposeAsync();
                servers[i] = await StartAsync(certificate, ports[i], delay, ct);
                stops.Add((stopping, gone, Now()));
                await Task.Delay(s_calm, ct);
            }

            await end.CancelAsync();
            await Task.WhenAll([.. load, sampling]);
            foreach (ChildProcess? server in servers)
            {
                Count(executed, await server!.EndAsync(s_patience, ct));
            }

            return new RestartResult(samples, stops, answered, failed, sent.Keys.Count(id => !executed.ContainsKey(id)), executed.Count(static e => e.Value > 1));

            double Now() => Stopwatch.GetElapsedTime(begin).TotalSeconds;

            async Task SampleAsync()
            {
                while (!end.IsCancellationRequested)
                {
                    await Task.Delay(SampleLength, CancellationToken.None);
                    int a = Volatile.Read(ref answered), f = Volatile.Read(ref failed);
                    samples.Add((a - nextAnswered, f - nextFailed));
                    (nextAnswered, nextFailed) = (a, f);
                }
            }

            async Task PostAsync(int worker)
            {
                for (int number = 0; !end.IsCancellationRequested; number++)
                {
                    string id = string.Create(CultureInfo.InvariantCulture, $"{worker}-{number}");
                    using HttpRequestMessage request = new(HttpMethod.Post, $"https://app.internal/{id}")
                    {
                        Content = new ByteArrayContent(new byte[1000]),
                        Version = worker % 2 == 0 ? HttpVersion.Version11 : HttpVersion.Version20,
                        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                    };
                    try
                    {
                        using HttpResponseMessage response = await http.SendAsync(request, CancellationToken.None);
                        response.EnsureSuccessStatusCode();
                        sent[id] = true;
                        Interlocked.Increment(ref answered);
                    }
                    catch (HttpRequestException e)
                    {
                        Console.Error.WriteLine(e.InnerException?.Message ?? e.Message);
                        Interlocked.Increment(ref failed);
                    }
                }
            }
        }
        finally
        {
            foreach (ChildProcess? server in servers)
            {
                if (server is not null)
                {
                    await server.DisposeAsync();
                }
            }

            balancer.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<ChildProcess> StartAsync(string certificate, int port, TimeSpan delay, CancellationToken ct)
    {
        var server = ChildProcess.Start(null, "roll", certificate, port.ToString(CultureInfo.InvariantCulture), delay.TotalSeconds.ToString(CultureInfo.InvariantCulture));
        await server.ReadLineAsync(s_patience, ct);
        return server;
    }

    private static void Count(Dictionary<string, int> executed, string line)
    {
        foreach (string entry in line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = entry.Split(':');
            executed[parts[0]] = executed.GetValueOrDefault(parts[0]) + int.Parse(parts[1], CultureInfo.InvariantCulture);
        }
    }
}
