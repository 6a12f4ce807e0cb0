using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Cluster;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>Clients that reach another concentrator than that of their session.</summary>
public class RelayTests
{
    private const string Joined = "", Conflict = "reset 2", Unknown = "reset 1";

    [Fact]
    public async Task A_client_that_reaches_only_another_node_goes_on_with_its_session_and_comes_back()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        await using QuicTunnelClient client = cluster.A.CreateClient(static options => options.Interface.Addresses.Add("10.99.0.2/24"), to: cluster.Shared.EndPoint);
        client.Start();
        await Wait.UntilAsync(() => client.Paths.Count == 1 && client.Paths[0].RemoteEndPoint.Equals(cluster.OwnOfA.EndPoint), "the connection does not move to the node's own address");
        string? session = client.SessionName;
        await using var traffic = new Traffic(client, cluster.A);
        await traffic.PassesAsync();

        cluster.Shared.Choose = static (_, _) => 1;
        cluster.OwnOfA.Choose = static (_, _) => -1;
        await Wait.UntilAsync(() => cluster.B.Concentrator.Relay!.Outgoing.Count == 1 && client.Paths.Count == 1 && client.Paths[0].IsRelayed, "nothing is relayed");
        await traffic.PassesAsync();
        Assert.Equal(session, client.SessionName);
        Assert.Empty(cluster.B.Sessions.List());
        await Wait.UntilAsync(() => cluster.A.Sessions.List()[0].Paths.Any(static path => path.IsRelayed), "the path is not marked");
        Assert.True(cluster.B.Concentrator.RelayShared.Relayed.PacketsToNodes > 0);
        Assert.True(cluster.B.Concentrator.RelayShared.Relayed.PacketsToClients > 0);
        Assert.Contains(cluster.A.Logs.Entries, static entry => entry.Event == "RelayedJoined");
        Assert.Contains(cluster.B.Logs.Entries, static entry => entry.Event == "RelayBegan");

        cluster.OwnOfA.Choose = null;
        await Wait.UntilAsync(() => client.Paths.Count == 1 && !client.Paths[0].IsRelayed && client.Paths[0].RemoteEndPoint.Equals(cluster.OwnOfA.EndPoint), "the client does not come back");
        await Wait.UntilAsync(() => cluster.B.Concentrator.Relay!.Outgoing.Count == 0 && cluster.A.Concentrator.Relay!.Accepted.Count == 0, "something is still relayed");
        await traffic.PassesAsync();
        Assert.Equal(session, client.SessionName);
        // The path before the cut may still be there: nobody could tell A of its end.
        Assert.Contains(cluster.A.Sessions.List()[0].Paths, static path => path is { IsRelayed: false, State: TunnelPathState.Active });
        Assert.DoesNotContain(cluster.A.Sessions.List()[0].Paths, static path => path.IsRelayed);
        Assert.Empty(traffic.Twice);
    }

    [Fact]
    public async Task A_join_at_another_node_is_relayed_only_while_no_direct_path_works()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        await using RawPeer direct = await RawPeer.ConnectAsync(cluster.A.EndPoint);
        byte[] id = await direct.NewSessionAsync();
        Assert.Equal(Conflict, await JoinAsync(cluster.B, id));
        Assert.Equal(1, cluster.B.Concentrator.RelayShared.Relayed.GetRefused(RelayRefusal.Refused));

        direct.Connection.Close(0);
        await direct.Closed;
        await Wait.UntilAsync(() => cluster.A.Sessions.List()[0].Paths.Count == 0, "the direct path is still there");
        await using RawPeer relayed = await RawPeer.ConnectAsync(cluster.B.EndPoint);
        Assert.Equal(Joined, await relayed.JoinAsync(id));
        await Wait.UntilAsync(() => relayed.Connection.MaxDatagramSize > 1300, "the path MTU is not discovered");
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "by another node"u8);
        Task<byte[]> reading = cluster.A.Packets.ReceiveAsync();
        for (ushort tag = 0; !reading.IsCompleted; tag++)
        {
            relayed.SendPacket(tag, packet);
            await Task.WhenAny(reading, Task.Delay(20));
        }

        Assert.Equal(packet, await reading);
        byte[] answer = IpPackets.Udp("10.99.0.1", "10.99.0.2", "back"u8);
        await Wait.UntilAsync(() => cluster.A.Packets.TrySend(answer) && relayed.Datagrams.Any(datagram => datagram.AsSpan(4).SequenceEqual(answer)), "no packet comes back");
    }

    // The end of one connection is the end of the other, with the same error.
    [Fact]
    public async Task The_end_of_one_connection_ends_the_other()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        await using (RawPeer peer = await RawPeer.ConnectAsync(cluster.B.EndPoint))
        {
            Assert.Equal(Joined, await peer.JoinAsync(id));
            peer.Connection.Close(0x1234, "enough");
            await Wait.UntilAsync(
                () => cluster.A.Logs.Entries.Any(static entry => entry.Event == "ConnectionLeft" && entry.Message.Contains("0x1234", StringComparison.Ordinal) && entry.Message.Contains("enough", StringComparison.Ordinal)),
                "the error does not come to the other end");
        }

        await using (RawPeer peer = await RawPeer.ConnectAsync(cluster.B.EndPoint))
        {
            Assert.Equal(Joined, await peer.JoinAsync(id));
            Assert.True(cluster.A.Sessions.End(cluster.A.Sessions.List()[0].Name));
            QuicCloseReason reason = await peer.Closed;
            Assert.Equal((QuicCloseKind.Application, (ulong)QuicTunnelError.SessionEnded), (reason.Kind, reason.ErrorCode));
        }

        await Wait.UntilAsync(() => cluster.B.Concentrator.Relay!.Outgoing.Count == 0 && cluster.A.Concentrator.Relay!.Accepted.Count == 0, "something is still relayed");
        Assert.Equal(Unknown, await JoinAsync(cluster.B, id));
    }

    [Fact]
    public async Task A_node_that_dies_ends_what_it_relays_and_what_is_relayed_to_it()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync(static (_, options) => options.Cluster.Relay.IdleTimeout = TimeSpan.FromSeconds(10));
        byte[] id = await cluster.LoneSessionAsync();
        await using RawPeer peer = await RawPeer.ConnectAsync(cluster.B.EndPoint);
        Assert.Equal(Joined, await peer.JoinAsync(id));
        Assert.True(cluster.A.Sessions.List()[0].Paths[0].IsRelayed);
        await cluster.A.Concentrator.DisposeAsync(); // As a process that is killed: it says nothing.
        Assert.Equal(QuicCloseKind.Application, (await peer.Closed).Kind);
        await Wait.UntilAsync(() => cluster.B.Concentrator.Relay!.Outgoing.Count == 0, "it is still relayed");
    }

    [Fact]
    public async Task The_session_of_a_relay_that_dies_waits_for_its_client()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync(static (_, options) => options.Cluster.Relay.IdleTimeout = TimeSpan.FromSeconds(10));
        byte[] id = await cluster.LoneSessionAsync();
        await using RawPeer peer = await RawPeer.ConnectAsync(cluster.B.EndPoint);
        Assert.Equal(Joined, await peer.JoinAsync(id));
        await cluster.B.Concentrator.DisposeAsync();
        await Wait.UntilAsync(() => cluster.A.Sessions.List()[0].Paths.Count == 0 && cluster.A.Concentrator.Relay!.Accepted.Count == 0, "the path is still there");
        await using RawPeer back = await RawPeer.ConnectAsync(cluster.A.EndPoint);
        Assert.Equal(Joined, await back.JoinAsync(id));
    }

    [Fact]
    public async Task Another_identity_gets_nothing()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        await using RawPeer thief = await RawPeer.ConnectAsync(cluster.B.EndPoint, TestCertificates.Instance.Create("CN=laptop-2", server: false));
        Assert.Equal(Unknown, await thief.JoinAsync(id));

        // A concentrator that vouches for another identity, or for none, gets the same answer as a client.
        foreach (string? identity in (string?[])["CN=laptop-2", null])
        {
            await using RawPeer node = await cluster.ConnectToNodeAsync(cluster.RelayOfA, "gw-a", cluster.NodeCertificate("gw-b"));
            node.Send(RelayJoinText("gw-b", identity, id));
            Assert.Equal(Unknown, await node.Answer);
        }

        await using RawPeer right = await cluster.ConnectToNodeAsync(cluster.RelayOfA, "gw-a", cluster.NodeCertificate("gw-b"));
        right.Send(RelayJoinText("gw-b", TunnelHost.Identity, id));
        Assert.Equal(Joined, await right.Answer);
    }

    [Fact]
    public async Task With_tokens_the_id_alone_is_needed()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync(static (_, options) =>
        {
            options.Authentication.Mode = TunnelAuthenticationMode.Token;
            options.Authentication.Tokens["laptop-1"] = "0123456789abcdef";
        });
        byte[] id = await cluster.LoneSessionAsync(Convert.ToHexString("0123456789abcdef"u8));
        Assert.Equal(Joined, await JoinAsync(cluster.B, id));
        id[0] ^= 1;
        Assert.Equal(Unknown, await JoinAsync(cluster.B, id));
    }

    // A client that is locked out at either concentrator is disconnected, with the same error as without a relay.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_is_locked_out_is_not_relayed_any_more(bool atOwner)
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        await using RawPeer peer = await RawPeer.ConnectAsync(cluster.B.EndPoint);
        Assert.Equal(Joined, await peer.JoinAsync(id));
        (atOwner ? cluster.A : cluster.B).Change("Authentication:DeniedIdentities:0", TunnelHost.Identity);
        Assert.Equal((ulong)QuicTunnelError.Unauthorized, (await peer.Closed).ErrorCode);
        await Wait.UntilAsync(() => cluster.B.Concentrator.Relay!.Outgoing.Count == 0 && cluster.A.Concentrator.Relay!.Accepted.Count == 0, "it is still relayed");
    }

    [Fact]
    public async Task The_meter_reports_what_is_relayed()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        await using RawPeer peer = await RawPeer.ConnectAsync(cluster.B.EndPoint);
        using var relays = new MetricCollector<long>(Factory(cluster.B), TunnelMetrics.MeterName, "mtatls.quic_tunnel.relays");
        using var ofOwner = new MetricCollector<long>(Factory(cluster.A), TunnelMetrics.MeterName, "mtatls.quic_tunnel.relays");
        using var packets = new MetricCollector<long>(Factory(cluster.B), TunnelMetrics.MeterName, "mtatls.quic_tunnel.relay.packets");
        using var bytes = new MetricCollector<long>(Factory(cluster.B), TunnelMetrics.MeterName, "mtatls.quic_tunnel.relay.io");
        using var refused = new MetricCollector<long>(Factory(cluster.B), TunnelMetrics.MeterName, "mtatls.quic_tunnel.refused_relays");
        Assert.Equal(Joined, await peer.JoinAsync(id));
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "count me"u8);
        peer.SendPacket(0, packet);
        await cluster.A.Packets.ReceiveAsync();
        await Wait.UntilAsync(() => Last(packets, "direction", "to_node") == 1, "the packet is not counted");
        Assert.Equal(packet.Length, Last(bytes, "direction", "to_node"));
        Assert.Equal((1, 0), (Last(relays, "relay.role", "relay"), Last(relays, "relay.role", "owner")));
        Assert.Equal((0, 1), (Last(ofOwner, "relay.role", "relay"), Last(ofOwner, "relay.role", "owner")));
        cluster.AnnounceA(null);
        Assert.Equal(Conflict, await JoinAsync(cluster.B, id));
        Assert.Equal((1, 0), (Last(refused, "reason", "unreachable"), Last(refused, "reason", "limit")));

        static IMeterFactory Factory(TunnelHost host) => host.Services.GetRequiredService<IMeterFactory>();

        static T Last<T>(MetricCollector<T> collector, string key, string value) where T : struct
        {
            collector.RecordObservableInstruments();
            return collector.GetMeasurementSnapshot().Last(measurement => Equals(measurement.Tags.GetValueOrDefault(key), value)).Value;
        }
    }

    // The session is at A, and the directory says so: B does not look there for another concentrator.
    [Fact]
    public async Task A_relayed_join_is_not_relayed_again()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        await using RawPeer node = await cluster.ConnectToNodeAsync(cluster.RelayOfB, "gw-b", cluster.NodeCertificate("gw-c"));
        node.Send(RelayJoinText("gw-c", TunnelHost.Identity, id));
        Assert.Equal(Unknown, await node.Answer);
        Assert.Equal(0, cluster.B.Concentrator.Relay!.Outgoing.Count);
    }

    [Fact]
    public async Task A_newer_relayed_path_replaces_the_former()
    {
        await using RelayCluster cluster = await RelayCluster.StartAsync();
        byte[] id = await cluster.LoneSessionAsync();
        await using RawPeer first = await RawPeer.ConnectAsync(cluster.B.EndPoint);
        Assert.Equal(Joined, await first.JoinAsync(id));
        await using RawPeer second = await RawPeer.ConnectAsync(cluster.B.EndPoint);
        Assert.Equal(Joined, await second.JoinAsync(id));
        Assert.Equal((ulong)QuicTunnelError.LimitExceeded, (await first.Closed).ErrorCode);
        Assert.Single(cluster.A.Sessions.List()[0].Paths);
    }

    internal static string RelayJoinText(string node, string? identity, byte[] id) => Convert.ToHexString(new RelayJoin(node, SessionLocator.HashBytes(identity), id).Encode());

    internal static async Task<string> JoinAsync(TunnelHost host, byte[] id)
    {
        await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint);
        return await peer.JoinAsync(id);
    }

    /// <summary>Numbered packets in both directions, as long as it exists.</summary>
    private sealed class Traffic : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly Task[] _running;
        private int _atServer, _atClient;

        public Traffic(QuicTunnelClient client, TunnelHost server)
        {
            InMemoryPacketInterface here = client.Packets!, there = server.Packets;
            _running =
            [
                Task.Run(() => SendAsync(here, "10.99.0.2", "10.99.0.1")), Task.Run(() => SendAsync(there, "10.99.0.1", "10.99.0.2")),
                Task.Run(() => ReceiveAsync(there, () => Interlocked.Increment(ref _atServer))), Task.Run(() => ReceiveAsync(here, () => Interlocked.Increment(ref _atClient))),
            ];
        }

        /// <summary>The packets that arrived more than once.</summary>
        public ConcurrentBag<string> Twice { get; } = [];

        /// <summary>Waits until packets arrive at both ends.</summary>
        public Task PassesAsync()
        {
            (int atServer, int atClient) = (Volatile.Read(ref _atServer), Volatile.Read(ref _atClient));
            return Wait.UntilAsync(() => Volatile.Read(ref _atServer) > atServer + 20 && Volatile.Read(ref _atClient) > atClient + 20, "packets do not pass in both directions");
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await Task.WhenAll(_running);
        }

        private async Task SendAsync(InMemoryPacketInterface packets, string from, string to)
        {
            byte[] payload = new byte[1_000];
            for (uint number = 0; !_end.IsCancellationRequested; number++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(payload, number);
                packets.TrySend(IpPackets.Udp(from, to, payload));
                await Task.Delay(5);
            }
        }

        private async Task ReceiveAsync(InMemoryPacketInterface packets, Action count)
        {
            HashSet<uint> seen = [];
            byte[] buffer = new byte[2048];
            try
            {
                for (; ; )
                {
                    int length = await packets.ReceiveAsync(buffer, _end.Token);
                    uint number = BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(28, length - 28));
                    if (!seen.Add(number))
                    {
                        Twice.Add($"{number} from {buffer[15]}");
                    }

                    count();
                }
            }
            catch (OperationCanceledException)
            {
            }
        }
    }
}
