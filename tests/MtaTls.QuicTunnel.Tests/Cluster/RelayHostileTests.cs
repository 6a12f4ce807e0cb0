using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Cluster;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>What strangers and faulty concentrators can do at the end point for concentrators, and the limits of relaying.</summary>
public class RelayHostileTests
{
    private const string Joined = "", Conflict = "reset 2";

    [Fact]
    public async Task A_stranger_does_not_complete_the_handshake()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        var strangers = new TestCertificates("CN=authority of concentrators"); // The name is the same, the key is not.
        foreach (X509Certificate2? certificate in (X509Certificate2?[])[strangers.CreateNode("gw-b"), TestCertificates.Instance.Client, TestCertificates.Instance.CreateNode("gw-b"), null])
        {
            await Assert.ThrowsAsync<IOException>(async () =>
            {
                await using RawPeer peer = await cluster.ConnectToNodeAsync(cluster.RelayOfA, "gw-a", certificate);
                peer.Send("00");
                throw new IOException((await peer.Closed).ToString()); // The handshake of a client may be complete before the server has refused it.
            });
        }

        // An end point for clients takes no relayed joins, and the one for concentrators speaks another protocol than clients.
        await using RawPeer client = await RawPeer.ConnectAsync(cluster.A.EndPoint);
        client.Send(RelayTests.RelayJoinText("gw-b", TunnelHost.Identity, new byte[32]));
        Assert.Equal((ulong)QuicTunnelError.ProtocolViolation, (await client.Closed).ErrorCode);
        await Assert.ThrowsAsync<IOException>(() => RawPeer.ConnectAsync(cluster.RelayOfA));
    }

    [Theory]
    [InlineData("gw-b", "gw-c")] // The certificate of another concentrator.
    [InlineData("gw-a", "gw-a")] // The name of the concentrator itself.
    [InlineData("gw-a", "GW-A")]
    [InlineData("*.example", "gw.example")] // A wildcard names no concentrator.
    [InlineData("gw-b", "1.2.3.4.5")]
    [InlineData("gw-b", "..")]
    public async Task A_certificate_is_that_of_the_node_that_its_owner_says(string certificate, string says)
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        await using RawPeer peer = await cluster.ConnectToNodeAsync(cluster.RelayOfA, "gw-a", cluster.NodeCertificate(certificate));
        peer.Send(RelayTests.RelayJoinText(says, TunnelHost.Identity, id));
        Assert.Equal((ulong)QuicTunnelError.Unauthorized, (await peer.Closed).ErrorCode);
        Assert.Contains(cluster.A.Logs.Entries, static entry => entry.Event == "NotAConcentrator");
        Assert.Equal(1, cluster.A.Concentrator.RelayShared.Relayed.GetRefused(RelayRefusal.NotANode));
        Assert.Empty(cluster.A.Sessions.List()[0].Paths);
    }

    [Fact]
    public async Task Where_nodes_are_listed_no_other_relays()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync(static (node, options) => options.Cluster.Relay.Nodes[node == "gw-a" ? "gw-b" : "gw-a"] = "127.0.0.1:1");
        byte[] id = await cluster.LoneSessionAsync();
        await using (RawPeer other = await cluster.ConnectToNodeAsync(cluster.RelayOfA, "gw-a", cluster.NodeCertificate("gw-c")))
        {
            other.Send(RelayTests.RelayJoinText("gw-c", TunnelHost.Identity, id));
            Assert.Equal((ulong)QuicTunnelError.Unauthorized, (await other.Closed).ErrorCode);
        }

        await using RawPeer listed = await cluster.ConnectToNodeAsync(cluster.RelayOfA, "gw-a", cluster.NodeCertificate("gw-b"));
        listed.Send(RelayTests.RelayJoinText("gw-b", TunnelHost.Identity, id));
        Assert.Equal(Joined, await listed.Answer);
    }

    // The directory leads to a process that has another name, or a certificate of another authority: it gets no session id.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_false_address_in_the_directory_gets_no_session_id(bool isNode)
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        await using IQuicEngine engine = QuicEngine.Create(Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        var listening = new QuicListenerOptions
        {
            ApplicationProtocols = ["mtatls-qt-relay-1"],
            Certificate = isNode ? cluster.NodeCertificate("gw-c") : TestCertificates.Instance.CreateNode("gw-a"),
        };
        listening.EndPoints.Add(new IPEndPoint(IPAddress.Loopback, 0));
        var thief = new Thief();
        await using IQuicListener listener = engine.Listen(listening, _ => thief);
        cluster.AnnounceA(listener.LocalEndPoints[0].ToString());

        Assert.Equal(Conflict, await RelayTests.JoinAsync(cluster.B, id));
        Assert.Equal(0, thief.Bytes);
        Assert.Equal(1, cluster.B.Concentrator.RelayShared.Relayed.GetRefused(RelayRefusal.Unreachable));
        Assert.Contains(cluster.B.Logs.Entries, static entry => entry.Event == "RelayFailed");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("nonsense")]
    [InlineData("0.0.0.0:4434")]
    [InlineData("127.0.0.1")]
    public async Task Without_an_address_the_join_is_refused_as_without_a_relay(string? address)
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        cluster.AnnounceA(address);
        Assert.Equal(Conflict, await RelayTests.JoinAsync(cluster.B, id));
        Assert.Equal(0, cluster.B.Concentrator.Relay!.Outgoing.Count);
    }

    [Fact]
    public async Task A_node_that_does_not_answer_holds_a_client_for_ConnectTimeout()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using RelayCluster cluster = await RelayCluster.StartAsync(static (node, options) =>
        {
            if (node == "gw-b")
            {
                options.Cluster.Relay.ConnectTimeout = TimeSpan.FromMilliseconds(200);
            }
        });
        byte[] id = await cluster.LoneSessionAsync();
        cluster.AnnounceA(silent.LocalEndPoint!.ToString());
        Assert.Equal(Conflict, await RelayTests.JoinAsync(cluster.B, id));
        await Wait.UntilAsync(() => cluster.B.Concentrator.Relay!.Outgoing.Count == 0, "the attempt is still counted");
        Assert.Contains(cluster.B.Logs.Entries, static entry => entry.Event == "RelayFailed");
    }

    [Theory]
    [InlineData("gw-b", 1, 10)] // at the concentrator that relays
    [InlineData("gw-b", 10, 1)]
    [InlineData("gw-a", 1, 10)] // at the one that has the sessions
    [InlineData("gw-a", 10, 1)]
    public async Task Relayed_connections_are_limited(string limited, int most, int mostPerNode)
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync((node, options) =>
        {
            if (node == limited)
            {
                (options.Cluster.Relay.MaxRelays, options.Cluster.Relay.MaxRelaysPerNode) = (most, mostPerNode);
            }
        });
        byte[] first = await cluster.LoneSessionAsync();
        byte[] second;
        await using (RawPeer other = await RawPeer.ConnectAsync(cluster.A.EndPoint))
        {
            second = await other.NewSessionAsync();
            other.Connection.Close(0);
            await other.Closed;
        }

        await Wait.UntilAsync(() => cluster.A.Sessions.List().All(static session => session.Paths.Count == 0), "a session has a path");
        await using (RawPeer held = await RawPeer.ConnectAsync(cluster.B.EndPoint))
        {
            Assert.Equal(Joined, await held.JoinAsync(first));
            Assert.Equal(Conflict, await RelayTests.JoinAsync(cluster.B, second));
            TunnelHost host = limited == "gw-a" ? cluster.A : cluster.B;
            Assert.Equal(1, host.Concentrator.RelayShared.Relayed.GetRefused(RelayRefusal.Limit));
            Assert.Contains(host.Logs.Entries, entry => entry.Event == (limited == "gw-a" ? "RelayRefused" : "RelayFailed"));
            held.Connection.Close(0);
        }

        await Wait.UntilAsync(() => cluster.A.Concentrator.Relay!.Accepted.Count == 0 && cluster.B.Concentrator.Relay!.Outgoing.Count == 0, "it still counts");
        Assert.Equal(Joined, await RelayTests.JoinAsync(cluster.B, second));
    }

    // The connections between the concentrators keep themselves alive, so nothing else would end them.
    [Fact]
    public async Task A_log_that_fails_leaves_no_connection_and_no_slot_behind()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        cluster.A.Logs.Failing = cluster.B.Logs.Failing = "ConnectionEnded";
        await using (RawPeer peer = await RawPeer.ConnectAsync(cluster.B.EndPoint))
        {
            Assert.Equal(Joined, await peer.JoinAsync(id));
            peer.Connection.Close(0);
        }

        await Wait.UntilAsync(() => cluster.A.Concentrator.Relay!.Accepted.Count == 0 && cluster.B.Concentrator.Relay!.Outgoing.Count == 0, "the connection is still relayed");
        // A join that is refused has a slot, too.
        await using (RawPeer node = await cluster.ConnectToNodeAsync(cluster.RelayOfA, "gw-a", cluster.NodeCertificate("gw-b")))
        {
            node.Send(RelayTests.RelayJoinText("gw-b", TunnelHost.Identity, new byte[32]));
            Assert.Equal("reset 1", await node.Answer);
            Assert.Equal(1, cluster.A.Concentrator.Relay!.Accepted.Count);
            node.Connection.Close(0);
        }

        await Wait.UntilAsync(() => cluster.A.Concentrator.Relay!.Accepted.Count == 0, "the slot is still taken");
        cluster.A.Logs.Failing = cluster.B.Logs.Failing = "ConnectionLeft";
        await using (RawPeer peer = await RawPeer.ConnectAsync(cluster.B.EndPoint))
        {
            Assert.Equal(Joined, await peer.JoinAsync(id));
            peer.Connection.Close(0);
        }

        await Wait.UntilAsync(() => cluster.A.Sessions.List()[0].Paths.Count == 0, "the path is still there");
        cluster.A.Logs.Failing = cluster.B.Logs.Failing = null;
    }

    [Fact]
    public void The_case_of_a_nodes_name_gives_it_no_further_slots()
    {
        var slots = new RelaySlots(most: 10, mostPerNode: 1);
        Assert.True(slots.TryTake("gw-b"));
        Assert.False(slots.TryTake("GW-B"));
        slots.Return("Gw-b");
        Assert.True(slots.TryTake("GW-B"));
    }

    [Fact]
    public async Task A_client_that_leaves_during_an_attempt_is_no_failure_of_the_other_node_and_a_session_has_one_attempt()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using RelayCluster cluster = await RelayCluster.StartAsync(static (_, options) => options.Cluster.Relay.ConnectTimeout = TimeSpan.FromMinutes(1));
        byte[] id = await cluster.LoneSessionAsync();
        cluster.AnnounceA(silent.LocalEndPoint!.ToString());
        RelaySlots outgoing = cluster.B.Concentrator.Relay!.Outgoing;
        await using (RawPeer first = await RawPeer.ConnectAsync(cluster.B.EndPoint))
        {
            first.Send($"0320{Convert.ToHexString(id)}");
            await Wait.UntilAsync(() => outgoing.Count == 1, "there is no attempt");
            Assert.Equal(Conflict, await RelayTests.JoinAsync(cluster.B, id));
            Assert.Equal((1, 1), (outgoing.Count, cluster.B.Concentrator.RelayShared.Relayed.GetRefused(RelayRefusal.Limit)));
            first.Connection.Close(7, "text of the client");
        }

        await Wait.UntilAsync(() => outgoing.Count == 0 && cluster.B.Logs.Entries.Count(static entry => entry.Event == "JoinRefused") == 2, "the attempt goes on");
        Assert.Equal(0, cluster.B.Concentrator.RelayShared.Relayed.GetRefused(RelayRefusal.Unreachable));
        Assert.DoesNotContain(cluster.B.Logs.Entries, static entry => entry.Event == "RelayFailed");
    }

    // Whoever sends reports or messages that are not for a concentrator closes only that connection.
    [Theory]
    [InlineData("0100")]
    [InlineData("0320000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")]
    [InlineData("4000")]
    [InlineData("400101")]
    [InlineData("41020500")]
    public async Task A_node_sends_a_relayed_join_and_nothing_else(string message)
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        await using RawPeer peer = await cluster.ConnectToNodeAsync(cluster.RelayOfA, "gw-a", cluster.NodeCertificate("gw-b"));
        peer.Send(message);
        Assert.Equal((ulong)QuicTunnelError.ProtocolViolation, (await peer.Closed).ErrorCode);
    }

    [Fact]
    public async Task A_node_that_says_nothing_is_closed()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync(static (_, options) => options.Sessions.NegotiationTimeout = TimeSpan.FromSeconds(3));
        await using RawPeer peer = await cluster.ConnectToNodeAsync(cluster.RelayOfA, "gw-a", cluster.NodeCertificate("gw-b"));
        Assert.Equal((ulong)QuicTunnelError.NegotiationTimeout, (await peer.Closed).ErrorCode);
    }

    private sealed class Thief : IQuicConnectionHandler
    {
        public int Bytes { get; private set; }

        public void OnConnected(IQuicConnection connection)
        {
        }

        public void OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin) => Bytes += data.Length;

        public void OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode)
        {
        }

        public void OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data) => Bytes += data.Length;

        public void OnClosed(IQuicConnection connection, QuicCloseReason reason)
        {
        }
    }
}
