using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Agent;
using MtaTls.Client;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>Limits and timeouts of an agent, its sessions and its health check.</summary>
public class AgentLimitTests
{
    private const string Service = "echo.plant7.internal";

    private const string Route = """
        { "MtaTls": {
            "Channels": [ { "Hosts": [ "*.plant7.internal" ], "Action": "Agent", "AllowAnonymous": true } ],
            "Agents": {
              "WaitForAgent": "00:00:00", "OpenTimeout": "00:01:00",
              "Rules": [ { "Names": [ "plant7.internal", "*.plant7.internal" ], "ClientCertificate": { "SubjectAlternativeNames": [ "client.test" ] } } ] } } }
        """;

    [Fact]
    public async Task No_more_connections_to_upstreams_than_MaxForwardConnections()
    {
        FakeTimeProvider clock = new();
        await using TestApp gateway = await AgentGateway.StartAsync(Route);
        using TcpListener upstream = new(IPAddress.Loopback, 0);
        upstream.Start();
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, configure: o =>
        {
            Forward(o, upstream);
            o.MaxForwardConnections = 2;
            o.DrainTimeout = TimeSpan.FromDays(1);
        }, build: builder => builder.Services.AddSingleton<TimeProvider>(clock));
        await gateway.AgentsAsync(1);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(GatewayClient.Options(gateway.Port)).Soon();
        await using MtaTlsClientChannel first = await client.OpenChannelAsync(Service, 7).Soon();
        await using (await client.OpenChannelAsync(Service, 7).Soon())
        {
            await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(async () => await client.OpenChannelAsync(Service, 7).Soon());
            Assert.Contains("the limit of 2 ", Assert.Single(app.Messages("ForwardLimitReached")), StringComparison.Ordinal);
            using TcpClient one = await upstream.AcceptTcpClientAsync().WaitAsync(Wait.Timeout);
            using TcpClient two = await upstream.AcceptTcpClientAsync().WaitAsync(Wait.Timeout);
            Assert.False(upstream.Pending());
        }

        // A connection that has ended frees its place.
        while (!await TryOpenAsync(client))
        {
            await Task.Delay(10);
        }

        // A stop does not wait for a service that keeps its connection open after the channel has closed.
        Task stopped = app.App.StopAsync();
        await Wait.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            return stopped.IsCompleted;
        });
        await stopped;
    }

    [Fact]
    public async Task Connecting_to_an_upstream_that_does_not_answer_ends_after_ForwardConnectTimeout()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux leaves a connection unanswered if a listener's queue is full.");
        var timeout = TimeSpan.FromMilliseconds(3_210);
        WatchedClock clock = new(timeout);
        await using TestApp gateway = await AgentGateway.StartAsync(Route);
        using Socket upstream = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        upstream.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        upstream.Listen(0);
        using TcpClient fills = new();
        await fills.ConnectAsync((IPEndPoint)upstream.LocalEndPoint!).Soon();
        Assert.True(upstream.Poll(Wait.Timeout, SelectMode.SelectRead));
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7,
            configure: o =>
            {
                o.Forward.Add(new MtaTlsAgentForwardOptions { Name = $"{Service}:7", Upstream = upstream.LocalEndPoint!.ToString()! });
                o.ForwardConnectTimeout = timeout;
            },
            build: builder => builder.Services.AddSingleton<TimeProvider>(clock));
        await gateway.AgentsAsync(1);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(GatewayClient.Options(gateway.Port)).Soon();
        Task<MtaTlsClientChannel> open = client.OpenChannelAsync(Service, 7).AsTask();
        await clock.Armed.Soon();
        clock.Advance(timeout - TimeSpan.FromMilliseconds(1));
        Assert.Empty(app.Messages("UpstreamNotReached"));
        Assert.False(open.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => open.Soon());
        Assert.Contains("no answer within ForwardConnectTimeout (00:00:03.21", Assert.Single(app.Messages("UpstreamNotReached")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_waits_for_a_running_request_for_DrainTimeout_and_no_longer()
    {
        var timeout = TimeSpan.FromMilliseconds(4_321);
        WatchedClock clock = new(timeout);
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings(""" "WaitForAgent": "00:00:00" """));
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7,
            map => map.MapGet("/", async () =>
            {
                arrived.TrySetResult();
                await Task.Delay(Timeout.Infinite, map.Services.GetRequiredService<Never>().Token);
            }),
            options => options.DrainTimeout = timeout,
            build: builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(clock).AddSingleton<Never>();
                builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = TimeSpan.FromHours(1));
            });
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Task<HttpResponseMessage> request = client.GetAsync("/");
        await arrived.Task.Soon();
        Task stopped = app.App.StopAsync();
        await clock.Armed.Soon();
        clock.Advance(timeout - TimeSpan.FromMilliseconds(1));
        Assert.False(request.IsCompleted);
        Assert.False(stopped.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        using HttpResponseMessage response = await request.Soon();
        Assert.NotEqual(HttpStatusCode.OK, response.StatusCode);
        app.Services.GetRequiredService<Never>().End();
        await stopped.Soon();
    }

    [Fact]
    public async Task A_stop_waits_for_a_connection_to_an_upstream_for_DrainTimeout_and_no_longer()
    {
        // Less than the time that an idle connection gets.
        var timeout = TimeSpan.FromMilliseconds(4_321);
        WatchedClock clock = new(timeout);
        await using TestApp gateway = await AgentGateway.StartAsync(Route);
        using TcpListener upstream = new(IPAddress.Loopback, 0);
        upstream.Start();
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7,
            configure: o =>
            {
                Forward(o, upstream);
                o.DrainTimeout = timeout;
            },
            build: builder => builder.Services.AddSingleton<TimeProvider>(clock));
        await gateway.AgentsAsync(1);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(GatewayClient.Options(gateway.Port)).Soon();
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync(Service, 7).Soon();
        using TcpClient accepted = await upstream.AcceptTcpClientAsync().WaitAsync(Wait.Timeout);
        Task stopped = app.App.StopAsync();
        await clock.Armed.Soon();
        clock.Advance(timeout - TimeSpan.FromMilliseconds(1));
        await accepted.GetStream().WriteAsync("x"u8.ToArray());
        await channel.ReadExactlyAsync(new byte[1]).AsTask().Soon();
        Assert.False(stopped.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await stopped.Soon();
        Assert.True(await EndsAsync(channel));
    }

    [Fact]
    public async Task Each_registration_has_one_session_and_no_other()
    {
        int connections = 0;
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, configure: o =>
        {
            o.Sessions = 3;
            o.ConnectTimeout = Wait.Timeout;
            o.ConnectCallback = async (endPoint, cancellationToken) =>
            {
                Interlocked.Increment(ref connections);
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(endPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            };
        });
        await gateway.AgentsAsync(3);
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async _ =>
        {
            using HttpClient client = gateway.Client();
            Assert.Equal("a", await client.GetStringAsync("/"));
        })).Soon();
        await CountsAsync();
        // A lost session is opened again, and only that one.
        Assert.True(gateway.Services.GetRequiredService<IMtaTlsAgents>().End(gateway.Agents()[0].Id));
        await Wait.UntilAsync(() => app.Messages("Registered").Length >= 4);
        await gateway.AgentsAsync(3);
        await CountsAsync();
        // Draining is announced on the session that registered.
        int before = Volatile.Read(ref connections);
        await app.App.StopAsync();
        Assert.Equal(before, connections);

        // On a busy machine an attempt may fail, and it used a connection too. The client below then logs the same event once more.
        Task CountsAsync() => Wait.UntilAsync(() => Volatile.Read(ref connections) == app.Messages("Registered").Length
            + app.Logs.GetSnapshot().Count(static r => r.Category == "MtaTls.Agent" && r.Id.Name == "ConnectFailed"));
    }

    [Fact]
    public async Task After_a_go_away_an_agent_drains_and_ends_its_registration_on_a_new_session()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(
            AgentGateway.Settings(""" "DrainTimeout": "00:10:00" """), builder => builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = TimeSpan.FromHours(1)));
        await using RawAgent agent = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        await gateway.AgentsAsync(1);
        using CancellationTokenSource now = new();
        Task stopped = gateway.App.StopAsync(now.Token);
        await Wait.UntilAsync(() => agent.Session.IsPeerGoingAway);
        await using (RawClient stranger = await RawClient.ConnectAsync(gateway.Port, static tls => tls.ClientCertificate = TestCertificates.OtherClient))
        {
            Assert.Equal(404, await RawAgent.SendAsync(stranger, "PATCH", agent.Id, """{ "draining": true }"""));
            Assert.False(Assert.Single(gateway.Agents()).IsDraining);
        }

        await using (RawClient again = await RawClient.ConnectAsync(gateway.Port, static tls => tls.ClientCertificate = TestCertificates.Client))
        {
            Assert.Equal(204, await RawAgent.SendAsync(again, "PATCH", agent.Id, """{ "draining": true }"""));
            Assert.True(Assert.Single(gateway.Agents()).IsDraining);
            Assert.Equal(204, await RawAgent.SendAsync(again, "DELETE", agent.Id));
            Assert.Empty(gateway.Agents());
        }

        await now.CancelAsync();
        await stopped.Soon();
    }

    [Fact]
    public async Task Health_checks_of_both_ends_show_whether_agents_are_registered_and_may_register()
    {
        TestApp gateway = await AgentGateway.StartAsync(
            AgentGateway.Settings(""" "DrainTimeout": "00:00:00" """), builder => builder.Services.AddHealthChecks().AddMtaTlsAgents());
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7, build: builder => builder.Services.AddHealthChecks().AddMtaTlsAgent(failureStatus: HealthStatus.Unhealthy));
        await gateway.AgentsAsync(1);
        await HealthAsync(app, HealthStatus.Healthy, "1 of 1 sessions are registered with a gateway.");
        HealthReportEntry ofGateway = await HealthAsync(gateway, HealthStatus.Healthy, "1 agents are registered.");
        Assert.Equal(1, ofGateway.Data["registrations"]);
        Assert.Equal(0, ofGateway.Data["draining"]);
        await gateway.App.StopAsync();
        await HealthAsync(gateway, HealthStatus.Unhealthy, "The gateway is stopping; its agents move to other gateways.");
        HealthReportEntry ofAgent = await HealthAsync(app, HealthStatus.Unhealthy, "0 of 1 sessions are registered with a gateway.");
        Assert.NotNull(ofAgent.Data["session0"]);
        await gateway.DisposeAsync();
    }

    [Fact]
    public async Task An_agent_with_some_of_its_sessions_is_degraded()
    {
        await using TestApp gateway = await AgentGateway.StartAsync("""
            { "MtaTls": { "Agents": { "Rules": [ { "Names": [ "plant7.internal" ], "MaxAgents": 1, "ClientCertificate": { "SubjectAlternativeNames": [ "client.test" ] } } ] } } }
            """);
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7, configure: static o => o.Sessions = 2, build: static builder => builder.Services.AddHealthChecks().AddMtaTlsAgent());
        HealthReportEntry entry = await HealthAsync(app, HealthStatus.Degraded, "1 of 2 sessions are registered with a gateway.");
        Assert.Equal(2, entry.Data.Count);
    }

    private static async Task<HealthReportEntry> HealthAsync(TestApp app, HealthStatus status, string description)
    {
        HealthCheckService service = app.Services.GetRequiredService<HealthCheckService>();
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (true)
        {
            HealthReportEntry entry = Assert.Single((await service.CheckHealthAsync(hang.Token)).Entries).Value;
            if (entry.Status == status && entry.Description == description)
            {
                return entry;
            }

            await Task.Delay(10, hang.Token);
        }
    }

    private static void Forward(MtaTlsAgentOptions options, TcpListener upstream)
        => options.Forward.Add(new MtaTlsAgentForwardOptions { Name = $"{Service}:7", Upstream = upstream.LocalEndpoint.ToString()! });

    private static async Task<bool> TryOpenAsync(MtaTlsClient client)
    {
        try
        {
            await using MtaTlsClientChannel channel = await client.OpenChannelAsync(Service, 7).Soon();
            return true;
        }
        catch (MtaTlsChannelRefusedException)
        {
            return false;
        }
    }

    private static async Task<bool> EndsAsync(MtaTlsClientChannel channel)
    {
        try
        {
            return await channel.ReadAsync(new byte[1]).Soon() == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Blocks a handler until the test releases it.</summary>
    private sealed class Never : IDisposable
    {
        private readonly CancellationTokenSource _end = new();

        public CancellationToken Token => _end.Token;

        public void End() => _end.Cancel();

        public void Dispose() => _end.Dispose();
    }
}
