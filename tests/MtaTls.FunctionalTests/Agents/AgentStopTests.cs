using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using MtaTls.Agent;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.FunctionalTests.Liveness;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>A stop of an agent or a gateway waits for requests and connections in use, and for nothing else.</summary>
public class AgentStopTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromHours(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_gateway_that_stops_waits_for_its_agents_and_no_longer(bool hasDelay)
    {
        GatedTime delay = new(TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(5));
        await using TestApp gateway = await AgentGateway.StartAsync(
            AgentGateway.Settings(""" "DrainTimeout": "00:10:00" """),
            builder =>
            {
                builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = TimeSpan.FromHours(1));
                builder.Services.AddSingleton<TimeProvider>(delay);
                builder.Configuration["MtaTls:Shutdown:Delay"] = hasDelay ? "00:05:00" : "00:00:00";
            });
        await using RawAgent agent = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        await gateway.AgentsAsync(1);
        Task stopped = gateway.App.StopAsync();
        await Wait.UntilAsync(() => agent.Session.IsPeerGoingAway);
        // Agents have DrainTimeout, which is longer than the delay.
        Assert.Contains("stops in 600 s", Assert.Single(gateway.Messages("ServerStopping")), StringComparison.Ordinal);
        Assert.False(stopped.IsCompleted);
        await agent.EndRegistrationAsync();
        if (hasDelay)
        {
            await Wait.UntilAsync(() => delay.Waiting > 0);
            Assert.False(stopped.IsCompleted);
            delay.Open();
        }

        await stopped.Soon();
    }

    [Fact]
    public async Task An_agent_that_stops_does_not_wait_for_connections_without_a_request()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp app = await StartAppAsync(gateway.Port);
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
        // SocketsHttpHandler sometimes opens a connection, and then sends the request on another that has become free meanwhile.
        await using MtaTlsAgentChannel silent = await OpenSilentAsync(gateway);
        await app.App.StopAsync().Soon();
    }

    [Fact]
    public async Task A_draining_session_ends_when_its_requests_have_ended()
    {
        await using TestApp second = await AgentGateway.StartAsync();
        await using TestApp first = await AgentGateway.StartAsync(AgentGateway.Settings(""" "DrainTimeout": "00:00:01" """), LongStop);
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously), goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestApp app = await StartAppAsync(
            first.Port, second.Port,
            map => map.MapGet("/{**path}", async (string? path) =>
            {
                if (path == "busy")
                {
                    arrived.SetResult();
                    await goOn.Task;
                }

                return "a";
            }));
        await first.AgentsAsync(1);
        using HttpClient client = first.Client();
        Task<string> busy = client.GetStringAsync("/busy");
        await arrived.Task.Soon();
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
        await using MtaTlsAgentChannel silent = await OpenSilentAsync(first);
        Task stopped = first.App.StopAsync();
        // Requests that the first gateway still serves do not keep the agent from registering with the second.
        await second.AgentsAsync(1);
        Assert.False(busy.IsCompleted);
        Assert.False(stopped.IsCompleted);
        goOn.SetResult();
        Assert.Equal("a", await busy.Soon());
        await stopped.Soon();
    }

    [Fact]
    public async Task A_registration_that_the_gateway_ends_is_made_again_while_its_session_still_serves()
    {
        await using TestApp second = await AgentGateway.StartAsync();
        // With a DrainTimeout of zero, the gateway does not wait for agents. The time in which they confirm the last closes is over as soon as it begins.
        await using TestApp first = await AgentGateway.StartAsync(
            AgentGateway.Settings(""" "DrainTimeout": "00:00:00" """),
            static builder =>
            {
                LongStop(builder);
                builder.Services.AddSingleton<TimeProvider>(new HastyTime(TimeSpan.FromSeconds(5)));
            });
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously), goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestApp app = await StartAppAsync(
            first.Port, second.Port,
            map => map.MapGet("/", async () =>
            {
                arrived.SetResult();
                await goOn.Task;
                return "a";
            }));
        await first.AgentsAsync(1);
        using HttpClient client = first.Client();
        Task<string> busy = client.GetStringAsync("/");
        await arrived.Task.Soon();
        // A connection without a request does not delay the stop.
        await using MtaTlsAgentChannel silent = await OpenSilentAsync(first);
        Task stopped = first.App.StopAsync();
        await second.AgentsAsync(1);
        await Wait.UntilAsync(() => first.Logs.GetSnapshot().Any(static r => r.Id.Name == "SessionShutdown"));
        Assert.False(busy.IsCompleted);
        goOn.SetResult();
        Assert.Equal("a", await busy.Soon());
        await stopped.Soon();
    }

    [Fact]
    public async Task Connections_on_a_session_that_an_agent_leaves_go_on_while_neither_end_stops()
    {
        await using TestApp second = await AgentGateway.StartAsync();
        await using TestApp first = await AgentGateway.StartAsync();
        var lines = Channel.CreateUnbounded<string>();
        await using TestApp app = await AgentApp.StartAsync(
            first.Port, AgentGateway.Plant7, map => map.MapGet("/", context => WriteAsync(context, lines.Reader)),
            options =>
            {
                // A stop of the app would end connections at once.
                options.DrainTimeout = TimeSpan.Zero;
                options.Gateways.Add($"https://127.0.0.1:{second.Port}");
            });
        await first.AgentsAsync(1);
        using HttpClient client = first.Client();
        await using Stream stream = await client.GetStreamAsync("/").Soon();
        await stream.ReadExactlyAsync(new byte["begin".Length]).AsTask().Soon();
        await using MtaTlsAgentChannel silent = await OpenSilentAsync(first);
        string session = first.Services.GetRequiredService<IMtaTlsSessions>().List().Single().SessionId;
        Assert.True(await first.Services.GetRequiredService<IMtaTlsAgents>().DrainAsync(first.Agents()[0].Id, TimeSpan.Zero));
        await second.AgentsAsync(1);
        await Wait.UntilAsync(() => first.Agents().Count == 0);
        foreach (string line in (string[])["one", "two", "three"])
        {
            await lines.Writer.WriteAsync(line);
            byte[] received = new byte[line.Length];
            await stream.ReadExactlyAsync(received).AsTask().Soon();
            Assert.Equal(line, Encoding.ASCII.GetString(received));
        }

        // With its last request the session ends, and the silent connection does not keep it.
        lines.Writer.Complete();
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().Soon());
        await Wait.UntilAsync(() => first.Services.GetRequiredService<IMtaTlsSessions>().Find(session) is null);
    }

    [Fact]
    public async Task A_gateway_that_stops_does_not_wait_for_idle_connections_to_TCP_services()
    {
        const string Route = """
            { "MtaTls": {
                "Channels": [ { "Hosts": [ "*.plant7.internal" ], "Action": "Agent", "AllowAnonymous": true } ],
                "Agents": { "Rules": [ { "Names": [ "plant7.internal", "*.plant7.internal" ], "ClientCertificate": { "SubjectAlternativeNames": [ "client.test" ] } } ] } } }
            """;
        await using TestApp second = await AgentGateway.StartAsync();
        await using TestApp first = await AgentGateway.StartAsync(Route, LongStop);
        using TcpListener service = new(IPAddress.Loopback, 0);
        service.Start();
        await using TestApp app = await AgentApp.StartAsync(
            first.Port, AgentGateway.Plant7,
            configure: options =>
            {
                options.DrainTimeout = s_long;
                options.Gateways.Add($"https://127.0.0.1:{second.Port}");
                options.Forward.Add(new MtaTlsAgentForwardOptions { Name = "echo.plant7.internal:7", Upstream = service.LocalEndpoint.ToString()! });
            },
            build: builder =>
            {
                LongStop(builder);
                builder.Services.AddSingleton<TimeProvider>(new HastyTime(TimeSpan.FromSeconds(5)));
            });
        await first.AgentsAsync(1);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(GatewayClient.Options(first.Port)).Soon();
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync("echo.plant7.internal", 7).Soon();
        using TcpClient served = await service.AcceptTcpClientAsync().Soon();
        await first.App.StopAsync().Soon();
    }

    [Fact]
    public async Task An_agent_whose_session_somebody_ends_registers_on_another_one()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings(""" "WaitForAgent": "00:02:00" """));
        await using TestApp app = await StartAppAsync(gateway.Port, map: map => map.MapGet("/", () => "a"));
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
        IMtaTlsSessions sessions = gateway.Services.GetRequiredService<IMtaTlsSessions>();
        string session = sessions.List().Single().SessionId;
        Assert.True(sessions.End(session));
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
        await Wait.UntilAsync(() => sessions.Find(session) is null);
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
    }

    /// <summary>Writes a response that lasts until the lines end.</summary>
    private static async Task WriteAsync(HttpContext context, ChannelReader<string> lines)
    {
        await context.Response.WriteAsync("begin");
        await foreach (string line in lines.ReadAllAsync())
        {
            await context.Response.WriteAsync(line);
        }
    }

    private static void LongStop(WebApplicationBuilder builder) => builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = s_long);

    private static Task<TestApp> StartAppAsync(int gateway, int? other = null, Action<WebApplication>? map = null)
        => AgentApp.StartAsync(
            gateway, AgentGateway.Plant7, map,
            options =>
            {
                options.DrainTimeout = s_long;
                if (other is { } port)
                {
                    options.Gateways.Add($"https://127.0.0.1:{port}");
                }
            },
            build: LongStop);

    /// <summary>A connection of the gateway to the agent on which nothing is sent.</summary>
    private static async Task<MtaTlsAgentChannel> OpenSilentAsync(TestApp gateway)
    {
        AgentMember member = gateway.Services.GetRequiredService<IAgentDirectory>().Find(AgentGateway.Plant7)[0];
        return await gateway.Services.GetRequiredService<IAgentConnector>().OpenAsync(member, default).Soon();
    }
}
