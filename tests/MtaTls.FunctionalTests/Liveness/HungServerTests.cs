using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Liveness;

/// <summary>A server process that hangs: its kernel answers TCP for it.</summary>
public sealed class HungServerTests
{
    [Fact]
    public async Task A_process_that_hangs_is_found_by_the_ping_and_not_by_TCP()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SIGSTOP is sent by kill.");
        await using ServerProcess server = await ServerProcess.StartAsync([]);
        using MetricCollector<long> timeouts = new(null, "MtaTls.Client", "mtatls.client.keep_alive.timeouts");
        // If TCP could find it, this session would end long before the pings: after two seconds of silence.
        await using MtaTlsClient tcp = await MtaTlsClient.ConnectAsync(Options(server, static o =>
        {
            o.KeepAlive.Ping = false;
            o.KeepAlive.Interval = o.KeepAlive.Timeout = TimeSpan.FromSeconds(1);
        }));
        await using MtaTlsClient pings = await MtaTlsClient.ConnectAsync(Options(server, static o => (o.KeepAlive.Interval, o.KeepAlive.Timeout) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10))));
        Assert.Equal("Hello, World!", await GetAsync(pings, server));

        await server.StopProcessAsync();
        await Wait.UntilAsync(() => timeouts.GetMeasurementSnapshot().Any(m => (int?)m.Tags["server.port"] == server.Port));
        Assert.Equal("ping", timeouts.GetMeasurementSnapshot().First(m => (int?)m.Tags["server.port"] == server.Port).Tags["mtatls.keep_alive.method"]);
        Assert.Equal((1, 1), (tcp.GetStatistics().ActiveSessions, tcp.GetStatistics().Handshakes));

        await server.ContinueProcessAsync();
        Assert.Equal("Hello, World!", await GetAsync(pings, server));
        Assert.Equal("Hello, World!", await GetAsync(tcp, server));
        Assert.Equal(1, tcp.GetStatistics().Handshakes);
    }

    [Fact]
    public async Task A_server_that_hangs_for_a_second_is_named_in_a_warning()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SIGSTOP is sent by kill.");
        using FakeLoggerProvider logs = new();
        using var loggers = new LoggerFactory([logs]);
        await using ServerProcess server = await ServerProcess.StartAsync([]);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(Options(server, o =>
        {
            (o.KeepAlive.Interval, o.KeepAlive.Timeout) = (TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
            o.LoggerFactory = loggers;
        }));
        await server.StopProcessAsync();
        await Wait.UntilAsync(() => logs.Collector.GetSnapshot().Any(static r => r.Id.Name == "SessionSuspected"));
        Assert.Contains($"127.0.0.1:{server.Port} ", logs.Collector.GetSnapshot().First(static r => r.Id.Name == "SessionSuspected").Message, StringComparison.Ordinal);
        await server.ContinueProcessAsync();
        Assert.Equal("Hello, World!", await GetAsync(client, server));
    }

    [Fact]
    public async Task Disposal_waits_for_a_process_that_hangs_no_longer_than_ShutdownTimeout_and_a_second()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SIGSTOP is sent by kill.");
        TimerTime time = new();
        await using ServerProcess server = await ServerProcess.StartAsync([]);
        MtaTlsClient client = await MtaTlsClient.ConnectAsync(Options(server, o =>
        {
            o.KeepConnected = false;
            o.TimeProvider = time;
            o.ShutdownTimeout = TimeSpan.FromSeconds(5);
        }));
        Assert.Equal("Hello, World!", await GetAsync(client, server));
        await using MtaTlsClientChannel open = await client.OpenChannelAsync("localhost", server.Port);
        await server.StopProcessAsync();
        await open.WriteAsync("GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());

        Task disposal = client.DisposeAsync().AsTask();
        // Channels get ShutdownTimeout, and disposal waits only one second more.
        await Wait.UntilAsync(() => time.DueTimes.Contains(TimeSpan.FromSeconds(5)) && time.DueTimes.Contains(TimeSpan.FromSeconds(6)));
        Assert.False(disposal.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(6));
        await disposal.Soon();
        await server.ContinueProcessAsync();
    }

    private static async Task<string> GetAsync(MtaTlsClient client, ServerProcess server)
    {
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Wait.Timeout };
        return await http.GetStringAsync(new Uri($"https://localhost:{server.Port}/plaintext"));
    }

    private static MtaTlsClientOptions Options(ServerProcess server, Action<MtaTlsClientOptions> configure)
    {
        var options = new MtaTlsClientOptions
        {
            Host = "127.0.0.1",
            Port = server.Port,
            TargetHost = "localhost",
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http11],
            KeepConnected = true,
            ShutdownTimeout = TimeSpan.FromMilliseconds(100),
        };
        options.Reconnect.InitialDelay = options.Reconnect.MaxDelay = TimeSpan.FromMilliseconds(200);
        options.Reconnect.WaitTimeout = Wait.Timeout;
        configure(options);
        return options;
    }

    /// <summary>A clock that shows the lengths of its timers.</summary>
    private sealed class TimerTime : FakeTimeProvider
    {
        public ConcurrentBag<TimeSpan> DueTimes { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            // The test advances the clock when it sees the time, so the timer must exist then.
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            DueTimes.Add(dueTime);
            return timer;
        }
    }
}
