using System.Net;
using Microsoft.Extensions.Logging;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Redis.Tests.Support;
using StackExchange.Redis;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>Failures of other gateways and of the application's own parts, and what the log says of them.</summary>
public sealed class FailureTests
{
    [Fact]
    public async Task An_open_that_another_gateway_refuses_is_a_warning_with_its_reason()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", agents: "\"WaitForAgent\": \"00:00:10\""),
            b = await ClusterGateway.StartAsync(redis, "gw-b", agents: "\"MaxChannelsPerAgent\": 1");
        TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously), released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestApp agent = await b.AgentAsync(map: app => app.MapGet("/", async () =>
        {
            entered.TrySetResult();
            await released.Task;
            return "plant";
        }));
        await a.MembersAsync(1);
        using HttpClient client = a.Client();
        Task<string> first = client.GetStringAsync("/");
        await entered.Task.Soon();

        using HttpResponseMessage refused = await client.GetAsync("/").Soon();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        string said = (await a.LoggedAsync("PeerOpenFailed"))[0];
        Assert.Contains("gw-b", said, StringComparison.Ordinal);
        Assert.Contains("limit", said, StringComparison.Ordinal);
        released.SetResult();
        Assert.Equal("plant", await first.Soon());
    }

    [Fact]
    public async Task An_exception_at_a_channel_of_another_gateway_ends_that_channel_alone()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        using FailingLog log = new("PeerChannel");
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", agents: "\"WaitForAgent\": \"00:00:00.200\""),
            b = await ClusterGateway.StartAsync(redis, "gw-b", configure: builder => builder.Logging.AddProvider(log));
        await using TestApp agent = await b.AgentAsync("plant");
        await a.MembersAsync(1);
        using HttpClient client = a.Client();

        // The request is repeated on another channel if it had not been sent yet. Otherwise it is not sent to the same agent again.
        using HttpResponseMessage answer = await client.GetAsync("/").Soon();
        Assert.Contains(answer.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable]);

        await b.LoggedAsync("PeerChannelFailed");
        AgentRegistration registration = b.App.Services.GetRequiredService<AgentRegistry>().Find(b.Agents.Single().Id)!;
        // One channel at most is kept for further requests.
        await Wait.UntilAsync(() => registration.ActiveChannels <= 1);
        Assert.Equal("plant", await client.GetStringAsync("/").Soon());
        Assert.Single(b.Messages("PeerChannelFailed"));
    }

    [Fact]
    public async Task A_connection_that_the_app_has_disposed_is_an_error_and_own_agents_are_served()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString);
        await using ClusterGateway a = await ClusterGateway.StartAsync(
            redis, "gw-a", use: static builder => builder.UseRedisDirectory(), configure: builder => builder.Services.AddSingleton<IConnectionMultiplexer>(multiplexer));
        await a.NodesAsync(1);
        await using TestApp agent = await a.AgentAsync("plant");
        await a.AgentsAsync(1);

        await multiplexer.DisposeAsync();

        await a.LoggedAsync("DirectoryFailed", 2);
        using HttpClient client = a.Client();
        Assert.Equal("plant", await client.GetStringAsync("/").Soon());
    }

    // A new user of Redis 7 may use no channel.
    [Fact]
    public async Task Without_permission_for_the_channel_a_gateway_tries_again_over_the_connections_that_it_has()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await redis.CommandAsync("ACL", "SETUSER", "gateway", "on", ">secret", "~*", "+@all", "resetchannels");
        await using ConnectionMultiplexer admin = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString + ",allowAdmin=true");
        await using ClusterGateway a = await ClusterGateway.StartAsync(
            redis, "gw-a", use: builder => builder.UseRedisDirectory($"{redis.ConnectionString},user=gateway,password=secret"));

        await Wait.UntilAsync(() => RefusedSubscriptions(admin) >= 6);

        ClientInfo[] connections = await admin.GetServers()[0].ClientListAsync();
        Assert.InRange(connections.Count(static client => client.Name == "mtatls"), 1, 2);

        await redis.CommandAsync("ACL", "SETUSER", "gateway", "allchannels");
        await a.NodesAsync(1);
        // It hears of other gateways.
        await using ClusterGateway b = await ClusterGateway.StartAsync(redis, "gw-b");
        await a.NodesAsync(2);
    }

    private static int RefusedSubscriptions(ConnectionMultiplexer admin) =>
        ((RedisResult[])admin.GetDatabase().Execute("ACL", "LOG")!).Select(static entry => entry.ToDictionary())
            .Where(static entry => (string?)entry["object"] == "mtatls:changes" && (string?)entry["context"] == "toplevel").Sum(static entry => (int)entry["count"]);

    /// <summary>A log of the application that throws at the first record of an event.</summary>
    private sealed class FailingLog(string eventName) : ILoggerProvider, ILogger
    {
        private int _thrown;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name == eventName && Interlocked.Exchange(ref _thrown, 1) == 0)
            {
                throw new IOException("the log fails");
            }
        }

        public void Dispose()
        {
        }
    }
}
