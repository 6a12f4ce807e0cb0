using Microsoft.Extensions.Hosting;
using MtaTls.FunctionalTests.Liveness;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>A stop of an agent or a gateway waits for what is in use, and for nothing else.</summary>
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
        // SocketsHttpHandler sometimes connects, and sends the request on another connection that has become free meanwhile.
        await using MtaTlsAgentChannel silent = await OpenSilentAsync(gateway);
        await app.App.StopAsync().Soon();
    }

    [Fact]
    public async Task A_session_that_is_left_ends_when_its_requests_have()
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
        // What the first gateway still serves does not keep the agent from the second.
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
        // Without time to leave, the registration ends at once.
        await using TestApp first = await AgentGateway.StartAsync(AgentGateway.Settings(""" "DrainTimeout": "00:00:00" """), LongStop);
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
        Task stopped = first.App.StopAsync();
        await second.AgentsAsync(1);
        Assert.False(busy.IsCompleted);
        goOn.SetResult();
        Assert.Equal("a", await busy.Soon());
        await stopped.Soon();
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
