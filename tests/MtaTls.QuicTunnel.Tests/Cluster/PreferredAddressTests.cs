using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>Sessions of two paths on two concentrators behind a balancer that goes by flows.</summary>
public class PreferredAddressTests
{
    [Fact]
    public async Task Every_path_of_a_session_comes_to_the_node_that_has_it()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync();
        await using QuicTunnelClient client = nodes.StartClient();
        await Wait.UntilAsync(() => client.Paths.Count == 2, "not every path came up");
        await Wait.UntilAsync(() => nodes.A.Sessions.List().Concat(nodes.B.Sessions.List()).Sum(static s => s.Paths.Count) == 2, "a path is missing at the concentrator");
        TunnelHost node = nodes.A.Sessions.List().Count > 0 ? nodes.A : nodes.B, other = node == nodes.A ? nodes.B : nodes.A;
        Assert.Equal(client.SessionName, Assert.Single(node.Sessions.List()).Name);
        Assert.Empty(other.Sessions.List());
        // The first connection has moved, and the second begun there: nobody was asked for a session that it does not have.
        await Wait.UntilAsync(() => client.Paths.All(path => path.RemoteEndPoint.Equals(node.EndPoint)), "a path goes by the balancer");
        Assert.DoesNotContain(node.Logs.Entries.Concat(other.Logs.Entries), static entry => entry.Event is "JoinRefused");

        // The balancer is not needed any more.
        nodes.Balancer.Choose = static (_, _) => -1;
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "by both"u8);
        for (int i = 0; i < 20; i++)
        {
            Assert.True(client.Packets!.TrySend(packet));
            Assert.Equal(packet, await node.Packets.ReceiveAsync());
        }
    }

    // The join that reaches the wrong node is refused. The session and its other path live on, and a later join reaches the right one.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_join_at_the_wrong_node_costs_no_session(bool announce)
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(announce);
        await using QuicTunnelClient client = nodes.StartClient(static options => options.UsePreferredAddress = false);
        await client.WaitForSessionAsync().WaitAsync(Wait.Timeout);
        string? session = client.SessionName;
        await Wait.UntilAsync(() => client.Paths.Count == 2, "not every path came up");
        Assert.Equal(session, client.SessionName);
        Assert.Equal(1, nodes.A.Sessions.List().Count + nodes.B.Sessions.List().Count);
        Assert.Contains(nodes.A.Logs.Entries.Concat(nodes.B.Logs.Entries), static entry => entry.Event is "JoinRefused");
        Assert.All(client.Paths, path => Assert.Equal(nodes.Balancer.EndPoint, path.RemoteEndPoint));
    }

    // Long before the idle timeout, which is five minutes here.
    [Fact]
    public async Task When_a_node_dies_the_client_gets_a_session_at_another()
    {
        await using TwoNodes nodes = await TwoNodes.StartAsync(configure: static (_, options) => options.Sessions.IdleTimeout = TimeSpan.FromMinutes(5));
        nodes.Balancer.Choose = static (_, _) => 0;
        await using QuicTunnelClient client = nodes.StartClient(static options => options.IdleTimeout = TimeSpan.FromMinutes(5));
        await Wait.UntilAsync(() => client.Paths.Count == 2, "not every path came up");
        string? former = client.SessionName;
        nodes.Balancer.Choose = static (_, _) => 1;
        await nodes.A.Concentrator.DisposeAsync(); // As a process that is killed: clients are told nothing.

        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "anybody?"u8);
        Task reading = nodes.B.Packets.ReceiveAsync();
        await Wait.UntilAsync(() => reading.IsCompleted || !client.Packets!.TrySend(packet), "no packet came to the other node");
        await Wait.UntilAsync(() => client.Paths.Count == 2 && client.Paths.All(path => path.RemoteEndPoint.Equals(nodes.B.EndPoint)), "not every path is at the other node");
        Assert.NotEqual(former, client.SessionName);
        Assert.Equal(client.SessionName, Assert.Single(nodes.B.Sessions.List()).Name);
        Assert.Contains(nodes.A.Logs.Entries, static entry => entry.Event == "NodeSilent");
    }

    [Fact]
    public async Task A_client_whose_node_answers_at_the_shared_address_alone_keeps_its_session()
    {
        await using var translator = new UdpBalancer();
        await using TunnelHost a = await TwoNodes.StartNodeAsync("gw-c", announce: false, (_, options) => options.Cluster.PreferredAddresses.Add(translator.EndPoint.ToString()));
        translator.Servers = [a.EndPoint];
        await using QuicTunnelClient client = a.CreateClient(options => options.Interface.Addresses.Add("10.99.0.2/24"), to: a.EndPoint);
        client.Start();
        await Wait.UntilAsync(() => client.Paths.Count == 1 && client.Paths[0].RemoteEndPoint.Equals(translator.EndPoint), "the connection does not move");
        string? session = client.SessionName;

        // The path of the connection is cut, the shared address answers: the search finds the session's own node.
        translator.Choose = static (_, _) => -1;
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "by the other address"u8);
        Task reading = a.Packets.ReceiveAsync();
        await Wait.UntilAsync(() => reading.IsCompleted || !client.Packets!.TrySend(packet), "no packet came through");
        Assert.Equal(session, client.SessionName);
        await Wait.UntilAsync(() => client.Paths.Count == 1 && client.Paths[0].RemoteEndPoint.Equals(a.EndPoint), "the dead path is still there");
    }
}
