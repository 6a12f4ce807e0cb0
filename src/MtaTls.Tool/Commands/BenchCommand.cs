using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net.Security;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MtaTls.Client;
using MtaTls.Tool.Benchmarks;
using MtaTls.Tool.Gateways;
using MtaTls.Tool.Output;
using Spectre.Console;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls bench</c>: measures how fast a server answers small requests, opens channels and sends large responses.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal, LoggingOptions logging)
    {
        Argument<HostAndPort> server = GatewayOptions.Gateway("server");
        var path = new Option<string>("--path") { Description = "The path of the small requests.", DefaultValueFactory = _ => "/" };
        var bulk = new Option<string>("--bulk-path") { Description = "The path of a large response. Default: large responses are not measured." };
        var channels = new Option<int>("--channels") { Description = "Channels at a time.", DefaultValueFactory = _ => 64 };
        var duration = new Option<int>("--seconds") { Description = "Seconds for each measurement.", DefaultValueFactory = _ => 5 };
        var json = new Option<bool>("--json") { Description = "Print the result as JSON." };
        path.Validators.Add(StartsWithSlash);
        bulk.Validators.Add(StartsWithSlash);
        channels.Validators.Add(static result => OptionRange.Check(result, 1, 10_000));
        duration.Validators.Add(static result => OptionRange.Check(result, 1, 3_600));
        var gateways = new GatewayOptions();
        var command = new Command("bench", "Measures a server: small requests, channel opens, large responses.") { server, path, bulk, channels, duration, json };
        gateways.AddTo(command);
        command.SetAction((parsed, stop) =>
        {
            var run = new GatewayRun(terminal, logging, gateways, parsed, parsed.GetValue(server));
            bool asJson = parsed.GetValue(json);
            var plan = new Plan(parsed.GetRequiredValue(path), parsed.GetValue(bulk), parsed.GetValue(channels), TimeSpan.FromSeconds(parsed.GetValue(duration)));
            return run.RunAsync(logs => BenchAsync(run, plan, asJson, logs, stop), asJson, stop: stop);
        });
        return command;
    }

    private static async Task<int> BenchAsync(GatewayRun run, Plan plan, bool json, ILoggerFactory logs, CancellationToken stop)
    {
        MtaTlsClientOptions options = run.CreateOptions(logs);
        options.ApplicationProtocols = [SslApplicationProtocol.Http11];
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(options, stop);
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = plan.Channels }.UseMtaTls(client)) { BaseAddress = new Uri($"https://{run.Gateway}") };
        await CheckAsync(http, plan.Path, stop);
        List<Workload> workloads =
        [
            new("small requests", end => DownloadAsync(http, plan.Path, end)),
            new("opens", async end =>
            {
                await using MtaTlsClientChannel channel = await client.OpenChannelAsync(run.Gateway.ToChannelAddress(), cancellationToken: end);
                return 0;
            }),
        ];
        if (plan.BulkPath is not null)
        {
            await CheckAsync(http, plan.BulkPath, stop);
            workloads.Add(new Workload("large responses", end => DownloadAsync(http, plan.BulkPath, end)));
        }

        List<Measurement> results = [];
        foreach (Workload workload in workloads)
        {
            results.Add(await WatchAsync(run.Terminal, workload, plan, quiet: json, stop));
            if (results[^1] is { Operations: 0, Errors: > 0 })
            {
                throw new ToolException(ExitCode.Failure, $"Every operation of '{workload.Name}' failed: {workload.LastError!.Message}", null, workload.LastError);
            }
        }

        if (json)
        {
            run.Terminal.WriteJson(new JsonArray([.. results.Select(static r => (JsonNode)new JsonObject
            {
                ["name"] = r.Name,
                ["operations"] = r.Operations,
                ["errors"] = r.Errors,
                ["perSecond"] = Math.Round(r.PerSecond, 1),
                ["megabytesPerSecond"] = Math.Round(r.MegabytesPerSecond, 2),
                ["medianMilliseconds"] = Math.Round(r.Median.TotalMilliseconds, 3),
                ["p99Milliseconds"] = Math.Round(r.Percentile99.TotalMilliseconds, 3),
            })]));
            return ExitCode.Success;
        }

        Table table = new Table().Border(TableBorder.Rounded).AddColumn("");
        foreach (string column in new[] { "per second", "median", "p99", "MB/s", "errors" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (Measurement r in results)
        {
            table.AddRow([r.Name, Text($"{r.PerSecond:N0}"), Text($"{r.Median.TotalMilliseconds:0.00} ms"), Text($"{r.Percentile99.TotalMilliseconds:0.00} ms"), r.Bytes == 0 ? "" : Text($"{r.MegabytesPerSecond:0.0}"), Text($"{r.Errors}")]);
        }

        run.Terminal.Console.Write(table);
        return ExitCode.Success;

        static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }

    private static async Task CheckAsync(HttpClient http, string path, CancellationToken stop)
    {
        using HttpResponseMessage response = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, stop);
        if (!response.IsSuccessStatusCode)
        {
            throw new ToolException(ExitCode.Failure, $"The server answered {path} with status {(int)response.StatusCode}.", "Give a path that exists, with --path or --bulk-path.");
        }
    }

    private static async Task<long> DownloadAsync(HttpClient http, string path, CancellationToken end)
    {
        using HttpResponseMessage response = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, end);
        response.EnsureSuccessStatusCode();
        await using Stream body = await response.Content.ReadAsStreamAsync(end);
        var counter = new CountingStream();
        await body.CopyToAsync(counter, end);
        return counter.Count;
    }

    private static async Task<Measurement> WatchAsync(Terminal terminal, Workload workload, Plan plan, bool quiet, CancellationToken stop)
    {
        Task<Measurement> running = workload.RunAsync(plan.Channels, plan.Duration, stop);
        if (quiet)
        {
            return await running;
        }

        if (!terminal.IsInteractive)
        {
            while (await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None)) != running)
            {
                terminal.Note(string.Create(CultureInfo.InvariantCulture, $"{workload.Name}: {workload.Operations} done"));
            }

            return await running;
        }

        long begin = TimeProvider.System.GetTimestamp();
        return await terminal.Console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn()).StartAsync(async context =>
        {
            ProgressTask bar = context.AddTask(workload.Name, maxValue: plan.Duration.TotalSeconds);
            while (await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None)) != running)
            {
                bar.Value = TimeProvider.System.GetElapsedTime(begin).TotalSeconds;
                bar.Description = string.Create(CultureInfo.InvariantCulture, $"{workload.Name}: {workload.Operations} done");
            }

            bar.Value = bar.MaxValue;
            return await running;
        });
    }

    private static void StartsWithSlash(OptionResult result)
    {
        if (result.Tokens.Count == 1 && !result.Tokens[0].Value.StartsWith('/'))
        {
            result.AddError($"{result.Option.Name} must start with '/'.");
        }
    }

    private sealed record Plan(string Path, string? BulkPath, int Channels, TimeSpan Duration);

    private sealed class CountingStream : Stream
    {
        public long Count { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => Count;

        public override long Position { get => Count; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Count += count;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Count += buffer.Length;
            return ValueTask.CompletedTask;
        }
    }
}
