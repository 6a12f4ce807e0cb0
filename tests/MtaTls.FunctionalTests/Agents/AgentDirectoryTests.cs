using MtaTls.FunctionalTests.Support;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>What happens between the registration of an agent and the entry of its names in the directory.</summary>
public class AgentDirectoryTests
{
    [Fact]
    public async Task An_agent_is_listed_when_its_names_are_served()
    {
        List<int> listed = [];
        await using TestApp gateway = await StartAsync((agents, _) => listed.Add(agents.List().Count));
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7);
        await gateway.AgentsAsync(1);
        Assert.Equal([0], listed);
        Assert.Single(gateway.Services.GetRequiredService<IAgentDirectory>().Find(AgentGateway.Plant7));
    }

    [Fact]
    public async Task An_agent_that_ends_while_it_registers_leaves_nothing_in_the_directory()
    {
        List<string> added = [];
        await using TestApp gateway = await StartAsync((agents, member) =>
        {
            added.Add(member.Id);
            if (added.Count == 1)
            {
                Assert.True(agents.End(member.Id));
            }
        });
        await using TestApp app = await AgentApp.StartAsync(gateway.Port, AgentGateway.Plant7);
        await gateway.AgentsAsync(1);
        IAgentDirectory directory = gateway.Services.GetRequiredService<IAgentDirectory>();
        await Wait.UntilAsync(() => directory.Find(AgentGateway.Plant7).Count == 1);
        Assert.Equal(added[^1], Assert.Single(gateway.Agents()).Id);
        Assert.Equal(added[^1], Assert.Single(directory.Find(AgentGateway.Plant7)).Id);
    }

    [Fact]
    public async Task A_registration_that_the_directory_does_not_take_is_forgotten()
    {
        bool isRefusing = true;
        await using TestApp gateway = await StartAsync(
            (_, _) =>
            {
                if (isRefusing)
                {
                    throw new InvalidOperationException("not now");
                }
            },
            AgentGateway.Settings(""" "MaxAgents": 1 """));
        await using RawAgent first = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { });
        Assert.Equal(500, first.Status);
        isRefusing = false;
        await using RawAgent second = await RawAgent.RegisterAsync(gateway.Port, [AgentGateway.Plant7], static _ => { }, instance: "i2");
        Assert.Equal(200, second.Status);
        Assert.Single(gateway.Agents());
    }

    [Fact]
    public async Task A_registration_that_ended_before_the_directory_failed_leaves_nothing_there()
    {
        int added = 0;
        await using TestApp gateway = await StartAsync((agents, member) =>
        {
            if (Interlocked.Increment(ref added) == 1)
            {
                Assert.True(agents.End(member.Id));
            }
            else
            {
                throw new InvalidOperationException("not now");
            }
        });
        string[] names = ["a.plant7.internal", "b.plant7.internal"];
        // Its end also ends the agent's session.
        await Assert.ThrowsAnyAsync<IOException>(() => RawAgent.RegisterAsync(gateway.Port, names, static _ => { }));
        IAgentDirectory directory = gateway.Services.GetRequiredService<IAgentDirectory>();
        await Wait.UntilAsync(() => Volatile.Read(ref added) == 2 && names.All(name => directory.Find(name).Count == 0));
    }

    private static Task<TestApp> StartAsync(Action<IMtaTlsAgents, AgentMember> adding, string? settings = null) => AgentGateway.StartAsync(
        settings,
        configure: builder => builder.Services.AddSingleton<IAgentDirectory>(services => new WatchedDirectory(member => adding(services.GetRequiredService<IMtaTlsAgents>(), member))));

    /// <summary>Calls the test before it adds an agent.</summary>
    private sealed class WatchedDirectory(Action<AgentMember> adding) : IAgentDirectory
    {
        private readonly InMemoryAgentDirectory _inner = new();

        public event Action<string>? Changed
        {
            add => _inner.Changed += value;
            remove => _inner.Changed -= value;
        }

        public void Add(AgentMember member)
        {
            adding(member);
            _inner.Add(member);
        }

        public void Remove(AgentMember member) => _inner.Remove(member);

        public IReadOnlyList<AgentMember> Find(string name) => _inner.Find(name);
    }
}
