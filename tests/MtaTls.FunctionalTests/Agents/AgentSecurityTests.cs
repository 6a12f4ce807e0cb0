using System.Net;
using System.Text;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>Attacks by a malicious agent, gateway or public client.</summary>
public class AgentSecurityTests
{
    [Fact]
    public async Task A_name_that_the_certificate_does_not_allow_is_refused()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawAgent thief = await RawAgent.RegisterAsync(gateway.Port, ["plant7.internal", "plant7.internal:22", "a.plant7.internal"], static _ => { }, TestCertificates.OtherClient);
        Assert.Equal(403, thief.Status);
        Assert.Contains("\"type\":\"no-name-granted\"", thief.Body, StringComparison.Ordinal);
        Assert.Equal(3, gateway.Messages("NameRefused").Length);
        Assert.Empty(gateway.Agents());
    }

    [Fact]
    public async Task Allowed_names_are_granted_and_others_refused()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawAgent agent = await RawAgent.RegisterAsync(
            gateway.Port, ["Plant7.Internal", "ssh.plant7.internal:22", "*.plant7.internal", "xplant7.internal", "127.0.0.1", "plant8.internal", "a\r\nb", "plant7.internal:0"], static _ => { });
        Assert.Equal(200, agent.Status);
        Assert.Contains("\"granted\":[\"plant7.internal\",\"ssh.plant7.internal:22\"]", agent.Body, StringComparison.Ordinal);
        Assert.Equal(6, gateway.Messages("NameRefused").Length);
        Assert.DoesNotContain(gateway.Messages("NameRefused"), static m => m.Contains('\n', StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_agent_without_a_certificate_gets_no_name()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port);
        await using HttpChannel channel = await client.OpenAsync("localhost", gateway.Port);
        string json = """{ "agent": "a", "instance": "i", "names": [ "plant7.internal" ] }""";
        await channel.SendAsync($"POST /.well-known/mta-tls/agents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n{json}");
        Assert.Equal(403, (await channel.ReadResponseAsync()).Status);
    }

    [Theory]
    [InlineData("MaxNamesPerAgent", 64, 400)]
    [InlineData("MaxAgents", 1, 503)]
    public async Task Limits_hold(string limit, int value, int status)
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings($""" "{limit}": {value} """));
        await using RawAgent first = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        Assert.Equal(200, first.Status);
        string[] names = limit == "MaxNamesPerAgent" ? [.. Enumerable.Range(0, 65).Select(static i => $"n{i}.plant7.internal")] : [AgentGateway.Plant7];
        await using RawAgent second = await RawAgent.RegisterAsync(gateway.Port, names, static _ => { }, instance: "i2");
        Assert.Equal(status, second.Status);
        Assert.Single(gateway.Agents());
        Assert.Contains(gateway.Messages("RegistrationRefused"), m => m.Contains(limit, StringComparison.Ordinal));
    }

    /// <summary>An agent of another hand that sends everything before it reads: it gets the answer all the same.</summary>
    [Fact]
    public async Task A_registration_that_is_too_long_is_refused_with_the_limit()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        string[] names = [.. Enumerable.Range(0, 20_000).Select(static i => $"{new string('n', 63)}.{new string('m', 63)}.n{i}.plant7.internal")];
        await using RawAgent agent = await RawAgent.RegisterAsync(gateway.Port, names, static _ => { });
        Assert.Equal(400, agent.Status);
        Assert.Contains("MaxNamesPerAgent (64)", agent.Body, StringComparison.Ordinal);
        Assert.Empty(gateway.Agents());
        Assert.Contains("MaxNamesPerAgent (64)", Assert.Single(await gateway.LoggedAsync("RegistrationRefused")), StringComparison.Ordinal);
    }

    /// <summary>HttpClient of the agent gives up when it can't send all, so the gateway must take it.</summary>
    [Fact]
    public async Task An_agent_whose_registration_is_too_long_is_told_so()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, configure: static options =>
        {
            foreach (int i in Enumerable.Range(0, 20_000))
            {
                options.Names.Add($"{new string('n', 63)}.{new string('m', 63)}.n{i}.plant7.internal");
            }
        });
        Assert.Contains("answered 400 Bad Request: The registration is longer than MaxNamesPerAgent (64) names need", (await app.LoggedAsync("RegistrationRefused"))[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_many_long_names_are_registered_as_MaxNamesPerAgent_allows()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings(""" "MaxNamesPerAgent": 2000 """));
        string[] names = [.. Enumerable.Range(0, 1_999).Select(static i => $"{new string('a', 63)}.{new string('b', 63)}.{new string('c', 63)}.{i:d45}.plant7.internal")];
        Assert.Equal(253, names[0].Length);
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, configure: options => Array.ForEach(names, options.Names.Add));
        await gateway.AgentsAsync(1);
        Assert.Equal(2_000, gateway.Agents()[0].Names.Count);
    }

    [Fact]
    public async Task A_name_has_no_more_agents_than_its_rule_allows()
    {
        await using TestApp gateway = await AgentGateway.StartAsync("""
            { "MtaTls": { "Agents": { "Rules": [ { "Names": [ "plant7.internal" ], "MaxAgents": 1, "ClientCertificate": { "SubjectAlternativeNames": [ "client.test" ] } } ] } } }
            """);
        await using RawAgent first = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        await using RawAgent second = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { }, instance: "i2");
        Assert.Equal((200, 403), (first.Status, second.Status));
        // The same instance replaces only itself.
        await using RawAgent again = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        Assert.Equal(200, again.Status);
    }

    [Fact]
    public async Task A_registration_of_another_session_can_be_neither_drained_nor_ended()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawAgent agent = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        await using RawAgent other = await RawAgent.RegisterAsync(gateway.Port, ["plant8.internal"], static _ => { }, TestCertificates.OtherClient);
        Assert.Equal(404, await other.SendAsync("DELETE", agent.Id));
        Assert.Equal(404, await other.SendAsync("PATCH", agent.Id, """{ "draining": true }"""));
        Assert.Equal(2, gateway.Agents().Count(static a => !a.IsDraining));
        Assert.Equal(204, await agent.SendAsync("DELETE", agent.Id));
        await gateway.AgentsAsync(1);
    }

    [Fact]
    public async Task Ordinary_HTTPS_cannot_register()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        using HttpClient client = gateway.Client("localhost");
        using HttpResponseMessage response = await client.PostAsync("/.well-known/mta-tls/agents", new StringContent("{}", Encoding.UTF8, "application/json")).Soon();
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("\"type\":\"not-multiplexed\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{ "agent": "a" }""")]
    [InlineData("""{ "agent": "a b", "instance": "i", "names": [ "plant7.internal" ] }""")]
    [InlineData("""{ "agent": "a", "instance": "i", "names": [ "plant7.internal" ], "weight": 17 }""")]
    [InlineData("""{ "agent": "a", "instance": "i", "names": [ null ] }""")]
    public async Task An_invalid_registration_is_refused(string json)
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using RawClient client = await RawClient.ConnectAsync(gateway.Port, static tls => tls.ClientCertificate = TestCertificates.Client);
        await using HttpChannel channel = await client.OpenAsync("localhost", gateway.Port);
        await channel.SendAsync($"POST /.well-known/mta-tls/agents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n{json}");
        Assert.InRange((await channel.ReadResponseAsync()).Status, 400, 403);
        Assert.Empty(gateway.Agents());
    }

    [Fact]
    public async Task An_authorization_policy_decides_about_names()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(
            """{ "MtaTls": { "Agents": { "Rules": [ { "Names": [ "*.internal" ], "Policy": "tenant" } ] } } }""",
            builder =>
            {
                builder.Services.AddAuthentication();
                builder.Services.AddAuthorizationBuilder().AddPolicy("tenant", policy => policy.RequireAssertion(context => context.Resource is "plant7.internal"));
            });
        await using RawAgent agent = await RawAgent.RegisterAsync(gateway.Port, ["plant7.internal", "plant8.internal"], static _ => { });
        Assert.Equal(200, agent.Status);
        Assert.Contains("\"granted\":[\"plant7.internal\"]", agent.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("other.internal", 80)]
    [InlineData("plant7.internal", 22)]
    [InlineData("127.0.0.1", 80)]
    [InlineData("localhost", 5000)]
    public async Task A_gateway_reaches_nothing_that_the_agent_has_not_registered(string host, int port)
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7);
        await gateway.AgentsAsync(1);
        AgentRegistration registration = Assert.Single(gateway.Services.GetRequiredService<AgentRegistry>().All);
        await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(
            async () => await registration.Session.Session.OpenChannelAsync(new ChannelAddress("192.0.2.1", 1), new ChannelAddress(host, port)).Soon());
        Assert.Single(app.Messages("NotRegistered"));
    }

    [Fact]
    public async Task Tenants_get_their_own_requests_and_no_others()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp seven = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: "seven");
        await using TestApp eight = await AgentApp.StartAsync(gateway.Port, "plant8.internal", agent: "eight", certificate: TestCertificates.OtherClient);
        await gateway.AgentsAsync(2);
        using HttpClient toSeven = gateway.Client(), toEight = gateway.Client("plant8.example.test");
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal("seven", await toSeven.GetStringAsync("/").Soon());
            Assert.Equal("eight", await toEight.GetStringAsync("/").Soon());
        }

        // A tenant without agents does not get the agents of another tenant.
        await eight.App.StopAsync();
        using HttpRequestMessage request = new(HttpMethod.Get, "/");
        request.Headers.Host = "plant7.internal";
        using HttpResponseMessage response = await toSeven.SendAsync(request).Soon();
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task A_flood_for_one_agent_is_limited_and_leaves_other_names_alone()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings("""  "MaxChannelsPerAgent": 2, "WaitForAgent": "00:00:00.500" """));
        await using RawAgent stuck = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static request => request.Accept());
        await using TestApp eight = await AgentApp.StartAsync(gateway.Port, "plant8.internal", agent: "eight", certificate: TestCertificates.OtherClient);
        await gateway.AgentsAsync(2);
        using HttpClient flood = gateway.Client(), other = gateway.Client("plant8.example.test");
        using CancellationTokenSource stop = new();
        Task<HttpResponseMessage>[] requests = [.. Enumerable.Range(0, 10).Select(_ => flood.GetAsync("/", stop.Token))];
        await Wait.UntilAsync(() => requests.Count(static r => r.IsCompletedSuccessfully && r.Result.StatusCode == HttpStatusCode.ServiceUnavailable) >= 8);
        Assert.Equal(2, gateway.Agents().Single(static a => a.Agent == "raw").ActiveChannels);
        Assert.Equal("eight", await other.GetStringAsync("/").Soon());
        await stop.CancelAsync();
    }
}
