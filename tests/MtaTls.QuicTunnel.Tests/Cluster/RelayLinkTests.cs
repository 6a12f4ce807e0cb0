using Microsoft.Extensions.Time.Testing;
using MtaTls.Quic;
using MtaTls.QuicTunnel.Cluster;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>What a relayed connection carries, with fake connections on both sides.</summary>
public class RelayLinkTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly TunnelCounters _counters = new();
    private readonly FakeConnection _client = new() { RemoteEndPoint = new(System.Net.IPAddress.Loopback, 1) };
    private readonly FakeConnection _node = new();
    private readonly TunnelRelayOptions _options = new();
    private readonly RelayShared _shared;
    private readonly RelayLink _link;
    private QuicCloseReason? _ended;

    public RelayLinkTests()
    {
        _shared = new RelayShared(_options, new TunnelQueueOptions(), _counters, _time);
        _link = new RelayLink(_shared, "gw-a", new RelayJoin("gw-b", null, new byte[32]), _client, (_, reason) => _ended = reason);
        _link.Begin(_node);
    }

    private IQuicConnectionHandler Handler => _link;

    [Fact]
    public void Datagrams_go_to_the_other_side_unchanged()
    {
        Attach();
        byte[] there = Datagram(7, "10.99.0.2", "10.99.0.1", 100), back = Datagram(9, "10.99.0.1", "10.99.0.2", 200);
        _link.OnClientDatagram(there);
        _link.OnClientDatagramsEnd();
        Handler.OnDatagram(_node, back);
        Handler.OnDatagramsEnd(_node);
        Assert.Equal(there, Assert.Single(_node.Sent));
        Assert.Contains(_client.Sent, sent => sent.SequenceEqual(back));
        _node.Acknowledge(1);
        _client.Acknowledge(1);
        Assert.Equal((1, 128, 1, 228), (_shared.Relayed.PacketsToNodes, _shared.Relayed.BytesToNodes, _shared.Relayed.PacketsToClients, _shared.Relayed.BytesToClients));
    }

    [Fact]
    public void Before_the_join_nothing_passes()
    {
        Handler.OnConnected(_node);
        _link.OnClientDatagram(Datagram(7, "10.99.0.2", "10.99.0.1", 100));
        Handler.OnDatagram(_node, Datagram(7, "10.99.0.1", "10.99.0.2", 100));
        Assert.Empty(_node.Sent);
        Assert.Empty(_client.Sent);
        Assert.Equal(2, _counters.GetDropped(DropReason.NotNegotiated));
    }

    [Fact]
    public void A_lost_datagram_is_sent_again_and_one_that_is_lost_again_and_again_is_not()
    {
        Attach();
        _link.OnClientDatagram(Datagram(7, "10.99.0.2", "10.99.0.1", 100));
        _link.OnClientDatagramsEnd();
        for (int i = 1; i < 10; i++)
        {
            if (_node.InFlight.Count > 0)
            {
                _node.Lose(0);
            }
        }

        Assert.Equal(4, _node.Sent.Count);
        Assert.All(_node.Sent, sent => Assert.Equal(_node.Sent[0], sent));
    }

    [Fact]
    public void No_more_packets_wait_than_MaxPackets()
    {
        _options.MaxPackets = 16;
        Attach();
        _node.IsPulling = false;
        for (ushort i = 0; i < 100; i++)
        {
            _link.OnClientDatagram(Datagram(i, "10.99.0.2", "10.99.0.1", 100));
        }

        _link.OnClientDatagramsEnd();
        Assert.Equal(84, _counters.GetDropped(DropReason.Congested));
        _node.IsPulling = true;
        _link.OnClientDatagramsEnd();
        Assert.Equal(16, _node.Sent.Count);
    }

    // Clients that keep their connections alive and acknowledge nothing.
    [Fact]
    public void Relayed_connections_that_take_nothing_hold_up_no_other()
    {
        for (int i = 0; i < 20; i++)
        {
            var client = new FakeConnection { IsPulling = false };
            var node = new FakeConnection { IsPulling = false };
            var link = new RelayLink(_shared, "gw-a", new RelayJoin("gw-b", null, new byte[32]), client, static (_, _) => { });
            Attach(link, node);
            for (ushort tag = 0; tag < 1_024; tag++)
            {
                link.OnClientDatagram(Datagram(tag, "10.99.0.2", "10.99.0.1", 100));
                ((IQuicConnectionHandler)link).OnDatagram(node, Datagram(tag, "10.99.0.1", "10.99.0.2", 100));
            }
        }

        Attach();
        _link.OnClientDatagram(Datagram(7, "10.99.0.2", "10.99.0.1", 100));
        _link.OnClientDatagramsEnd();
        Assert.Single(_node.Sent);
    }

    // What they took before counts, too.
    [Fact]
    public void Datagrams_in_flight_are_part_of_a_connections_share()
    {
        for (int i = 0; i < 16; i++)
        {
            var node = new FakeConnection();
            var link = new RelayLink(_shared, "gw-a", new RelayJoin("gw-b", null, new byte[32]), new FakeConnection(), static (_, _) => { });
            Attach(link, node);
            for (ushort tag = 0; tag < 1_100; tag++)
            {
                link.OnClientDatagram(Datagram(tag, "10.99.0.2", "10.99.0.1", 100));
                link.OnClientDatagramsEnd();
            }
        }

        Attach();
        _link.OnClientDatagram(Datagram(7, "10.99.0.2", "10.99.0.1", 100));
        _link.OnClientDatagramsEnd();
        Assert.Single(_node.Sent);

        // Each datagram that is acknowledged or dropped leaves room for another.
        for (int i = 0; i < 40_000; i++)
        {
            _node.Acknowledge(_node.InFlight.Count);
            _link.OnClientDatagram(Datagram(7, "10.99.0.2", "10.99.0.1", 100));
            _link.OnClientDatagramsEnd();
        }

        Assert.Equal(40_001, _node.Sent.Count);
    }

    [Fact]
    public void A_flow_that_sends_more_than_the_second_hop_carries_loses_single_packets_before_its_delay_grows()
    {
        Attach();
        _node.IsPulling = false;
        int tag = 0;
        for (int i = 0; i < 400; i++)
        {
            // Two packets arrive for one that goes.
            _link.OnClientDatagram(Datagram((ushort)tag++, "10.99.0.2", "10.99.0.1", 1_000));
            _link.OnClientDatagram(Datagram((ushort)tag++, "10.99.0.2", "10.99.0.1", 1_000));
            _time.Advance(TimeSpan.FromMilliseconds(1));
            _node.DatagramSource!.Take();
        }

        Assert.InRange(_counters.GetDropped(DropReason.Congested), 1, 399);
    }

    [Theory]
    [InlineData("10.99.0.2", "10.99.0.1", 1_100, 1_000, 3, 4)] // IPv4: fragmentation needed
    [InlineData("fd99::2", "fd99::1", 1_350, 1_300, 2, 0)] // IPv6: packet too big
    [InlineData("fd99::2", "fd99::1", 100, 1_200, 1, 0)] // The hop carries no IPv6: destination unreachable
    public void A_packet_that_the_second_hop_does_not_carry_is_answered_with_ICMP(string source, string destination, int payload, int largest, byte type, byte code)
    {
        Attach();
        Handler.OnDatagram(_node, Datagram(77, destination, source, 10)); // Its tag is used again: then the client delivers the error at once.
        Handler.OnDatagramsEnd(_node);
        _node.MaxDatagramSize = largest;
        int before = _client.Sent.Count;
        byte[] packet = IpPackets.Udp(source, destination, payload);
        _link.OnClientDatagram(IpPackets.Datagram(0, packet));
        _link.OnClientDatagramsEnd();

        Assert.Empty(_node.Sent);
        Assert.Equal(1, _counters.GetDropped(DropReason.TooBig));
        byte[] answer = Assert.Single(_client.Sent.Skip(before), static sent => sent[0] != 0x88);
        Assert.Equal(77, answer[3]);
        bool isIPv6 = source.Contains(':', StringComparison.Ordinal);
        byte[] icmp = answer[(4 + (isIPv6 ? 40 : 20))..];
        Assert.Equal((type, code), (icmp[0], icmp[1]));
        if (type is 2 or 3)
        {
            Assert.Equal(largest - 4, (icmp[6] << 8) | icmp[7]);
        }
    }

    [Fact]
    public void While_the_path_MTU_is_not_known_there_is_no_ICMP()
    {
        Attach();
        Handler.OnDatagram(_node, Datagram(77, "10.99.0.1", "10.99.0.2", 10));
        (_node.MaxDatagramSize, _node.IsPathMtuSettled) = (1_000, false);
        int before = _client.Sent.Count;
        _link.OnClientDatagram(Datagram(0, "10.99.0.2", "10.99.0.1", 1_100));
        _link.OnClientDatagramsEnd();
        Assert.DoesNotContain(_client.Sent.Skip(before), static sent => sent.Length > 60);
        Assert.Equal(1, _counters.GetDropped(DropReason.TooBig));
    }

    // The session's concentrator learns the limit of the client's path, and answers further packets itself.
    [Fact]
    public void The_other_concentrator_is_told_what_the_clients_path_carries()
    {
        Attach();
        _link.OnClientDatagram(Datagram(5, "10.99.0.2", "10.99.0.1", 10));
        _client.MaxDatagramSize = 1_000;
        Handler.OnDatagram(_node, Datagram(0, "10.99.0.1", "10.99.0.2", 1_100));
        Handler.OnDatagram(_node, Datagram(1, "10.99.0.1", "10.99.0.2", 1_100));
        Handler.OnDatagramsEnd(_node);
        Assert.Single(_node.StreamData, static sent => sent is { Fin: true } && sent.Data.AsSpan().SequenceEqual((byte[])[0x41, 2, 0x03, 0xE8]));
        Assert.Equal(3, _node.Sent.Count); // The packet, and two errors.

        // It is told when the path carries more again.
        _client.MaxDatagramSize = 1_400;
        _link.OnClientMoved();
        Assert.Single(_node.StreamData, static sent => sent.Data.AsSpan().SequenceEqual((byte[])[0x41, 2, 0x05, 0x78]));
    }

    // A datagram may be lost, so the client is told again.
    [Fact]
    public void The_client_is_told_that_its_path_is_relayed_and_what_it_carries()
    {
        _node.IsPathMtuSettled = false;
        Attach();
        Assert.Empty(_client.Sent); // The client does not know yet that it has joined.
        _link.OnClientDatagramsEnd();
        Assert.Equal((byte[])[0x88, 0xB5, 0, 0, 3, 1, 0, 0], Assert.Single(_client.Sent));
        (_node.MaxDatagramSize, _node.IsPathMtuSettled) = (1_000, true);
        _link.OnClientDatagramsEnd();
        _link.OnClientDatagramsEnd();
        Assert.Equal((byte[])[0x88, 0xB5, 0, 0, 3, 1, 0x03, 0xE8], _client.Sent[1]);
        Assert.Equal(2, _client.Sent.Count);
        _time.Advance(TimeSpan.FromSeconds(1));
        _link.OnClientDatagramsEnd();
        Assert.Equal(_client.Sent[1], _client.Sent[2]);
    }

    [Fact]
    public void Reports_are_passed_on_and_path_MTU_probes_are_not()
    {
        Attach();
        _link.OnClientReport(new AccessReport(AccessNetwork.NonGpp, AccessSignal.Unavailable));
        Assert.Contains(_node.StreamData, static sent => sent is { Fin: true } && sent.Data.AsSpan().SequenceEqual((byte[])[0, 2, 0x20, 2]));
        _link.OnClientDatagram(new byte[1_200]);
        _link.OnClientDatagram([1, 2, 3]);
        _link.OnClientDatagramsEnd();
        Assert.Empty(_node.Sent);
        Assert.Equal(1, _counters.GetDropped(DropReason.Malformed));

        // Too many bytes wait: the report is dropped, and its stream does not stay open.
        _node.RefusesStreams = true;
        _link.OnClientReport(new AccessReport(AccessNetwork.NonGpp, AccessSignal.Available));
        Assert.Single(_node.Resets);
    }

    // A client that is nearer than the session's concentrator sends reports faster than that one allows streams.
    [Fact]
    public void While_streams_wait_no_more_are_opened()
    {
        Attach();
        (int opened, _node.WaitingStreams) = (_node.Opened, 8);
        for (int i = 0; i < 100; i++)
        {
            _link.OnClientReport(new AccessReport(AccessNetwork.NonGpp, AccessSignal.Unavailable));
        }

        _client.MaxDatagramSize = 1_000;
        _link.OnClientMoved();
        Assert.Equal(opened, _node.Opened);

        // The limit is told later.
        _node.WaitingStreams = 0;
        _link.OnClientMoved();
        Assert.Single(_node.StreamData, static sent => sent.Data.AsSpan().SequenceEqual((byte[])[0x41, 2, 0x03, 0xE8]));
    }

    // A closed connection carries nothing, which is not a limit of the path.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Packets_to_a_closed_connection_are_not_answered(bool toNode)
    {
        Attach();
        _link.OnClientDatagram(Datagram(5, "10.99.0.2", "10.99.0.1", 10));
        _link.OnClientDatagramsEnd();
        Handler.OnDatagram(_node, Datagram(77, "10.99.0.1", "10.99.0.2", 10));
        Handler.OnDatagramsEnd(_node);
        (toNode ? _node : _client).MaxDatagramSize = 0;
        (int atClient, int atNode, int messages) = (_client.Sent.Count, _node.Sent.Count, _node.StreamData.Count);
        if (toNode)
        {
            _link.OnClientDatagram(Datagram(6, "10.99.0.2", "10.99.0.1", 100));
        }
        else
        {
            Handler.OnDatagram(_node, Datagram(78, "10.99.0.1", "10.99.0.2", 100));
        }

        Handler.OnDatagramsEnd(_node);
        Assert.Equal((atClient, atNode, messages), (_client.Sent.Count, _node.Sent.Count, _node.StreamData.Count));
        Assert.Equal(1, _counters.GetDropped(DropReason.NoPath));
    }

    [Theory]
    [InlineData(1, QuicTunnelError.UnknownSessionId)]
    [InlineData(2, QuicTunnelError.ConflictingState)]
    [InlineData(0, QuicTunnelError.Unknown)]
    [InlineData(77, QuicTunnelError.Unknown)]
    public async Task A_refusal_of_the_other_concentrator_is_the_clients(ulong code, QuicTunnelError error)
    {
        Handler.OnConnected(_node);
        Handler.OnStreamReset(_node, 3, code);
        Assert.Equal(error, await _link.Outcome);
        Assert.NotNull(_node.Closed);
        Assert.False(_link.IsAttached);
    }

    [Fact]
    public void Nothing_waits_after_the_end()
    {
        Attach();
        _client.IsPulling = _node.IsPulling = false;
        _link.OnClientDatagram(Datagram(0, "10.99.0.2", "10.99.0.1", 100));
        Handler.OnDatagram(_node, Datagram(0, "10.99.0.1", "10.99.0.2", 100));
        Handler.OnClosed(_node, new QuicCloseReason(QuicCloseKind.Application, IsRemote: true, 0x13, "The session was ended."));
        Assert.Equal((0x13UL, "The session was ended."), _client.Closed);
        Assert.NotNull(_ended);
        Assert.Null(_client.DatagramSource!.Take());
        Assert.Null(_node.DatagramSource!.Take());
        _link.OnClientDatagram(Datagram(1, "10.99.0.2", "10.99.0.1", 100));
        Assert.Null(_node.DatagramSource.Take());
    }

    private void Attach() => Attach(_link, _node);

    private static void Attach(RelayLink link, FakeConnection node)
    {
        link.Begin(node);
        IQuicConnectionHandler handler = link;
        handler.OnConnected(node);
        handler.OnStreamData(node, 3, default, fin: true);
        Assert.True(link.IsAttached);
        Assert.Equal(TlvType.RelayJoin, (TlvType)node.StreamData[0].Data[0]);
    }

    private static byte[] Datagram(ushort tag, string source, string destination, int payload) => IpPackets.Datagram(tag, IpPackets.Udp(source, destination, payload));
}
