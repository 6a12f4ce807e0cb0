using System.Collections.Concurrent;
using System.Net;
using MtaTls.FunctionalTests.Liveness;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>Failures of an agent, a gateway, or the network between them.</summary>
public class AgentFailureTests
{
    [Fact]
    public async Task Agents_that_restart_one_after_another_lose_no_request_and_repeat_no_POST()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings("""  "WaitForAgent": "00:01:00" """, """ "LoadBalancingPolicy": "PowerOfTwoChoices", """));
        ConcurrentDictionary<string, int> posts = new(StringComparer.Ordinal);
        Task<TestApp> Start(string agent) => AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7, app => app.MapPost("/{id}", (string id) =>
            {
                posts.AddOrUpdate(id, 1, static (_, n) => n + 1);
                return agent;
            }),
            agent: agent);
        TestApp[] agents = [await Start("one"), await Start("two"), await Start("three")];
        try
        {
            await gateway.AgentsAsync(3);
            using HttpClient client = gateway.Client();
            using CancellationTokenSource stop = new();
            int sent = 0;
            Task[] load = [.. Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
            {
                for (int i = 0; !stop.IsCancellationRequested; i++)
                {
                    using StringContent body = new("body");
                    using HttpResponseMessage response = await client.PostAsync($"/{worker}-{i}", body).Soon();
                    Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                    Interlocked.Increment(ref sent);
                }
            }))];
            for (int i = 0; i < 3; i++)
            {
                int before = Volatile.Read(ref sent);
                await Wait.UntilAsync(() => Volatile.Read(ref sent) > before + 50 || load.Any(static t => t.IsFaulted));
                await agents[i].StopAsync();
                await agents[i].DisposeAsync();
                agents[i] = await Start($"again{i}");
                await gateway.AgentsAsync(3);
            }

            await stop.CancelAsync();
            await Task.WhenAll(load).Soon();
            Assert.Equal(sent, posts.Count);
            Assert.All(posts, static p => Assert.Equal(1, p.Value));
        }
        finally
        {
            foreach (TestApp agent in agents)
            {
                await agent.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_gateway_that_hangs_during_the_registration_does_not_delay_the_next_one()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        int ended = 0;
        // It accepts the channel of the registration, and answers nothing after that but pings.
        await using RawServer hanging = new(async (tls, packets) =>
        {
            while (await packets.ReadAsync() is var (type, body))
            {
                if (type == PacketType.ChannelEstablishmentRequest)
                {
                    var open = ChannelEstablishmentRequest.Read(body);
                    if (open.DestinationAddressMachine.SequenceEqual("ping.mta-tls.invalid"u8))
                    {
                        packets.WriteRefusal(open.SenderChannelId, "Received");
                    }
                    else
                    {
                        packets.WriteSuccess(open.SenderChannelId, 1);
                    }

                    await tls.FlushAsync();
                }
            }

            Interlocked.Increment(ref ended);
        });
        await using TestApp agent = await AgentApp.StartAsync(hanging.Port, AgentGateway.Plant7, configure: options =>
        {
            options.Gateways.Add($"https://127.0.0.1:{gateway.Port}");
            options.ConnectTimeout = TimeSpan.FromSeconds(2);
            options.DrainTimeout = options.Limits.CloseTimeout = TimeSpan.FromHours(1);
        });
        await gateway.AgentsAsync(1);
        Assert.NotEqual(0, hanging.Connections);
        // DrainTimeout is for connections in use. The abandoned session has none, so it ends soon.
        await Wait.UntilAsync(() => Volatile.Read(ref ended) > 0);
    }

    [Fact]
    public async Task A_lost_agent_costs_its_requests_in_flight_and_a_GET_uses_another_agent()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        TaskCompletionSource<MtaTlsChannel> arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using RawAgent lost = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], request => arrived.TrySetResult(request.Accept()));
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Task<string> get = client.GetStringAsync("/");
        await arrived.Task.Soon();
        await using TestApp other = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: "other");
        await gateway.AgentsAsync(2);
        lost.Kill();
        Assert.Equal("other", await get.Soon());
    }

    [Fact]
    public async Task A_POST_that_a_lost_agent_had_received_fails_and_is_not_sent_again()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        TaskCompletionSource<MtaTlsChannel> arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using RawAgent lost = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], request => arrived.TrySetResult(request.Accept()));
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Task<HttpResponseMessage> post = client.PostAsync("/", new StringContent("body"));
        await using HttpChannel channel = new(await arrived.Task.Soon());
        Assert.Contains("POST / ", await channel.ReadResponseHeadAsync(), StringComparison.Ordinal);
        int seen = 0;
        await using TestApp other = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, app => app.MapPost("/", () => Interlocked.Increment(ref seen)));
        await gateway.AgentsAsync(2);
        lost.Kill();
        using HttpResponseMessage response = await post.Soon();
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(0, seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_POST_without_a_body_is_not_sent_again_either_when_a_connection_in_use_ends(bool inOrder)
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        int posts = 0;
        RawAgent? agent = null;
        await using (agent = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], async request =>
        {
            await using HttpChannel channel = new(request.Accept());
            while (await channel.ReadResponseHeadAsync() is { } head)
            {
                if (head.StartsWith("POST", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref posts);
                    if (!inOrder)
                    {
                        agent!.Kill();
                    }

                    return;
                }

                await channel.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        }))
        {
            await gateway.AgentsAsync(1);
            using HttpClient client = gateway.Client();
            Assert.Equal("ok", await client.GetStringAsync("/").Soon());
            // HttpClient sends Content-Length: 0, which YARP forwards as content; curl sends no Content-Length.
            (int exitCode, string status) = await Tool.RunAsync(
                "curl", "", "-sS", "-k", "-X", "POST", "-o", "/dev/null", "-w", "%{http_code}", "--resolve", $"plant7.example.test:{gateway.Port}:127.0.0.1", $"https://plant7.example.test:{gateway.Port}/");
            Assert.Equal((0, "502"), (exitCode, status));
            Assert.Equal(1, posts);
        }
    }

    [Fact]
    public async Task If_an_agent_refuses_an_open_another_agent_gets_the_request_also_a_POST()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawAgent refusing = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static request => request.Refuse("no"));
        await using TestApp other = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7, app => app.MapPost("/", async (Stream body) => "other " + await new StreamReader(body).ReadToEndAsync()));
        await gateway.AgentsAsync(2);
        for (int i = 0; i < 10; i++)
        {
            using HttpClient client = gateway.Client();
            using HttpResponseMessage response = await client.PostAsync("/", new StringContent("body")).Soon();
            Assert.Equal("other body", await response.Content.ReadAsStringAsync());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public async Task Agents_that_refuse_opens_for_a_short_time_are_tried_again_if_there_is_no_other(int agents)
    {
        string rules = """
            "Rules": [ { "Names": [ "plant7.internal" ], "MaxAgents": 20, "ClientCertificate": { "SubjectAlternativeNames": [ "dns:client.test" ] } } ]
            """;
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings(""" "WaitForAgent": "00:01:00" """, rules: rules));
        int opens = 0, refusals = 2 * agents;
        List<RawAgent> registered = [];
        try
        {
            for (int i = 0; i < agents; i++)
            {
                registered.Add(await RawAgent.RegisterAsync(
                    gateway.Port, [AgentGateway.Plant7],
                    request =>
                    {
                        if (Interlocked.Increment(ref opens) <= refusals)
                        {
                            request.Refuse("not now");
                        }
                        else
                        {
                            RawAgent.Serve(request, "served");
                        }
                    },
                    agent: $"a{i}"));
            }

            await gateway.AgentsAsync(agents);
            using HttpClient client = gateway.Client();
            using HttpResponseMessage response = await client.PostAsync("/", new StringContent("")).Soon();
            Assert.Equal("served", await response.Content.ReadAsStringAsync());
        }
        finally
        {
            foreach (RawAgent agent in registered)
            {
                await agent.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task If_an_agent_does_not_answer_an_open_in_time_another_agent_gets_the_request()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings("""  "OpenTimeout": "00:00:10" """));
        await using RawAgent silent = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        await using TestApp other = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: "other");
        await gateway.AgentsAsync(2);
        await Wait.UntilAsync(() =>
        {
            using HttpClient client = gateway.Client();
            Assert.Equal("other", client.GetStringAsync("/").GetAwaiter().GetResult());
            return gateway.Messages("OpenFailed").Length > 0;
        });
    }

    [Fact]
    public async Task The_same_instance_replaces_its_old_session_at_once()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawAgent old = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        await using RawAgent again = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static request => RawAgent.Serve(request, "again"));
        Assert.Equal(200, again.Status);
        await Assert.ThrowsAnyAsync<IOException>(() => old.Session.Completion.Soon());
        Assert.Equal(again.Id, Assert.Single(gateway.Agents()).Id);
        string replaced = Assert.Single(await gateway.LoggedAsync("AgentReplaced"));
        Assert.All([old.Id, again.Id], id => Assert.Contains(id, replaced, StringComparison.Ordinal));
        using HttpClient client = gateway.Client();
        Assert.Equal("again", await client.GetStringAsync("/").Soon());
    }

    [Fact]
    public async Task Another_identity_does_not_replace_an_instance()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawAgent one = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        await using RawAgent two = await RawAgent.RegisterAsync(gateway.Port, ["plant8.internal"], static _ => { }, TestCertificates.OtherClient);
        Assert.Equal((200, 200), (one.Status, two.Status));
        Assert.Equal(2, gateway.Agents().Count);
        Assert.False(one.Session.Completion.IsCompleted);
    }

    [Fact]
    public async Task The_end_of_the_answers_channel_ends_the_registration()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawAgent agent = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        await gateway.AgentsAsync(1);
        await agent.EndRegistrationAsync();
        await gateway.AgentsAsync(0);
    }

    [Fact]
    public async Task An_agent_that_drains_gets_no_further_request()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawAgent leaving = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static request => RawAgent.Serve(request, "leaving"));
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Assert.Equal("leaving", await client.GetStringAsync("/").Soon());
        await using TestApp other = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: "other");
        await gateway.AgentsAsync(2);
        Assert.Equal(204, await leaving.SendAsync("PATCH", leaving.Id, """{ "draining": true }"""));
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("other", await client.GetStringAsync("/").Soon());
        }
    }

    [Fact]
    public async Task Agents_of_a_gateway_that_stops_register_with_another()
    {
        await using TestApp second = await AgentGateway.StartAsync();
        TestApp first = await AgentGateway.StartAsync(AgentGateway.Settings("""  "DrainTimeout": "00:00:02" """));
        await using TestApp app = await AgentApp.StartAsync(first.Port, AgentGateway.Plant7, configure: options => options.Gateways.Add($"https://127.0.0.1:{second.Port}"));
        await first.AgentsAsync(1);
        Assert.Empty(second.Agents());
        await first.App.StopAsync();
        await second.AgentsAsync(1);
        await first.DisposeAsync();
        using HttpClient client = second.Client();
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
    }

    [Fact]
    public async Task Agents_register_again_with_a_gateway_that_restarts()
    {
        int port = FreePort.Find();
        TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings("""  "DrainTimeout": "00:00:00" """), port: port);
        await using TestApp app = await AgentApp.StartAsync(port, AgentGateway.Plant7);
        await gateway.AgentsAsync(1);
        await gateway.DisposeAsync();
        // An attempt may still have met the gateway that was stopping.
        await Wait.UntilAsync(() => app.Logs.GetSnapshot().Any(static r => r.Id.Name == "ConnectFailed" && r.Message.Contains("Connection refused", StringComparison.Ordinal)));
        await using TestApp again = await AgentGateway.StartAsync(port: port);
        await again.AgentsAsync(1);
    }

    [Fact]
    public async Task An_operator_can_list_drain_and_end_agents()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        IMtaTlsAgents agents = gateway.Services.GetRequiredService<IMtaTlsAgents>();
        await using RawAgent agent = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        MtaTlsAgentInfo info = Assert.Single(agents.List());
        Assert.Equal(("raw", "CN=Test Root|CN=client"), (info.Agent, info.Identity));
        Assert.True(await agents.DrainAsync(info.Id, TimeSpan.FromSeconds(5)));
        Assert.True(Assert.Single(agents.List()).IsDraining);
        Assert.True(agents.End(info.Id));
        await Assert.ThrowsAnyAsync<IOException>(() => agent.Session.Completion.Soon());
        Assert.False(agents.End(info.Id));
        Assert.False(await agents.DrainAsync("0", TimeSpan.Zero));
    }
}
