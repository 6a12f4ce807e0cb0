using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using MtaTls.Agent;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>An app without any port is served through a gateway, with real Kestrel and real YARP at both ends.</summary>
public class AgentTests
{
    [Fact]
    public async Task An_app_that_opens_no_port_is_served_through_the_gateway()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7);
        await gateway.AgentsAsync(1);
        Assert.DoesNotContain(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses, a => BindingAddress.Parse(a).Port is not 0 and not 80);
        using HttpClient client = gateway.Client();
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
        MtaTlsAgentInfo agent = Assert.Single(gateway.Agents());
        Assert.Equal(["plant7.internal"], agent.Names);
        Assert.Equal("a", agent.Agent);
        Assert.Equal(1, agent.TotalChannels);
    }

    [Fact]
    public async Task The_app_sees_the_public_client_and_the_gateway()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, a => a.MapGet("/", (HttpContext context) =>
        {
            IMtaTlsAgentFeature? feature = context.Features.Get<IMtaTlsAgentFeature>();
            return $"{context.Connection.RemoteIpAddress} {context.Request.Scheme} {context.Request.Host} {feature?.Gateway.Port == gateway.Port} {feature?.PublicClient.Host} {feature?.Destination}";
        }));
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Assert.Equal("127.0.0.1 https plant7.example.test True 127.0.0.1 plant7.internal:80", await client.GetStringAsync("/").Soon());
        // The gateway does not believe the client's own headers.
        using HttpRequestMessage request = new(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", "192.0.2.99");
        using HttpResponseMessage response = await client.SendAsync(request).Soon();
        Assert.StartsWith("127.0.0.1 https", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_ServeLocally_no_endpoint_of_the_app_is_bound_and_with_it_all_are()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        int own = FreePort.Find();
        static void Listen(WebApplicationBuilder builder, int port) => builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port));
        await using (TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, build: b => Listen(b, own)))
        {
            await gateway.AgentsAsync(1);
            Assert.DoesNotContain(IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners(), l => l.Port == own);
        }

        await using TestApp both = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, configure: o => o.ServeLocally = true, build: b => Listen(b, own));
        using HttpClient ordinary = new();
        Assert.Equal("a", await ordinary.GetStringAsync($"http://127.0.0.1:{own}/").Soon());
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
    }

    [Fact]
    public async Task URLs_are_served_beside_the_gateway_with_ServeLocally_and_not_bound_without()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        int own = FreePort.Find();
        await using (TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, build: b => b.WebHost.UseUrls($"http://127.0.0.1:{own}")))
        {
            await gateway.AgentsAsync(1);
            Assert.DoesNotContain(IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners(), l => l.Port == own);
        }

        await using TestApp both = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, configure: o => o.ServeLocally = true, build: b => b.WebHost.UseUrls($"http://127.0.0.1:{own}"));
        using HttpClient ordinary = new();
        Assert.Equal("a", await ordinary.GetStringAsync($"http://127.0.0.1:{own}/").Soon());
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        Assert.Equal("a", await client.GetStringAsync("/").Soon());
    }

    [Fact]
    public async Task Several_agents_share_the_requests_and_one_that_stops_loses_none()
    {
        await using TestApp gateway = await AgentGateway.StartAsync();
        await using TestApp one = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: "one");
        TestApp two = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: "two");
        try
        {
            await gateway.AgentsAsync(2);
            using HttpClient client = gateway.Client();
            HashSet<string> seen = [];
            await Wait.UntilAsync(() =>
            {
                seen.Add(client.GetStringAsync("/").GetAwaiter().GetResult());
                return seen.Count == 2;
            });
        }
        finally
        {
            await two.DisposeAsync();
        }

        using HttpClient after = gateway.Client();
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("one", await after.GetStringAsync("/").Soon());
        }
    }

    [Fact]
    public async Task A_request_waits_for_an_agent_that_restarts()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings("""  "WaitForAgent": "00:01:00" """));
        await using (TestApp first = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, agent: "first"))
        {
            await gateway.AgentsAsync(1);
        }

        await gateway.AgentsAsync(0);
        using HttpClient client = gateway.Client();
        Task<HttpResponseMessage> waiting = client.PostAsync("/", new StringContent("body"));
        await Task.Delay(300);
        Assert.False(waiting.IsCompleted);
        await using TestApp second = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7, a => a.MapPost("/", async (HttpRequest request) => "second " + await new StreamReader(request.Body).ReadToEndAsync()));
        using HttpResponseMessage response = await waiting.Soon();
        Assert.Equal("second body", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Without_an_agent_a_request_is_answered_503_after_the_wait_and_at_once_where_too_many_wait()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings("""  "WaitForAgent": "00:00:01", "MaxWaiting": 1 """));
        using HttpClient client = gateway.Client();
        HttpResponseMessage[] responses = await Task.WhenAll(client.GetAsync("/"), client.GetAsync("/"), client.GetAsync("/")).Soon();
        Assert.All(responses, r =>
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, r.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(1), r.Headers.RetryAfter!.Delta);
        });
        Assert.NotEmpty(await gateway.LoggedAsync("NoAgent"));
        Assert.NotEmpty(await gateway.LoggedAsync("TooManyWaiting"));
    }

    [Fact]
    public async Task Large_bodies_go_both_ways_unchanged()
    {
        await using TestApp gateway = await AgentGateway.StartAsync(configure: static b => b.WebHost.ConfigureKestrel(k => k.Limits.MaxRequestBodySize = null));
        byte[] body = RandomNumberGenerator.GetBytes(32 * 1024 * 1024);
        await using TestApp app = await AgentApp.StartAsync(
            gateway.Port, AgentGateway.Plant7,
            a =>
            {
                a.MapPost("/", async (Stream upload) => Convert.ToHexString(await SHA256.HashDataAsync(upload)));
                a.MapGet("/", () => Results.Bytes(body));
            },
            build: static b => b.WebHost.ConfigureKestrel(k => k.Limits.MaxRequestBodySize = null));
        await gateway.AgentsAsync(1);
        using HttpClient client = gateway.Client();
        using HttpResponseMessage response = await client.PostAsync("/", new ByteArrayContent(body)).Soon();
        Assert.Equal(Convert.ToHexString(SHA256.HashData(body)), await response.Content.ReadAsStringAsync());
        Assert.Equal(SHA256.HashData(body), SHA256.HashData(await client.GetByteArrayAsync("/").Soon()));
    }
}
