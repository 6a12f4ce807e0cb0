using System.Globalization;
using System.Net;
using System.Text.Json;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>The nodes that an agent asks to avoid in its registration, because its other sessions are with them.</summary>
public sealed class AvoidTests
{
    private const string TooMany = "avoid must be a list of at most 64 gateway names";
    private const string NotRead = "The body is not the JSON of a registration.";

    [Fact]
    public async Task An_agent_that_avoids_64_other_nodes_is_served()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), b = await ClusterGateway.StartAsync(redis, "gw-b");
        await using RawAgent agent = await RegisterAsync(a, Nodes(64));
        Assert.Equal(200, agent.Status);
        await a.MembersAsync(1);
        await b.MembersAsync(1);
        foreach (ClusterGateway gateway in (ClusterGateway[])[a, b])
        {
            using HttpClient client = gateway.Client();
            Assert.Equal("raw", await client.GetStringAsync("/").Soon());
        }
    }

    [Fact]
    public async Task An_invalid_list_of_avoided_nodes_is_refused_with_the_reason()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a");
        string longName = new('n', 65);
        (string Avoid, string Detail)[] cases =
        [
            (Nodes(65), TooMany), (Nodes(3_000), TooMany), ($"[\"{longName}\"]", TooMany), ("""[""]""", TooMany), ("""[null]""", TooMany), ("""["gw b"]""", TooMany), ("""["gw-b|1"]""", TooMany),
            ("""["gw-b\r\nx"]""", TooMany), ("""["gw-ü"]""", TooMany), ("\"gw-b\"", NotRead), ("5", NotRead), ("""{"gw-b":1}""", NotRead), ("[1]", NotRead), ("""[["gw-b"]]""", NotRead),
        ];
        foreach ((string avoid, string detail) in cases)
        {
            await using RawAgent agent = await RegisterAsync(a, avoid);
            Assert.Equal((400, "invalid-registration", detail), (agent.Status, Problem(agent, "type"), Problem(agent, "detail")));
        }

        Assert.Empty(a.Agents);
        // Each refusal of valid JSON is logged, and no log line contains the text that the agent sent.
        string[] refused = await a.LoggedAsync("RegistrationRefused", cases.Count(static c => c.Detail == TooMany));
        Assert.All(refused, static m => Assert.Contains(TooMany, m, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_gateway_that_an_agent_avoids_answers_with_its_name()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a");
        await using RawAgent agent = await RegisterAsync(a, """["gw-b", "gw-a"]""");
        Assert.Equal((409, "other-node"), (agent.Status, Problem(agent, "type")));
        Assert.Contains("gw-a", Problem(agent, "detail"), StringComparison.Ordinal);
        Assert.Empty(a.Agents);
    }

    private static Task<RawAgent> RegisterAsync(ClusterGateway gateway, string avoid)
        => RawAgent.RegisterAsync(gateway.Port, ClusterGateway.Plant7, avoid, "raw");

    /// <summary>Names of the greatest allowed length.</summary>
    private static string Nodes(int count)
        => JsonSerializer.Serialize(Enumerable.Range(0, count).Select(static i => "node." + i.ToString(CultureInfo.InvariantCulture).PadLeft(59, '_')));

    private static string Problem(RawAgent agent, string field)
    {
        using var problem = JsonDocument.Parse(agent.Body);
        return problem.RootElement.GetProperty(field).GetString()!;
    }
}
