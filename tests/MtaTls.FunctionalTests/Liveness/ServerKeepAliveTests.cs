using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Time.Testing;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Liveness;

/// <summary>A real server, with clients that are idle, stay connected, do not answer, or flood it. Some clients send and read single packets.</summary>
public sealed class ServerKeepAliveTests
{
    private const string Ping = "ping.mta-tls.invalid";
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_session_whose_client_pings_is_not_idle()
    {
        await using TestApp app = await StartAsync();
        await using RawClient idle = await RawClient.ConnectAsync(app.Port), kept = await RawClient.ConnectAsync(app.Port);
        for (int rounds = 0; rounds < 3 || !idle.Session.Completion.IsCompleted; rounds++)
        {
            await kept.Session.PingAsync().Soon();
            _time.Advance(TimeSpan.FromSeconds(20));
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        Assert.False(kept.Session.Completion.IsCompleted);
        Assert.Equal("hello", await kept.GetAsync());
    }

    [Theory]
    [InlineData("refuses")]
    [InlineData("accepts")]
    [InlineData("ignores")]
    public async Task A_client_that_answers_pings_in_any_way_keeps_its_session_and_one_that_does_not_loses_it(string kind)
    {
        await using TestApp app = await StartAsync(o =>
        {
            o.KeepAlive.Ping = true;
            o.Limits.SessionIdleTimeout = Timeout.InfiniteTimeSpan;
            if (kind != "ignores")
            {
                // The clock advances until the ping has been read, which takes a moment of real time.
                o.KeepAlive.Timeout = TimeSpan.FromHours(1);
            }
        });
        IMeterFactory meters = app.Services.GetRequiredService<IMeterFactory>();
        using MetricCollector<long> timeouts = new(meters, "MtaTls.AspNetCore", "mtatls.server.keep_alive.timeouts");
        using MetricCollector<double> roundTrips = new(meters, "MtaTls.AspNetCore", "mtatls.server.ping.duration"), sessions = new(meters, "MtaTls.AspNetCore", "mtatls.server.session.duration");
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        var packets = new RawPackets(client.Tls);
        await packets.OpenAsync(1);
        for (int round = 1; round <= 3; round++)
        {
            ushort signal = await PingedAsync(packets);
            if (kind == "ignores")
            {
                await Wait.UntilAsync(() =>
                {
                    _time.Advance(TimeSpan.FromSeconds(1));
                    return timeouts.GetMeasurementSnapshot().EvaluateAsCounter() == 1;
                });
                Assert.Equal("ping", timeouts.LastMeasurement!.Tags["mtatls.keep_alive.method"]);
                await sessions.WaitForMeasurementsAsync(1, Wait.Timeout);
                Assert.Equal("keep_alive_timeout", sessions.LastMeasurement!.Tags["error.type"]);
                return;
            }

            if (kind == "refuses")
            {
                packets.WriteRefusal(signal, "what is that");
            }
            else
            {
                packets.WriteSuccess(signal, (ushort)(0x4000 + round));
            }

            await client.Tls.FlushAsync();
            if (kind == "accepts")
            {
                ChannelId closed = await packets.ReadCloseAsync();
                Assert.Equal(signal, closed.Sender);
                packets.WriteConfirmation(closed);
                await client.Tls.FlushAsync();
            }

            int answered = round;
            await Wait.UntilAsync(() => roundTrips.GetMeasurementSnapshot().Count >= answered);
        }

        Assert.Equal(0, timeouts.GetMeasurementSnapshot().EvaluateAsCounter());
        Assert.Single(app.Services.GetRequiredService<IMtaTlsSessions>().List());
    }

    [Fact]
    public async Task An_open_of_the_server_without_an_answer_times_out()
    {
        await using TestApp app = await StartAsync();
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        var packets = new RawPackets(client.Tls);
        await packets.OpenAsync(1);
        IMtaTlsSessionFeature session = app.Services.GetRequiredService<IMtaTlsSessions>().List().Single();
        Task<MtaTlsChannel> open = session.OpenChannelAsync(new ChannelAddress("server.test", 1), new ChannelAddress("client.test", 2)).AsTask();
        Assert.Equal(PacketType.ChannelEstablishmentRequest, (await packets.ReadAsync())!.Value.Type);
        await Wait.UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return open.IsCompleted;
        });
        Assert.IsType<TimeoutException>((await Assert.ThrowsAsync<MtaTlsChannelException>(() => open)).InnerException);
    }

    [Fact]
    public async Task A_flood_of_pings_is_limited_and_the_session_continues()
    {
        await using TestApp app = await StartAsync();
        using MetricCollector<long> limits = new(app.Services.GetRequiredService<IMeterFactory>(), "MtaTls.AspNetCore", "mtatls.server.limits.exceeded");
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        for (int i = 0; i < 500; i++)
        {
            await client.Session.PingAsync().Soon();
        }

        // The server's clock stands still, so ten of all signals counted as pings.
        Assert.Equal("hello", await client.GetAsync());
        await Wait.UntilAsync(() => limits.GetMeasurementSnapshot().Where(static m => (string?)m.Tags["mtatls.limit"] == "MaxSignalsPerSecond").Sum(static m => m.Value) == 490);
        Assert.Single(await app.LoggedAsync("LimitExceeded"));
    }

    [Fact]
    public async Task A_stuck_reader_with_full_windows_does_not_keep_pings_from_being_answered()
    {
        TaskCompletionSource release = new();
        await using TestApp app = await StartAsync(map: a => a.MapPost("/stuck", async (HttpContext c) =>
        {
            await release.Task;
            await c.Request.Body.CopyToAsync(Stream.Null);
            return "read";
        }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await using HttpChannel stuck = await client.OpenAsync();
        byte[] body = new byte[4 << 20];
        await stuck.SendAsync($"POST /stuck HTTP/1.1\r\nHost: app.test\r\nContent-Length: {body.Length}\r\n\r\n");
        Task sending = stuck.SendAsync(body);
        await Wait.UntilAsync(() => client.Session.GetStatistics().WindowStalls > 0);
        for (int i = 0; i < 5; i++)
        {
            await client.Session.PingAsync().Soon();
        }

        Assert.False(sending.IsCompleted);
        release.SetResult();
        await sending.Soon();
        Assert.Equal("read", (await stuck.ReadResponseAsync()).Body);
    }

    private async Task<ushort> PingedAsync(RawPackets packets)
    {
        Task<(PacketType Type, byte[] Body)?> next = packets.ReadAsync();
        await Wait.UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return next.IsCompleted;
        });
        (PacketType type, byte[] body) = (await next)!.Value;
        Assert.Equal(PacketType.ChannelEstablishmentRequest, type);
        return RawPackets.SignalOf(body, Ping);
    }

    private Task<TestApp> StartAsync(Action<MtaTlsOptions>? mtaTls = null, Action<WebApplication>? map = null) => TestApp.StartAsync(
        a =>
        {
            a.MapGet("/", static () => "hello");
            map?.Invoke(a);
        },
        o =>
        {
            o.Limits.ChannelIdleTimeout = Timeout.InfiniteTimeSpan;
            mtaTls?.Invoke(o);
        },
        configure: builder => builder.Services.AddSingleton<TimeProvider>(_time));
}
