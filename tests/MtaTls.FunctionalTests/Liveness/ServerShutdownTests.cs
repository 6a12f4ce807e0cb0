using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Liveness;

/// <summary>The order in which a server stops: unhealthy, go-away, a delay in which everything is served, then the drain.</summary>
public sealed class ServerShutdownTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_stopping_server_is_unhealthy_sends_go_aways_serves_for_the_delay_and_then_drains()
    {
        List<Activity> stopped = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "MtaTls.AspNetCore",
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
        await using TestApp app = await StartAsync(o => o.Shutdown.Delay = TimeSpan.FromSeconds(20));
        HealthCheckService health = app.Services.GetRequiredService<HealthCheckService>();
        using MetricCollector<long> draining = new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.draining_sessions");
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync()).Status);
        TaskCompletionSource<TimeSpan> told = new(), alsoTold = new();
        await using RawClient client = await RawClient.ConnectAsync(app.Port, session: Options(told));
        HttpChannel kept = await client.OpenAsync(), idle = await client.OpenAsync();
        Assert.DoesNotContain("Connection", (await kept.GetAsync("/")).Headers.Keys);

        Task stopping = app.App.StopAsync();
        Assert.Equal(TimeSpan.FromSeconds(20), await told.Task.Soon());
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync()).Status);
        Assert.True(app.Services.GetRequiredService<IMtaTlsSessions>().List().Single().IsDraining);
        Assert.Equal(1, draining.GetMeasurementSnapshot().EvaluateAsCounter());

        // The server serves open channels, new channels and new connections. An open HTTP/1.1 channel ends with its next response.
        HttpChannel.Response last = await kept.GetAsync("/");
        Assert.Equal(("hello", "close"), (last.Body, last.Headers["Connection"]));
        Assert.Equal("hello", await client.GetAsync());
        _time.Advance(TimeSpan.FromSeconds(12));
        await using RawClient late = await RawClient.ConnectAsync(app.Port, session: Options(alsoTold));
        Assert.Equal(TimeSpan.FromSeconds(8), await alsoTold.Task.Soon());
        Assert.Equal("hello", await late.GetAsync());
        Assert.False(stopping.IsCompleted);
        Assert.False(client.Session.Completion.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(8));
        Assert.Equal("", await idle.ReadToEndAsync());
        await client.Session.Completion.Soon();
        await late.Session.Completion.Soon();
        await stopping.Soon();
        Assert.Equal(0, draining.GetMeasurementSnapshot().EvaluateAsCounter());
        Assert.Single(app.Logs.GetSnapshot(), static r => r.Id.Name == "ServerStopping");
        lock (stopped)
        {
            Assert.Contains(stopped, a => a.OperationName == "mtatls.session" && a.Events.Any(static e => e.Name == "mtatls.go_away"));
        }
    }

    [Fact]
    public async Task Without_a_delay_the_go_away_comes_before_opens_are_refused()
    {
        TaskCompletionSource began = new(), finish = new();
        await using TestApp app = await StartAsync(map: a => a.MapGet("/busy", async () =>
        {
            began.SetResult();
            await finish.Task;
            return "done";
        }));
        TaskCompletionSource<TimeSpan> told = new();
        await using RawClient client = await RawClient.ConnectAsync(app.Port, session: Options(told));
        await using HttpChannel busy = await client.OpenAsync();
        Task<HttpChannel.Response> answer = busy.GetAsync("/busy");
        await began.Task.Soon();
        Task stopping = app.App.StopAsync();
        Assert.Equal(TimeSpan.Zero, await told.Task.Soon());
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Id.Name == "SessionShutdown"));
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync());
        finish.SetResult();
        Assert.Equal("done", (await answer.Soon()).Body);
        await stopping.Soon();
    }

    /// <summary>GOAWAY is sent with the next response. The client then ends the channel itself, long before the server would, and its requests use another session.</summary>
    [Fact]
    public async Task Clients_leave_HTTP_2_channels_during_the_delay()
    {
        await using TestApp app = await StartAsync(static o => o.Shutdown.Delay = TimeSpan.FromSeconds(20));
        using HttpClient http = new(new SocketsHttpHandler().UseMtaTls(o =>
        {
            (o.Host, o.Port, o.TargetHost) = ("127.0.0.1", app.Port, "localhost");
            o.CertificateChainPolicy = TestCertificates.TrustRoot();
        }))
        { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = Wait.Timeout };
        Uri uri = new("https://app.test/");
        Assert.Equal("hello", await http.GetStringAsync(uri));
        IMtaTlsSessionFeature session = app.Services.GetRequiredService<IMtaTlsSessions>().List().Single();
        Assert.Equal(1, session.ActiveChannels);
        Task stopping = app.App.StopAsync();
        await Wait.UntilAsync(() => session.IsDraining);
        Assert.Equal("hello", await http.GetStringAsync(uri));
        await Wait.UntilAsync(() => session.ActiveChannels == 0);
        Assert.Equal("hello", await http.GetStringAsync(uri));
        Assert.False(stopping.IsCompleted);
        await AdvanceUntilAsync(stopping);
    }

    [Fact]
    public async Task A_signal_to_the_host_begins_the_shutdown_too()
    {
        await using TestApp app = await StartAsync(o => o.Shutdown.Delay = TimeSpan.FromSeconds(20));
        TaskCompletionSource<TimeSpan> told = new();
        await using RawClient client = await RawClient.ConnectAsync(app.Port, session: Options(told));
        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        Assert.Equal(TimeSpan.FromSeconds(20), await told.Task.Soon());
        Assert.Equal("hello", await client.GetAsync());
        Task stopping = app.App.StopAsync();
        await Wait.UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return stopping.IsCompleted;
        });
    }

    [Fact]
    public async Task An_endpoint_with_UseMtaTls_alone_sends_go_aways_too()
    {
        await using TestApp app = await TestApp.StartBareAsync(builder => builder.WebHost.ConfigureKestrel(static k => k.Listen(IPAddress.Loopback, 0, static e =>
        {
            e.UseMtaTls();
            e.UseHttps(TestCertificates.Server);
        })));
        TaskCompletionSource<TimeSpan> told = new();
        await using RawClient client = await RawClient.ConnectAsync(app.Port, session: Options(told));
        Task stopping = app.App.StopAsync();
        Assert.Equal(TimeSpan.Zero, await told.Task.Soon());
        await stopping.Soon();
    }

    [Fact]
    public async Task End_of_a_session_sends_a_go_away()
    {
        await using TestApp app = await StartAsync();
        TaskCompletionSource<TimeSpan> told = new();
        await using RawClient client = await RawClient.ConnectAsync(app.Port, session: Options(told));
        IMtaTlsSessions sessions = app.Services.GetRequiredService<IMtaTlsSessions>();
        await Wait.UntilAsync(() => sessions.List().Count == 1);
        Assert.True(sessions.End(sessions.List()[0].SessionId));
        Assert.Equal(TimeSpan.Zero, await told.Task.Soon());
        await client.Session.Completion.Soon();
        Assert.Equal("hello", await OneRequestAsync(app.Port));
    }

    [Fact]
    public async Task A_clients_go_away_makes_its_session_draining_and_the_server_continues_to_serve_it()
    {
        await using TestApp app = await StartAsync();
        using MetricCollector<long> draining = new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.draining_sessions");
        await using (RawClient client = await RawClient.ConnectAsync(app.Port))
        {
            await client.GetAsync();
            IMtaTlsSessionFeature session = app.Services.GetRequiredService<IMtaTlsSessions>().List().Single();
            Assert.False(session.IsDraining);
            await client.Session.GoAwayAsync(TimeSpan.FromSeconds(9)).Soon();
            await Wait.UntilAsync(() => session.IsDraining);
            Assert.Equal("hello", await client.GetAsync());
            Assert.Equal(1, draining.GetMeasurementSnapshot().EvaluateAsCounter());
        }

        await Wait.UntilAsync(() => draining.GetMeasurementSnapshot().EvaluateAsCounter() == 0);
    }

    [Fact]
    public async Task A_client_with_several_endpoints_uses_another_before_the_first_has_stopped()
    {
        await using TestApp a = await StartAsync(static o => o.Shutdown.Delay = TimeSpan.FromSeconds(20), static app => app.MapGet("/name", static () => "a"));
        await using TestApp b = await StartAsync(static o => o.Shutdown.Delay = TimeSpan.FromSeconds(20), static app => app.MapGet("/name", static () => "b"));
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(new MtaTlsClientOptions
        {
            Endpoints = [$"127.0.0.1:{a.Port}", $"127.0.0.1:{b.Port}"],
            TargetHost = "localhost",
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http11],
            KeepConnected = true,
            ShutdownTimeout = TimeSpan.FromMilliseconds(100),
        });
        // On a busy machine the second endpoint may answer first.
        string chosen = await NameAsync(client), other = chosen == "a" ? "b" : "a";
        Task stopping = (chosen == "a" ? a : b).App.StopAsync();
        await Wait.UntilAsync(() => client.GetStatistics().Handshakes >= 2);
        while (await NameAsync(client) != other)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.False(stopping.IsCompleted);
        await AdvanceUntilAsync(stopping);
        Assert.Equal(other, await NameAsync(client));
        Task last = (chosen == "a" ? b : a).App.StopAsync();
        await AdvanceUntilAsync(last);

        static async Task<string> NameAsync(MtaTlsClient client)
        {
            using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(client)) { Timeout = Wait.Timeout };
            return await http.GetStringAsync(new Uri("https://app.test/name"));
        }
    }

    [Fact]
    public async Task A_delay_that_leaves_no_time_for_requests_is_warned_about()
    {
        await using TestApp app = await StartAsync(o => o.Shutdown.Delay = TimeSpan.FromMinutes(1), hostTimeout: TimeSpan.FromSeconds(30));
        Assert.Contains("MtaTls:Shutdown:Delay (00:01:00)", Assert.Single(app.Messages("ShutdownDelayTooLong")), StringComparison.Ordinal);
        Task stopping = app.App.StopAsync();
        await Wait.UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            return stopping.IsCompleted;
        });
    }

    private Task AdvanceUntilAsync(Task task) => Wait.UntilAsync(() =>
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        return task.IsCompleted;
    });

    private static async Task<string> OneRequestAsync(int port)
    {
        await using RawClient client = await RawClient.ConnectAsync(port);
        return await client.GetAsync();
    }

    private static MtaTlsSessionOptions Options(TaskCompletionSource<TimeSpan> told) => new() { Role = MtaTlsRole.Client, GoAwayReceived = stopsIn => told.TrySetResult(stopsIn) };

    /// <param name="mtaTls">Sets the server's options.</param>
    /// <param name="map">Maps further endpoints.</param>
    /// <param name="hostTimeout">The time that the host has for its stop. It is real time, and the test's clock is not; null: more than any test takes.</param>
    private Task<TestApp> StartAsync(Action<MtaTlsOptions>? mtaTls = null, Action<WebApplication>? map = null, TimeSpan? hostTimeout = null) => TestApp.StartAsync(
        a =>
        {
            a.MapGet("/", static () => "hello");
            map?.Invoke(a);
        },
        mtaTls,
        configure: builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_time);
            builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = hostTimeout ?? TimeSpan.FromHours(1));
            builder.Services.AddHealthChecks().AddMtaTls();
        });
}
