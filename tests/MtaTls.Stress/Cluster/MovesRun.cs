using System.Diagnostics;
using System.Globalization;
using ClusterSample;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Redis.Directory;
using MtaTls.Stress.Hosting;
using StackExchange.Redis;

namespace MtaTls.Stress.Cluster;

/// <summary>An agent that moves to another gateway every second, while clients ask every gateway for it. No request may fail, and nothing of the moves may be left.</summary>
internal sealed class MovesRun(StressOptions options)
{
    private const string Name = "plant.internal";

    private readonly List<string> _failures = [];   // its own lock
    private long _answered;

    public async Task<int> RunAsync()
    {
        using DemoCertificates certificates = new();
        int port = FreePort.Find();
        using Process redis = Process.Start(new ProcessStartInfo("redis-server", ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]) { RedirectStandardOutput = true })!;
        try
        {
            _ = redis.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
            await using ConnectionMultiplexer directory = await ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions { EndPoints = { { "127.0.0.1", port } }, ConnectRetry = 20 });
            MovesGateway[] gateways = [await MovesGateway.StartAsync(certificates, port, 0), await MovesGateway.StartAsync(certificates, port, 1), await MovesGateway.StartAsync(certificates, port, 2)];
            int result = await MoveAsync(certificates, gateways, directory.GetDatabase());
            foreach (MovesGateway gateway in gateways)
            {
                await gateway.DisposeAsync();
            }

            return result;
        }
        finally
        {
            redis.Kill();
            await redis.WaitForExitAsync();
        }
    }

    private async Task<int> MoveAsync(DemoCertificates certificates, MovesGateway[] gateways, IDatabase directory)
    {
        WebApplication agent = await gateways[0].StartAgentAsync(certificates);
        foreach (MovesGateway gateway in gateways)
        {
            await UntilAsync(async () => await gateway.AskAsync() is null, "the agent is not found");
        }

        using CancellationTokenSource stop = new();
        Task[] workers = [.. gateways.SelectMany(g => Enumerable.Range(0, Math.Max(1, options.Workers / gateways.Length)).Select(_ => Task.Run(() => AskAsync(g, stop.Token))))];
        long begun = Stopwatch.GetTimestamp();
        int moves = 0;
        ProcessSample? first = null;
        List<double> times = [];
        while (Stopwatch.GetElapsedTime(begun) < TimeSpan.FromMinutes(options.Minutes))
        {
            long began = Stopwatch.GetTimestamp();
            WebApplication next = await gateways[++moves % gateways.Length].StartAgentAsync(certificates);
            await agent.StopAsync();
            await agent.DisposeAsync();
            agent = next;
            times.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            if (TimeSpan.FromSeconds(1) - Stopwatch.GetElapsedTime(began) is { Ticks: > 0 } left)
            {
                await Task.Delay(left);
            }

            if (moves % 30 == 0)
            {
                var sample = ProcessSample.Take(collect: true);
                first ??= sample;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{moves} moves, {Interlocked.Read(ref _answered):N0} answered, {Failed} failed; {sample}"));
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(workers);
        // Only the last registration is left: in Redis, and in what each gateway knows.
        await UntilAsync(async () => await directory.SetLengthAsync($"mtatls:agents:{Name}") == 1, "members of former places are left in Redis");
        foreach (MovesGateway gateway in gateways)
        {
            await UntilAsync(async () => await gateway.App.Services.GetRequiredService<RedisDirectory>().LoadAsync(Name) && gateway.App.Services.GetRequiredService<RedisDirectory>().Find(Name).Count == 1, "a gateway knows former places");
        }

        await agent.StopAsync();
        await agent.DisposeAsync();
        times.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{moves} moves in {Stopwatch.GetElapsedTime(begun).TotalSeconds:0} s (a move took {times[times.Count / 2]:0.00} s in the median, {times[^1]:0.00} s at most), {Interlocked.Read(ref _answered):N0} requests answered, {Failed} failed"));
        lock (_failures)
        {
            _failures.Take(20).ToList().ForEach(Console.WriteLine);
        }

        Console.WriteLine(Failed == 0 ? "STEADY" : "NOT STEADY");
        return Failed == 0 ? 0 : 1;
    }

    private int Failed
    {
        get
        {
            lock (_failures)
            {
                return _failures.Count;
            }
        }
    }

    private async Task AskAsync(MovesGateway gateway, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (await gateway.AskAsync() is { } failure)
            {
                lock (_failures)
                {
                    _failures.Add($"{DateTime.UtcNow:HH:mm:ss.fff} gw-{gateway.Index}: {failure}");
                }
            }

            Interlocked.Increment(ref _answered);
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string otherwise)
    {
        long begun = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(begun) > TimeSpan.FromMinutes(2))
            {
                throw new InvalidOperationException($"After two minutes {otherwise}.");
            }

            await Task.Delay(50);
        }
    }
}
