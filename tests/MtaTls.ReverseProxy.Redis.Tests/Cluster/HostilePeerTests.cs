using System.Security.Cryptography;
using MtaTls.AspNetCore;
using MtaTls.Client;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;
using MtaTls.ReverseProxy.Redis.Tests.Support;

namespace MtaTls.ReverseProxy.Redis.Tests.Cluster;

/// <summary>A gateway of the cluster that means harm, or somebody with its certificate.</summary>
public sealed class HostilePeerTests
{
    private static readonly AgentMember s_member = new("plant7.internal", "gw-c", "0123456789abcdef", "plant", 1);

    [Fact]
    public void A_gateway_speaks_for_its_own_agents_alone()
    {
        RemoteAgents agents = new(TimeProvider.System);
        ISendGate gate = agents.Of(s_member);
        Assert.True(gate.TryBeginSending());
        Assert.True(agents.LeaveAsync("gw-evil", s_member.Id, out IReadOnlyList<AgentMember> members).IsCompletedSuccessfully);
        Assert.Empty(members);
        Assert.True(gate.TryBeginSending());
        gate.EndSending();
        Task left = agents.LeaveAsync("gw-c", s_member.Id, out members);
        Assert.Equal([s_member], members);
        Assert.False(gate.TryBeginSending());
        Assert.False(left.IsCompleted);
        gate.EndSending();
        Assert.Equal(0, agents.Sending(s_member));
    }

    [Fact]
    public async Task Agents_that_have_left_are_remembered_up_to_a_limit()
    {
        RemoteAgents agents = new(TimeProvider.System);
        // Without a limit each would look through all before it.
        for (int i = 0; i < 500_000; i++)
        {
            await agents.LeaveAsync("gw-evil", RandomNumberGenerator.GetHexString(16), out _);
        }

        Assert.Equal(RemoteAgents.MaxLeft, agents.Left);
    }

    [Fact]
    public async Task What_a_gateway_says_of_agents_of_a_third_one_is_not_believed()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a"), evil = await ClusterGateway.StartAsync(redis, "gw-evil"), c = await ClusterGateway.StartAsync(redis, "gw-c");
        await using TestApp plant = await c.AgentAsync("plant"), other = await evil.AgentAsync("other", "other.internal");
        await a.MembersAsync(1);
        await a.MembersAsync(1, "other.internal");
        using HttpClient client = a.Client(), toEvil = a.Client("other.agents.example.test");
        await ClusterGateway.ServedAsync(client);
        await ClusterGateway.ServedAsync(toEvil);
        // The session between gw-a and gw-evil is there, and on it gw-evil says that an agent of gw-c leaves, again and again.
        IMtaTlsSessionFeature session = evil.App.Services.GetRequiredService<IMtaTlsSessions>().List().Single(static s => s.ClientCertificate?.Equals(NodeCertificates.Gateway) == true);
        ChannelAddress leaving = PeerAddress.Leaving(c.Agents[0].Id);
        for (int i = 0; i < 100; i++)
        {
            MtaTlsChannelRefusedException refused = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => session.OpenChannelAsync(leaving, leaving, TestContext.Current.CancellationToken).Soon());
            Assert.Equal(PeerAddress.Left, refused.Reason);
            Assert.Equal("plant", await client.GetStringAsync("/").Soon());
        }

        Assert.Single(a.Directory.Find(ClusterGateway.Plant7));
    }

    /// <summary>It may hold all the channels of one agent that is the gateway's own; others do not notice.</summary>
    [Fact]
    public async Task A_gateway_that_holds_all_channels_of_an_agent_leaves_other_agents_alone()
    {
        await using RedisServer redis = await RedisServer.StartNewAsync();
        await using ClusterGateway a = await ClusterGateway.StartAsync(redis, "gw-a", agents: "\"MaxChannelsPerAgent\": 10, \"WaitForAgent\": \"00:00:00.200\"");
        await using TestApp victim = await a.AgentAsync("victim"), other = await a.AgentAsync("other", "other.internal");
        await a.AgentsAsync(2);
        string id = a.Agents.Single(static r => r.Agent == "victim").Id;
        await using MtaTlsClient evil = await PeerTests.ConnectAsync(a.PeersPort, NodeCertificates.Gateway);
        // Kept: the garbage collector closes channels that are not referenced.
        List<MtaTlsClientChannel> held = [];
        for (int i = 0; i < 10; i++)
        {
            held.Add(await evil.OpenChannelAsync(PeerTests.Address(id)).Soon());
        }

        MtaTlsChannelRefusedException refused = await Assert.ThrowsAsync<MtaTlsChannelRefusedException>(() => evil.OpenChannelAsync(PeerTests.Address(id)).Soon());
        Assert.Equal(PeerAddress.Limit, refused.Reason);
        using HttpClient client = a.Client("other.agents.example.test");
        Assert.Equal("other", await client.GetStringAsync("/").Soon());
        // The channels end with the session.
        GC.KeepAlive(held);
        await evil.DisposeAsync();
        await Wait.UntilAsync(() => a.Agents.All(static r => r.ActiveChannels <= 1));
        using HttpClient again = a.Client();
        await ClusterGateway.ServedAsync(again);
    }
}
