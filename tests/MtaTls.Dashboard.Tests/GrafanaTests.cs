using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using MtaTls.Client;
using MtaTls.Dashboard.Tests.Support;
using MtaTls.Protocol;
using OpenTelemetry.Metrics;

namespace MtaTls.Dashboard.Tests;

/// <summary>
/// The dashboard for Grafana: Prometheus accepts each of its queries, and their metrics exist. It runs alone, because OpenTelemetry ends a metric when the meter of any host in the process ends.
/// </summary>
[Collection(nameof(GrafanaTests))]
[CollectionDefinition(nameof(GrafanaTests), DisableParallelization = true)]
public sealed partial class GrafanaTests : IDisposable
{
    private const string Program = "/usr/bin/prometheus";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-grafana-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Prometheus_answers_every_query_of_the_dashboard()
    {
        Assert.SkipUnless(File.Exists(Program), "Prometheus is not installed.");
        string[] queries = [.. Queries()];
        Assert.True(queries.Length > 20);
        HashSet<string> possible = [];
        using MeterListener instruments = new()
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name.StartsWith("MtaTls.", StringComparison.Ordinal))
                {
                    possible.UnionWith(Names(instrument));
                }
            },
        };
        instruments.Start();

        string authority = Path.Combine(_folder.FullName, "ca.pem");
        await File.WriteAllTextAsync(authority, TestCertificates.Root.ExportCertificatePem());
        await using LiveApp app = await Gateway.StartAsync(configure: builder =>
        {
            if (Quic.QuicEngine.IsSupported)
            {
                builder.AddTunnel(FreePort.Find(), authority);
            }

            builder.Services.AddOpenTelemetry().WithMetrics(static m => m.AddMeter("MtaTls.*").AddPrometheusExporter());
        }, mapMore: static a => a.MapPrometheusScrapingEndpoint(), mtaTls: static o => o.Limits.MaxChannels = 20);
        await using WebApplication agent = await app.AddAgentAsync("plant-a");
        await using MtaTlsClient client = await app.ConnectAsync();
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("a.test", 80).Soon();
        using HttpClient http = app.PublicClient();
        await http.GetStringAsync(new Uri("/", UriKind.Relative)).Soon();
        List<MtaTlsClientChannel> held = []; // a channel that nobody references is closed by a garbage collection
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(async () =>
        {
            while (true)
            {
                held.Add(await client.OpenChannelAsync("b.test", 80).Soon());
            }
        });
        Assert.NotEmpty(held);

        // The metrics of the dashboard exist, with the names that the exporter uses.
        Assert.All(queries.SelectMany(static q => MetricName().Matches(q).Select(static m => m.Value)), name => Assert.Contains(name, possible.SelectMany(static p => new[] { p, $"{p}_count", $"{p}_bucket" })));
        using HttpClient browser = app.Http();
        string exported = await browser.GetStringAsync(new Uri(app.Page, "/metrics")).Soon();
        Assert.All(TypeLine().Matches(exported).Select(static m => m.Groups[1].Value), name => Assert.Contains(name, possible));

        string configuration = Path.Combine(_folder.FullName, "prometheus.yml");
        await File.WriteAllTextAsync(configuration, $$"""
            # A scrape may take no longer than the interval, and a busy machine takes seconds.
            global: { scrape_interval: 5s, scrape_timeout: 5s }
            scrape_configs:
              - job_name: gateway
                static_configs: [ { targets: [ "127.0.0.1:{{app.Page.Port}}" ] } ]
            """);
        (Process prometheus, int port) = await StartAsync(configuration);
        try
        {
            using HttpClient api = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}/api/v1/"), Timeout = Wait.Timeout };
            foreach (string seen in (string[])["mtatls_server_active_sessions", "mtatls_agents_active_registrations", "rate(mtatls_server_channels_opened_total[2m])", "mtatls_server_limits_exceeded_total", "mtatls_server_handshake_duration_seconds_bucket"])
            {
                await SeenAsync(api, seen);
            }

            foreach (string query in queries)
            {
                JsonElement answer = await QueryAsync(api, query);
                Assert.Equal("success", answer.GetProperty("status").GetString());
            }
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync();
            prometheus.Dispose();
        }
    }

    /// <summary>Starts Prometheus. Another program may have taken the free port by then, so it tries again with another port.</summary>
    private async Task<(Process Prometheus, int Port)> StartAsync(string configuration)
    {
        using CancellationTokenSource hang = new(Wait.Timeout);
        using HttpClient http = new() { Timeout = Wait.Timeout };
        while (true)
        {
            int port = FreePort.Find();
            Process prometheus = Process.Start(new ProcessStartInfo(
                Program, [$"--config.file={configuration}", $"--storage.tsdb.path={_folder.FullName}/data", string.Create(CultureInfo.InvariantCulture, $"--web.listen-address=127.0.0.1:{port}"), "--log.level=error"])
            { RedirectStandardError = true })!;
            prometheus.BeginErrorReadLine();
            while (!prometheus.HasExited)
            {
                try
                {
                    if ((await http.GetAsync(new Uri($"http://127.0.0.1:{port}/-/ready"), hang.Token)).IsSuccessStatusCode && !prometheus.HasExited)
                    {
                        return (prometheus, port);
                    }
                }
                catch (HttpRequestException)
                {
                    // Prometheus does not listen yet.
                }

                await Task.Delay(100, hang.Token);
            }

            prometheus.Dispose();
        }
    }

    private static async Task SeenAsync(HttpClient api, string query)
    {
        long begin = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                if ((await QueryAsync(api, query)).GetProperty("data").GetProperty("result").GetArrayLength() > 0)
                {
                    return;
                }
            }
            catch (Exception e) when (e is HttpRequestException or JsonException)
            {
                // Prometheus is starting.
            }

            if (Stopwatch.GetElapsedTime(begin) > Wait.Timeout)
            {
                Assert.Fail($"No result of {query}. The targets: {await api.GetStringAsync(new Uri("targets?state=active", UriKind.Relative))}");
            }

            await Task.Delay(100);
        }
    }

    private static async Task<JsonElement> QueryAsync(HttpClient api, string query)
        => await (await api.GetAsync(new Uri($"query?query={Uri.EscapeDataString(query)}", UriKind.Relative))).Content.ReadFromJsonAsync<JsonElement>();

    /// <summary>The queries of all panels, with Grafana's variables filled in.</summary>
    private static IEnumerable<string> Queries()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "MtaTls.AspNetCore.sln")))
        {
            root = root.Parent;
        }

        JsonElement dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(root.FullName, "docs", "grafana", "mta-tls.json"))).RootElement;
        return dashboard.GetProperty("panels").EnumerateArray().SelectMany(static p => p.GetProperty("targets").EnumerateArray()).Select(static t => t.GetProperty("expr").GetString()!
            .Replace("$job", ".*", StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal).Replace("$__rate_interval", "10s", StringComparison.Ordinal));
    }

    /// <summary>The name of an instrument in Prometheus.</summary>
    private static IEnumerable<string> Names(Instrument instrument)
    {
        string unit = instrument.Unit switch { "By" => "_bytes", "s" => "_seconds", _ => "" };
        bool isCounter = instrument.GetType().Name is "Counter`1" or "ObservableCounter`1";
        yield return $"{instrument.Name.Replace('.', '_')}{unit}{(isCounter ? "_total" : "")}";
    }

    [GeneratedRegex("mtatls_[a-z_]+(?=\\{)")]
    private static partial Regex MetricName();

    [GeneratedRegex("^# TYPE (mtatls_\\S+) ", RegexOptions.Multiline)]
    private static partial Regex TypeLine();
}
