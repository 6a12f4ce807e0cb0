using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net.Security;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Metrics, activities, logs and the health check.</summary>
public sealed class ObservabilityTests
{
    private static MetricCollector<T> Collect<T>(TestApp app, string name)
        where T : struct
        => new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", name);

    [Fact]
    public async Task Metrics_count_sessions_channels_and_bytes_and_return_to_zero()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"), o => o.Limits.MaxChannelsPerSession = 2, listen: e => e.UseMtaTls(o => o.Name = "Mine"));
        using MetricCollector<long> sessions = Collect<long>(app, "mtatls.server.active_sessions"), channels = Collect<long>(app, "mtatls.server.active_channels"),
            opened = Collect<long>(app, "mtatls.server.channels.opened"), refused = Collect<long>(app, "mtatls.server.channels.refused"), io = Collect<long>(app, "mtatls.server.io");
        using MetricCollector<double> handshakes = Collect<double>(app, "mtatls.server.handshake.duration"), durations = Collect<double>(app, "mtatls.server.session.duration");

        await using (RawClient client = await RawClient.ConnectAsync(app.Port))
        {
            HttpChannel one = await client.OpenAsync(), two = await client.OpenAsync();
            await one.GetAsync("/");
            await Assert.ThrowsAsync<Protocol.MtaTlsChannelRefusedException>(() => client.OpenAsync());
            await Wait.UntilAsync(() => sessions.GetMeasurementSnapshot().EvaluateAsCounter() == 1);
            await Wait.UntilAsync(() => channels.GetMeasurementSnapshot().EvaluateAsCounter() == 2);
            await one.DisposeAsync();
            await two.DisposeAsync();
            await client.Session.ShutdownAsync().Soon();
        }

        await Wait.UntilAsync(() => durations.GetMeasurementSnapshot().Count == 1);
        await Wait.UntilAsync(() => sessions.GetMeasurementSnapshot().EvaluateAsCounter() == 0);
        await Wait.UntilAsync(() => channels.GetMeasurementSnapshot().EvaluateAsCounter() == 0);
        Assert.Equal(2, opened.GetMeasurementSnapshot().EvaluateAsCounter());
        Assert.Equal(1, refused.GetMeasurementSnapshot().EvaluateAsCounter());
        Assert.Equal("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n".Length, io.GetMeasurementSnapshot().Where(m => (string?)m.Tags["network.io.direction"] == "receive").Sum(m => m.Value));
        Assert.True(io.GetMeasurementSnapshot().Where(m => (string?)m.Tags["network.io.direction"] == "transmit").Sum(m => m.Value) > 0);
        CollectedMeasurement<double> handshake = Assert.Single(handshakes.GetMeasurementSnapshot());
        Assert.Equal("1.3", handshake.Tags["tls.protocol.version"]);
        Assert.Equal("Mine", handshake.Tags["mtatls.endpoint"]);
        Assert.Equal("127.0.0.1", handshake.Tags["server.address"]);
        Assert.Equal(app.Port, handshake.Tags["server.port"]);
        Assert.Equal(("tcp", "ipv4"), (handshake.Tags["network.transport"], handshake.Tags["network.type"]));
        Assert.Matches(@"^\d+\.\d+\.\d+", handshakes.Instrument!.Meter.Version);
        Assert.Equal("peer_closed", durations.LastMeasurement!.Tags["mtatls.session.end"]);
        Assert.DoesNotContain("error.type", durations.LastMeasurement!.Tags.Keys);
    }

    [Fact]
    public async Task Failed_handshakes_and_sessions_name_their_reason()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"));
        using MetricCollector<double> handshakes = Collect<double>(app, "mtatls.server.handshake.duration"), durations = Collect<double>(app, "mtatls.server.session.duration");
        // The client trusts no authority here, so it sends an alert.
        await Assert.ThrowsAnyAsync<Exception>(() => RawClient.HandshakeAsync(app.Port, o => o.CertificateChainPolicy = null));
        await handshakes.WaitForMeasurementsAsync(1, Wait.Timeout);
        Assert.Matches("^alert_[0-9]+$", (string)handshakes.LastMeasurement!.Tags["error.type"]!);

        RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel open = await client.OpenAsync();
        await open.GetAsync("/");
        client.Reset();
        await durations.WaitForMeasurementsAsync(1, Wait.Timeout);
        Assert.Equal("transport_lost", durations.LastMeasurement!.Tags["mtatls.session.end"]);
        Assert.Equal("transport_lost", durations.LastMeasurement!.Tags["error.type"]);
        await client.DisposeAsync();
    }

    // Like a client whose process exits, or whose network drops an idle connection.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_is_lost_without_an_open_channel_is_no_failure(bool resets)
    {
        ConcurrentQueue<Activity> stopped = [];
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"), listen: e => e.UseMtaTls(o => o.Name = $"Lost{resets}"));
        using ActivityListener listener = new()
        {
            ShouldListenTo = static source => source.Name == "MtaTls.AspNetCore",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = stopped.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using MetricCollector<double> durations = Collect<double>(app, "mtatls.server.session.duration");
        RawClient client = await RawClient.ConnectAsync(app.Port);
        await client.GetAsync();
        await Wait.UntilAsync(() => client.Session.ActiveChannels == 0);
        if (resets)
        {
            client.Reset();
        }
        else
        {
            client.Socket.Shutdown(SocketShutdown.Both);
        }

        await durations.WaitForMeasurementsAsync(1, Wait.Timeout);
        Assert.DoesNotContain("error.type", durations.LastMeasurement!.Tags.Keys);
        await Wait.UntilAsync(() => Sessions().Length == 1);
        Assert.Equal(ActivityStatusCode.Unset, Sessions()[0].Status);
        Assert.Equal(LogLevel.Debug, app.Logs.GetSnapshot().Single(r => r.Id.Name == "SessionLost").Level);
        Assert.DoesNotContain(app.Logs.GetSnapshot(), r => r.Id.Name == "SessionFailed");
        await client.DisposeAsync();

        Activity[] Sessions() => [.. stopped.Where(a => a.OperationName == "mtatls.session" && $"Lost{resets}".Equals(a.GetTagItem("mtatls.endpoint")))];
    }

    // Kestrel counts connections, and the tags of channels do not accumulate on their shared connection.
    [Fact]
    public async Task Kestrels_own_metrics_see_one_connection()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"));
        IMeterFactory meters = app.Services.GetRequiredService<IMeterFactory>();
        using MetricCollector<double> durations = new(meters, "Microsoft.AspNetCore.Server.Kestrel", "kestrel.connection.duration");
        using MetricCollector<long> active = new(meters, "Microsoft.AspNetCore.Server.Kestrel", "kestrel.active_connections");
        await using (RawClient client = await RawClient.ConnectAsync(app.Port))
        {
            for (int i = 0; i < 20; i++)
            {
                await client.GetAsync();
            }

            await Wait.UntilAsync(() => active.GetMeasurementSnapshot().EvaluateAsCounter() == 1);
        }

        await durations.WaitForMeasurementsAsync(1, Wait.Timeout);
        CollectedMeasurement<double> connection = Assert.Single(durations.GetMeasurementSnapshot());
        Assert.Equal("1.3", connection.Tags["tls.protocol.version"]);
        Assert.Equal("http", connection.Tags["network.protocol.name"]);
        Assert.Equal("1.1", connection.Tags["network.protocol.version"]);
    }

    [Fact]
    public async Task Activities_describe_handshake_and_session_and_are_no_parents_of_requests()
    {
        List<Activity> stopped = [];
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapGet("/", () => $"{Activity.Current?.ParentId}"),
            listen: e => e.UseMtaTls(o => o.Name = "Traced"));
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name is "MtaTls.AspNetCore" or "Microsoft.AspNetCore",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                lock (stopped)
                {
                    stopped.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using (RawClient client = await RawClient.ConnectAsync(app.Port))
        {
            Assert.Equal("", await client.GetAsync());
        }

        await Wait.UntilAsync(() => Ours().Length == 2);
        Activity handshake = Ours()[0], session = Ours()[1];
        Assert.Equal(("mtatls.handshake", "mtatls.session"), (handshake.OperationName, session.OperationName));
        Assert.Equal("1.3", handshake.GetTagItem("tls.protocol.version"));
        Assert.Equal(1L, session.GetTagItem("mtatls.channels"));
        Assert.Equal("127.0.0.1", session.GetTagItem("network.peer.address"));
        Assert.InRange((int)session.GetTagItem("network.peer.port")!, 1, 65_535);
        Assert.Equal(app.Port, session.GetTagItem("network.local.port"));
        Assert.Equal(("tcp", "ipv4"), (session.GetTagItem("network.transport"), session.GetTagItem("network.type")));
        Assert.Matches(@"^\d+\.\d+\.\d+", session.Source.Version);
        Assert.Equal(handshake.GetTagItem("mtatls.session_id"), session.GetTagItem("mtatls.session_id"));

        Activity[] Ours()
        {
            lock (stopped)
            {
                return [.. stopped.Where(a => "Traced".Equals(a.GetTagItem("mtatls.endpoint")))];
            }
        }
    }

    // The example in docs/observability.md.
    [Fact]
    public async Task OpenTelemetry_exports_them()
    {
        List<Activity> spans = [];
        List<Metric> metrics = [];
        await using (TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"), configure: builder =>
            builder.Services.AddOpenTelemetry()
                .WithMetrics(m => m.AddMeter("MtaTls.AspNetCore", "Microsoft.AspNetCore.Server.Kestrel").AddInMemoryExporter(metrics))
                .WithTracing(t => t.AddSource("MtaTls.AspNetCore").AddInMemoryExporter(spans))))
        {
            await using (RawClient client = await RawClient.ConnectAsync(app.Port))
            {
                await client.GetAsync();
            }

            await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(r => r.Id.Name == "SessionEnded"));
            await Wait.UntilAsync(() => spans.Count >= 2);
            app.Services.GetRequiredService<MeterProvider>().ForceFlush();
        }

        Assert.Contains(metrics, m => m.Name == "mtatls.server.handshake.duration");
        Assert.Contains(spans, s => s.DisplayName == "mtatls.session");
    }

    [Fact]
    public async Task Logs_contain_sessions_and_channels_at_Debug_and_no_raw_text_of_a_peer()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", (ILogger<ObservabilityTests> log) =>
        {
#pragma warning disable CA1848, CA1873
            log.LogInformation("in a request");
#pragma warning restore CA1848, CA1873
            return "hello";
        }));
        string session;
        await using (RawClient client = await RawClient.ConnectAsync(app.Port))
        {
            await client.GetAsync();
            await client.Session.ShutdownAsync().Soon();
            await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(r => r.Id.Name == "SessionEnded"));
            session = (string)app.Logs.GetSnapshot().Single(r => r.Id.Name == "SessionStarted").GetStructuredStateValue("SessionId")!;
        }

        FakeLogRecord[] ours = app.Logs.GetSnapshot().Where(r => r.Category!.StartsWith("MtaTls.AspNetCore.", StringComparison.Ordinal)).ToArray();
        Assert.Equal(["EndpointBound", "SessionStarted", "ChannelOpened", "ChannelEnded", "SessionEnded"], ours.Select(r => r.Id.Name!));
        Assert.Equal(LogLevel.Information, ours[0].Level);
        Assert.All(ours[1..], r => Assert.Equal(LogLevel.Debug, r.Level));
        Assert.Contains("claimed source 192.0.2.7:4711, destination app.test:80", ours[2].Message, StringComparison.Ordinal);
        // Log entries of a request have the channel in their scope.
        Assert.Contains(
            app.Logs.GetSnapshot().Single(r => r.Message == "in a request").Scopes.OfType<IEnumerable<KeyValuePair<string, object?>>>().SelectMany(s => s),
            pair => pair.Key == "ConnectionId" && $"{session}-1".Equals(pair.Value));
        Assert.DoesNotContain(app.Logs.GetSnapshot(), r => Regex.IsMatch(r.Message, "[\r\n\0]"));
    }

    [Fact]
    public async Task The_health_check_shows_whether_MTA_TLS_is_served()
    {
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapHealthChecks("/health"), configure: builder => builder.Services.AddHealthChecks().AddMtaTls());
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel channel = await client.OpenAsync();
        Assert.Equal("Healthy", (await channel.GetAsync("/health")).Body);
        HealthReportEntry entry = (await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["mtatls"];
        Assert.Equal((1, 1, 1), ((int)entry.Data["endpoints"], (int)entry.Data["sessions"], (int)entry.Data["channels"]));
        Assert.Equal(TlsEngine.Version, entry.Data["openssl"]);
    }

    [Fact]
    public async Task The_health_check_is_degraded_if_no_endpoint_speaks_MTA_TLS()
    {
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseUrls("http://127.0.0.1:0").UseMtaTls();
            builder.Services.AddHealthChecks().AddMtaTls();
        });
        Assert.Equal(HealthStatus.Degraded, (await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status);
    }

    // If the configuration of an endpoint changes, Kestrel closes it and creates a new one.
    [Fact]
    public async Task The_health_check_counts_an_endpoint_once_that_is_bound_again()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.UseMtaTls();
                builder.Services.AddHealthChecks().AddMtaTls();
            },
            settings: new()
            {
                ["Kestrel:Endpoints:Changing:Url"] = "https://127.0.0.1:0",
                ["Kestrel:Endpoints:Staying:Url"] = "https://127.0.0.1:0",
                ["Kestrel:Certificates:Default:Path"] = "server.pem",
                ["Kestrel:Certificates:Default:KeyPath"] = "server.key",
            },
            files: root => PemFiles.Write(root, "server", TestCertificates.Server));
        Assert.Equal(2, await EndpointsAsync());
        app.App.Configuration["Kestrel:Endpoints:Changing:Protocols"] = "Http1";
        ((IConfigurationRoot)app.App.Configuration).Reload();
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Count(r => r.Id.Name == "EndpointBound") == 3);
        await Wait.UntilAsync(() => app.Ports.Length == 2);
        Assert.Equal(2, await EndpointsAsync());

        async Task<int> EndpointsAsync() => (int)(await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["mtatls"].Data["endpoints"];
    }

    [Fact]
    public async Task The_log_of_a_failed_session_has_the_reason_in_one_sentence()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"));
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        client.Tls.Write([10, 0, 0]);
        await client.Tls.FlushAsync();
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(r => r.Id.Name == "SessionEnded"));
        Assert.EndsWith(" failed (ProtocolError): The peer sent a packet of the unknown type 10.", app.Logs.GetSnapshot().Single(r => r.Id.Name == "SessionFailed").Message, StringComparison.Ordinal);
        Assert.DoesNotContain(app.Logs.GetSnapshot(), r => r.Category!.StartsWith("MtaTls", StringComparison.Ordinal) && r.Message.Contains("(null)", StringComparison.Ordinal));
    }
}
