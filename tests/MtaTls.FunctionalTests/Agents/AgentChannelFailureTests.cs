using MtaTls.Client;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>What ends a channel to an agent before there is one, and what the gateway logs.</summary>
public class AgentChannelFailureTests
{
    private const string Name = "echo.plant7.internal";

    private const string Route = """
        { "MtaTls": {
            "Channels": [ { "Hosts": [ "*.plant7.internal" ], "Action": "Agent", "AllowAnonymous": true } ],
            "Agents": { "WaitForAgent": "00:01:00", "Rules": [ { "Names": [ "*.plant7.internal" ], "AllowAnonymous": true } ] } } }
        """;

    [Fact]
    public async Task A_client_that_leaves_while_its_channel_waits_for_an_agent_is_not_an_error()
    {
        Directory directory = new();
        await using TestApp gateway = await AgentGateway.StartAsync(Route, builder => builder.Services.AddSingleton<IAgentDirectory>(directory));
        // Its gateway does not have this agent, so the channel waits for another one.
        directory.Add(new AgentMember($"{Name}:7", "", "0123456789abcdef", "ghost", 1));
        MtaTlsClient client = await MtaTlsClient.ConnectAsync(GatewayClient.Options(gateway.Port)).Soon();
        Task<MtaTlsClientChannel> channel = client.OpenChannelAsync(Name, 7).AsTask();
        await Wait.UntilAsync(() => directory.Found > 1);

        await client.DisposeAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => channel).Soon();
        await Wait.UntilAsync(() => gateway.Services.GetRequiredService<AspNetCore.IMtaTlsSessions>().List().Count == 0);
        await gateway.LoggedAsync("ChannelNotConnected");
        Assert.Empty(gateway.Messages("SpliceFailed"));
    }

    [Fact]
    public async Task A_directory_of_the_app_that_throws_fails_one_channel()
    {
        Directory directory = new();
        await using TestApp gateway = await AgentGateway.StartAsync(Route, builder => builder.Services.AddSingleton<IAgentDirectory>(directory));
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(GatewayClient.Options(gateway.Port)).Soon();
        directory.Failure = new NotSupportedException("the directory of the app fails");

        MtaTlsChannelRefusedException refused = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(async () => await client.OpenChannelAsync(Name, 7).Soon());

        Assert.Equal("Not available.", refused.Reason);
        Assert.Contains($"{Name}:7", Assert.Single(await gateway.LoggedAsync("SpliceFailed")), StringComparison.Ordinal);
        Assert.Same(directory.Failure, gateway.Logs.GetSnapshot().Single(static r => r.Id.Name == "SpliceFailed").Exception);
    }

    /// <summary>An application's own directory.</summary>
    private sealed class Directory : IAgentDirectory
    {
        private volatile AgentMember[] _members = [];
        private int _found;

        public event Action<string>? Changed;

        public Exception? Failure { get; set; }

        public int Found => Volatile.Read(ref _found);

        public void Add(AgentMember member)
        {
            _members = [.. _members, member];
            Changed?.Invoke(member.Name);
        }

        public void Remove(AgentMember member) => Changed?.Invoke(member.Name);

        public IReadOnlyList<AgentMember> Find(string name)
        {
            Interlocked.Increment(ref _found);
            return [.. _members.Where(m => m.Name == name)];
        }

        public ValueTask<bool> LoadAsync(string name, bool isKept = false, CancellationToken cancellationToken = default)
            => Failure is { } failure ? throw failure : new ValueTask<bool>(true);
    }
}
