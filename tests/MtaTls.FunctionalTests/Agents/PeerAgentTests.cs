using MtaTls.FunctionalTests.Interop;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>Another implementation of an agent, in Python over OpenSSL, with this gateway: <c>agent_cases.py</c>.</summary>
public class PeerAgentTests
{
    [Theory]
    [InlineData("1.2")]
    [InlineData("1.3")]
    public async Task An_agent_in_Python_is_a_destination_like_any_other(string version)
    {
        await using TestApp gateway = await AgentGateway.StartAsync(AgentGateway.Settings(rules: """ "Rules": [ { "Names": [ "plant7.internal" ], "AllowAnonymous": true } ] """));
        Task agent = PeerProcess.RunClientAsync("agent", version, gateway);
        await Task.WhenAny(gateway.AgentsAsync(1), agent);
        using HttpClient client = gateway.Client();
        for (int i = 0; i < 10 && !agent.IsFaulted; i++)
        {
            Assert.Equal("python GET ", await client.GetStringAsync("/").Soon());
            using HttpResponseMessage response = await client.PostAsync("/", new StringContent($"body {i}")).Soon();
            Assert.Equal($"python POST body {i}", await response.Content.ReadAsStringAsync());
        }

        await agent;
        await gateway.AgentsAsync(0);
        Assert.Empty(gateway.Agents());
    }
}
