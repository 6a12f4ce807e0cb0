using Microsoft.AspNetCore.Http;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>A router in code decides before the configured routes. Every refusal has one log entry and the same error text.</summary>
public sealed class RouterTests
{
    private static Task<TestApp> StartAsync(Func<MtaTlsChannelOpen, MtaTlsChannelDecision> decide, Action<MtaTlsOptions>? options = null) => TestApp.StartAsync(
        static a => a.MapGet("/", (HttpContext c) => $"{c.GetMtaTlsChannel()?.Destination} in {c.GetMtaTlsSession()?.SessionId}"),
        options,
        configure: builder => builder.Services.AddSingleton<IMtaTlsChannelRouter>(new Router(decide)));

    [Fact]
    public async Task A_router_sees_the_open_and_its_decision_applies()
    {
        List<MtaTlsChannelOpen> seen = [];
        await using TestApp app = await StartAsync(open =>
        {
            lock (seen)
            {
                seen.Add(open);
            }

            return open.Destination.Host == "app.test" ? MtaTlsChannelDecision.Http("mine") : MtaTlsChannelDecision.Reject("mine");
        });
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        IMtaTlsSessions sessions = app.Services.GetRequiredService<IMtaTlsSessions>();
        await Wait.UntilAsync(() => sessions.List().Count == 1);
        string session = sessions.List()[0].SessionId;
        Assert.Equal($"app.test:80 in {session}", await client.GetAsync());
        await AssertRefusedAsync(client, "other.test");
        Assert.Equal(["app.test:80", "other.test:80"], seen.Select(static o => o.Destination.ToString()));
        Assert.All(seen, o => Assert.Equal((session, "192.0.2.7:4711"), (o.Session.SessionId, o.ClaimedSource.ToString())));
        Assert.Contains("'mine'", AssertOneRefusal(app), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_decision_the_configured_routes_decide_and_requests_name_their_destination()
    {
        await using TestApp app = await StartAsync(
            static _ => MtaTlsChannelDecision.None, static o => o.Channels.Add(new ChannelRouteOptions { Hosts = { "closed.test" }, Action = ChannelRouteAction.Reject }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await AssertRefusedAsync(client, "closed.test");
        Assert.StartsWith("app.test:80", await client.GetAsync(), StringComparison.Ordinal);
        await using HttpChannel channel = await client.OpenAsync("other.test");
        Assert.Equal(421, (await channel.GetAsync("/")).Status);
    }

    [Fact]
    public async Task A_router_that_throws_refuses_the_channel_and_an_error_is_logged()
    {
        await using TestApp app = await StartAsync(static open => open.Destination.Host == "app.test" ? MtaTlsChannelDecision.Http() : throw new InvalidOperationException("a fault of the router"));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await AssertRefusedAsync(client, "other.test");
        Assert.StartsWith("app.test:80", await client.GetAsync(), StringComparison.Ordinal);
        Assert.Equal("a fault of the router", app.Logs.GetSnapshot().Single(static r => r.Id.Name == "RouterFailed").Exception!.Message);
        AssertOneRefusal(app);
    }

    [Fact]
    public async Task Refusals_by_a_limit_and_by_a_Tcp_route_are_logged_once_too()
    {
        await using (TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), static o => o.Limits.MaxChannels = 1))
        {
            await using RawClient client = await RawClient.ConnectAsync(app.Port);
            await using HttpChannel first = await client.OpenAsync();
            await AssertRefusedAsync(client, "app.test");
            Assert.Contains("MaxChannels", AssertOneRefusal(app), StringComparison.Ordinal);
        }

        await using (TestApp app = await TestApp.StartAsync(
            static a => a.MapGet("/", () => "hello"),
            static o => o.Channels.Add(new ChannelRouteOptions { Action = ChannelRouteAction.Tcp, Upstream = $"127.0.0.1:{FreePort.Find()}", AllowAnonymous = true })))
        {
            await using RawClient client = await RawClient.ConnectAsync(app.Port);
            await AssertRefusedAsync(client, "db.test");
            AssertOneRefusal(app);
        }
    }

    [Fact]
    public async Task Sessions_are_listed_found_and_ended()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"));
        IMtaTlsSessions sessions = app.Services.GetRequiredService<IMtaTlsSessions>();
        Assert.Empty(sessions.List());
        await using RawClient one = await RawClient.ConnectAsync(app.Port), two = await RawClient.ConnectAsync(app.Port);
        await Wait.UntilAsync(() => sessions.List().Count == 2);
        IMtaTlsSessionFeature first = sessions.List().Single(s => one.Socket.LocalEndPoint!.Equals(s.RemoteEndPoint)), second = sessions.List().Single(s => s != first);
        Assert.Same(first, sessions.Find(first.SessionId));
        Assert.Null(first.ClientCertificate);
        Assert.InRange(first.StartedAt, DateTimeOffset.UtcNow.AddMinutes(-10), DateTimeOffset.UtcNow);

        Assert.True(sessions.End(first.SessionId));
        // Does not throw, because close_notify came first.
        await one.Session.Completion.Soon();
        await Wait.UntilAsync(() => sessions.List().Count == 1);
        Assert.False(sessions.End(first.SessionId));
        Assert.Null(sessions.Find(first.SessionId));

        Assert.Equal("hello", await two.GetAsync());
        Assert.True(sessions.Abort(second.SessionId));
        await Assert.ThrowsAnyAsync<MtaTlsSessionException>(() => two.Session.Completion.Soon());
        await Wait.UntilAsync(() => sessions.List().Count == 0);
        Assert.False(sessions.Abort(second.SessionId));
    }

    [Fact]
    public async Task An_ordinary_connection_has_neither_session_nor_channel()
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", (HttpContext c) => $"{c.GetMtaTlsSession() is null} {c.GetMtaTlsChannel() is null}"));
        Assert.Equal("True True", await OrdinaryClient.GetAsync(app.Port));
    }

    /// <summary>Checks that exactly one log entry reports a refused channel.</summary>
    private static string AssertOneRefusal(TestApp app) => Assert.Single(
        app.Logs.GetSnapshot(), static r => r.Id.Name is "ChannelRejected" or "ChannelDestinationUnclear" or "ChannelNotConnected" or "ChannelRefused" or "RouterFailed").Message;

    private static async Task AssertRefusedAsync(RawClient client, string host)
        => Assert.Equal("Not available.", (await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => client.OpenAsync(host))).Reason);

    private sealed class Router(Func<MtaTlsChannelOpen, MtaTlsChannelDecision> decide) : IMtaTlsChannelRouter
    {
        public MtaTlsChannelDecision Route(in MtaTlsChannelOpen open) => decide(open);
    }
}
