using System.Net;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Kestrel's timeouts and its graceful shutdown, for each channel.</summary>
public sealed class TimeoutAndShutdownTests
{
    [Fact]
    public async Task KeepAliveTimeout_closes_an_idle_channel_and_no_other()
    {
        TaskCompletionSource gate = new();
        await using TestApp app = await TestApp.StartAsync(
            a =>
            {
                a.MapGet("/", () => "hello");
                a.MapGet("/wait", async () =>
                {
                    await gate.Task;
                    return "waited";
                });
            },
            kestrel: k => k.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(1));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel idle = await client.OpenAsync(), busy = await client.OpenAsync();
        Task<HttpChannel.Response> waiting = busy.GetAsync("/wait");
        Assert.Equal("hello", (await idle.GetAsync("/")).Body);
        Assert.Equal("", await idle.ReadToEndAsync());
        gate.SetResult();
        Assert.Equal("waited", (await waiting.Soon()).Body);
        Assert.Equal("hello", await client.GetAsync());
    }

    [Fact]
    public async Task RequestHeadersTimeout_answers_408_and_closes_that_channel()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"), kestrel: k => k.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel slow = await client.OpenAsync();
        await slow.SendAsync("GET / HTTP/1.1\r\nHost: ap");
        Assert.StartsWith("HTTP/1.1 408 ", await slow.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal("hello", await client.GetAsync());
    }

    [Fact]
    public async Task ChannelIdleTimeout_closes_a_channel_without_data()
    {
        FakeTimeProvider time = new();
        TaskCompletionSource gate = new(), reached = new();
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapGet("/wait", async () =>
            {
                reached.SetResult();
                await gate.Task;
                return "waited";
            }),
            o => o.Limits.ChannelIdleTimeout = TimeSpan.FromSeconds(10),
            configure: b => b.Services.AddSingleton<TimeProvider>(time));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel silent = await client.OpenAsync(), spoken = await client.OpenAsync();
        Task<HttpChannel.Response> waiting = spoken.GetAsync("/wait");
        await reached.Task.Soon();
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("", await silent.ReadToEndAsync());
        gate.SetResult();
        Assert.Equal("waited", (await waiting.Soon()).Body);
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(r => r.Id.Name == "ChannelIdle"));
    }

    [Fact]
    public async Task SessionIdleTimeout_ends_a_session_without_channels_with_close_notify()
    {
        FakeTimeProvider time = new();
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapGet("/", () => "hello"), o => o.Limits.SessionIdleTimeout = TimeSpan.FromSeconds(10), configure: b => b.Services.AddSingleton<TimeProvider>(time));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await client.GetAsync());
        // No event shows when the server has seen the end of the last channel, with which the idle time begins.
        await Wait.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return client.Session.Completion.IsCompleted;
        });
        // Does not throw, because close_notify came first.
        await client.Session.Completion;
    }

    // A handler on the TCP connection's heartbeat stays registered as long as the connection lives, so channels must not add any.
    [Fact]
    public async Task Channels_that_have_ended_leave_no_heartbeat()
    {
        int registrations = 0;
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"), listen: e => e.Use(next => connection =>
        {
            connection.Features.Set<IConnectionHeartbeatFeature>(new CountingHeartbeat(connection.Features.Get<IConnectionHeartbeatFeature>()!, () => Interlocked.Increment(ref registrations)));
            return next(connection);
        }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        for (int i = 0; i < 200; i++)
        {
            await client.GetAsync();
        }

        Assert.Equal(1, registrations);
    }

    [Fact]
    public async Task Shutdown_closes_idle_channels_lets_a_busy_one_finish_and_sends_close_notify()
    {
        TaskCompletionSource began = new(), finish = new();
        await using TestApp app = await TestApp.StartAsync(a =>
        {
            a.MapGet("/", () => "hello");
            a.MapGet("/busy", async () =>
            {
                began.SetResult();
                await finish.Task;
                return "done";
            });
        });
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel silent = await client.OpenAsync(), idle = await client.OpenAsync(), busy = await client.OpenAsync();
        await idle.GetAsync("/");
        Task<HttpChannel.Response> answer = busy.GetAsync("/busy");
        await began.Task.Soon();

        Task stopping = app.App.StopAsync();
        Assert.Equal("", await silent.ReadToEndAsync());
        Assert.Equal("", await idle.ReadToEndAsync());
        await Assert.ThrowsAnyAsync<IOException>(() => client.OpenAsync());
        Assert.False(stopping.IsCompleted);
        finish.SetResult();
        HttpChannel.Response response = await answer.Soon();
        Assert.Equal("done", response.Body);
        Assert.Equal("close", response.Headers["Connection"]);
        await client.Session.Completion.Soon();
        await stopping.Soon();
    }

    [Fact]
    public async Task Shutdown_under_load_cuts_no_response_that_had_started()
    {
        const int Long = 24, Half = 100_000;
        TaskCompletionSource release = new();
        int begun = 0, loaded = 0;
        await using TestApp app = await TestApp.StartAsync(a =>
        {
            a.MapGet("/", () => "hello");
            a.MapGet("/long", async (HttpContext c) =>
            {
                await c.Response.Body.WriteAsync(new byte[Half]);
                await c.Response.Body.FlushAsync();
                Interlocked.Increment(ref begun);
                await release.Task;
                await c.Response.Body.WriteAsync(new byte[Half]);
            });
        }, configure: static builder => builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = TimeSpan.FromMinutes(5)));   // long enough for a busy machine
        HttpClient[] clients = [.. new[] { HttpVersion.Version11, HttpVersion.Version20 }.Select(version => new HttpClient(new SocketsHttpHandler().UseMtaTls(o =>
        {
            (o.Host, o.Port, o.TargetHost) = ("127.0.0.1", app.Port, "localhost");
            o.CertificateChainPolicy = TestCertificates.TrustRoot();
            o.Reconnect.WaitTimeout = TimeSpan.Zero;
        })) { DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = Wait.Timeout })];
        Task<byte[]>[] answers = [.. Enumerable.Range(0, Long).Select(i => clients[i % 2].GetByteArrayAsync(new Uri("https://app.test/long")))];
        Task[] load = [.. Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            try
            {
                for (; ; Interlocked.Increment(ref loaded)) { Assert.Equal("hello", await clients[i % 2].GetStringAsync(new Uri("https://app.test/"))); } }
            catch (HttpRequestException)
            {
                // The server has stopped.
            }
        }))];
        await Wait.UntilAsync(() => begun == Long && loaded > 50);

        Task stopping = app.App.StopAsync();
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Count(r => r.Id.Name == "SessionShutdown") >= 2);
        Assert.False(stopping.IsCompleted);
        release.SetResult();
        foreach (Task<byte[]> answer in answers)
        {
            Assert.Equal(2 * Half, (await answer.Soon()).Length);
        }

        await stopping.Soon();
        await Task.WhenAll(load).Soon();
        foreach (HttpClient client in clients)
        {
            client.Dispose();
        }
    }

    [Fact]
    public async Task Shutdown_lets_HTTP_2_streams_in_a_channel_finish()
    {
        TaskCompletionSource began = new(), finish = new();
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/busy", async (HttpContext c) =>
        {
            began.SetResult();
            await finish.Task;
            return c.Request.Protocol;
        }));
        using HttpClient client = new(new SocketsHttpHandler().UseMtaTls(o =>
        {
            (o.Host, o.Port, o.TargetHost) = ("127.0.0.1", app.Port, "localhost");
            o.CertificateChainPolicy = TestCertificates.TrustRoot();
            o.ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http2];
        }))
        { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Task<string> answer = client.GetStringAsync(new Uri("https://app.test/busy"));
        await began.Task.Soon();
        Task stopping = app.App.StopAsync();
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(r => r.Id.Name == "SessionShutdown"));
        Assert.False(stopping.IsCompleted);
        finish.SetResult();
        Assert.Equal("HTTP/2", await answer.Soon());
        await stopping.Soon();
    }

    [Fact]
    public async Task Shutdown_aborts_requests_that_do_not_finish_in_time()
    {
        TaskCompletionSource began = new(), aborted = new();
        await using TestApp app = await TestApp.StartAsync(
            a => a.MapGet("/stuck", async (HttpContext c) =>
            {
                using CancellationTokenRegistration registration = c.RequestAborted.Register(aborted.SetResult);
                began.SetResult();
                await Task.Delay(Timeout.Infinite, c.RequestAborted);
            }),
            configure: builder => builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(1)));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel stuck = await client.OpenAsync();
        await stuck.SendAsync("GET /stuck HTTP/1.1\r\nHost: app.test\r\n\r\n");
        await began.Task.Soon();
        await app.App.StopAsync().Soon();
        await aborted.Task.Soon();
    }

    private sealed class CountingHeartbeat(IConnectionHeartbeatFeature inner, Action registered) : IConnectionHeartbeatFeature
    {
        public void OnHeartbeat(Action<object> action, object state)
        {
            registered();
            inner.OnHeartbeat(action, state);
        }
    }
}
