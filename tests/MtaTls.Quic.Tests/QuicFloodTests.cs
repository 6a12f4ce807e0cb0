using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MtaTls.Quic.Ngtcp2;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

/// <summary>Packets of an attacker without keys.</summary>
public class QuicFloodTests
{
    [Fact]
    public async Task Connections_that_begin_faster_than_the_rate_are_validated_first_and_a_client_still_connects()
    {
        await using var quic = new QuicFixture(server: static o => (o.RetryRate, o.Shards) = (1, 1));
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < 300; i++)
        {
            using Socket sender = Connect(quic.EndPoint);
            sender.Send(Nonsense());
        }

        await RecordingHandler.Until(() => quic.Listener.Statistics is var now && now.Accepted + now.RetriesSent == 300);
        QuicListenerStatistics statistics = quic.Listener.Statistics;
        Assert.InRange(statistics.Accepted, 0, 2 + (long)watch.Elapsed.TotalSeconds);
        await quic.ConnectPairAsync();
    }

    [Fact]
    public async Task One_source_gets_no_more_answers_than_the_limit_and_another_client_still_connects()
    {
        await using var quic = new QuicFixture(server: static o => (o.MaxInitialsPerPort, o.Shards) = (5, 1));
        using Socket sender = Connect(quic.EndPoint);
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < 300; i++)
        {
            sender.Send(Nonsense());
        }

        await RecordingHandler.Until(() => quic.Listener.Statistics is var now && now.Accepted + now.RetriesSent + now.PacketsDropped == 300);
        QuicListenerStatistics statistics = quic.Listener.Statistics;
        Assert.InRange(statistics.PacketsDropped, 300 - (5 * (2 + (long)watch.Elapsed.TotalSeconds)), 295);
        await quic.ConnectPairAsync();
    }

    [Fact]
    public async Task Sources_of_one_address_share_a_limit()
    {
        await using var quic = new QuicFixture(server: static o => (o.MaxInitialsPerAddress, o.Shards) = (5, 1));
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < 100; i++)
        {
            using Socket sender = Connect(quic.EndPoint, "127.0.0.66");
            sender.Send(Nonsense());
        }

        await RecordingHandler.Until(() => quic.Listener.Statistics is var now && now.Accepted + now.RetriesSent + now.PacketsDropped == 100);
        QuicListenerStatistics statistics = quic.Listener.Statistics;
        Assert.InRange(statistics.PacketsDropped, 100 - (5 * (2 + (long)watch.Elapsed.TotalSeconds)), 95);
        await quic.ConnectPairAsync(static o => o.LocalAddress = IPAddress.Loopback);
    }

    [Fact]
    public async Task A_connection_that_ends_at_once_returns_no_memory_to_the_system()
    {
        await using var quic = new QuicFixture(server: static o => (o.RetryRate, o.MaxInitialsPerPort, o.Shards) = (1_000_000, 1_000_000, 1));
        Assert.SkipWhen(ConnectionMemory.Allocator == 0, "This test needs memory pages of 4 KiB.");
        using Socket sender = Connect(quic.EndPoint);
        // Other tests also return blocks, so compare with the number of connections.
        long before = ConnectionMemory.Shared.Returned;
        for (int i = 0; i < 500; i++)
        {
            sender.Send(Nonsense());
        }

        await RecordingHandler.Until(() => quic.Listener.Statistics.Accepted >= 400);
        Assert.InRange(ConnectionMemory.Shared.Returned - before, 0, 400);
    }

    [Fact]
    public async Task Forged_packets_of_a_known_connection_do_not_show_that_the_peer_is_alive()
    {
        await using var quic = new QuicFixture();
        await using var relay = new UdpRelay(quic.EndPoint);
        byte[]? toServer = null, toClient = null;
        relay.Filter = (server, packet) =>
        {
            if ((packet.Span[0] & 0x80) == 0)
            {
                (server ? ref toServer : ref toClient) = packet.ToArray();
            }

            return true;
        };
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);
        pair.Client.TrySendDatagram([], new byte[100]);
        pair.Server.TrySendDatagram([], new byte[100]);
        await pair.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
        await pair.ClientHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
        await RecordingHandler.Until(() => toServer is not null && toClient is not null && pair.Server.UnansweredSinceTimestamp == 0 && pair.Client.UnansweredSinceTimestamp == 0);

        relay.Cut = true;
        pair.Client.TrySendDatagram([], new byte[100]);
        pair.Server.TrySendDatagram([], new byte[100]);
        await RecordingHandler.Until(() => pair.Server.UnansweredSinceTimestamp != 0 && pair.Client.UnansweredSinceTimestamp != 0);
        long server = pair.Server.UnansweredSinceTimestamp, client = pair.Client.UnansweredSinceTimestamp;
        long serverReceived = pair.Server.Statistics.PacketsReceived, clientReceived = pair.Client.Statistics.PacketsReceived;

        // Random bytes with a valid connection id, and a repeated valid packet.
        using Socket forger = Connect(quic.EndPoint);
        for (int i = 0; i < 20; i++)
        {
            forger.Send(Forge(toServer!));
            forger.Send(toServer!);
            relay.SendToClients(Forge(toClient!));
            relay.SendToClients(toClient!);
        }

        await RecordingHandler.Until(() => pair.Server.Statistics.PacketsReceived >= serverReceived + 40 && pair.Client.Statistics.PacketsReceived >= clientReceived + 40);
        Assert.Equal((server, client), (pair.Server.UnansweredSinceTimestamp, pair.Client.UnansweredSinceTimestamp));
        relay.Cut = false;
        await RecordingHandler.Until(() => pair.Server.UnansweredSinceTimestamp == 0 && pair.Client.UnansweredSinceTimestamp == 0);
    }

    private static byte[] Forge(byte[] packet)
    {
        byte[] forged = RandomNumberGenerator.GetBytes(packet.Length);
        packet.AsSpan(0, 9).CopyTo(forged);
        return forged;
    }

    /// <summary>Looks like the first packet of a client: an Initial of version 1 with random ids and content.</summary>
    private static byte[] Nonsense()
    {
        byte[] packet = RandomNumberGenerator.GetBytes(1200);
        packet[0] = 0xc3;
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(1), 1);
        (packet[5], packet[14], packet[23]) = (8, 8, 0); // ids of 8 bytes, no token
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(24), (ushort)(0x4000 | (1200 - 26)));
        return packet;
    }

    private static Socket Connect(IPEndPoint server, string from = "127.0.0.1")
    {
        var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        socket.Connect(server);
        return socket;
    }
}
