using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

/// <summary>What a listener does with packets that are no connection's, seen on the wire; and its limits.</summary>
public class QuicListenerTests
{
    /// <summary>RFC 9000, section 17.2.1: version 0, the ids exchanged, the versions that are spoken.</summary>
    [Fact]
    public async Task An_unknown_version_is_answered_by_version_negotiation()
    {
        await using var quic = new QuicFixture();
        using var raw = new RawClient(quic.EndPoint);
        byte[] packet = new byte[1200];
        byte[] destination = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21], source = [0xa1, 0xa2, 0xa3];
        WriteLongHeader(packet, 0xc0, 0x1a2a3a4a, destination, source);

        byte[] answer = await raw.AskAsync(packet);

        Assert.Equal(0x80, answer[0] & 0x80);
        Assert.Equal([0, 0, 0, 0, 3, 0xa1, 0xa2, 0xa3, 21, .. destination, 0, 0, 0, 1], answer[1..]);
        await RecordingHandler.Until(() => quic.Listener.Statistics.VersionNegotiationsSent == 1); // counted once it is on its way
    }

    /// <summary>RFC 9000, section 5.2.2: nothing to a small packet; section 6.1: nothing to a Version Negotiation packet.</summary>
    [Fact]
    public async Task A_small_packet_of_unknown_version_and_a_version_negotiation_get_no_answer()
    {
        await using var quic = new QuicFixture();
        using var raw = new RawClient(quic.EndPoint);
        byte[] packet = new byte[1199];
        WriteLongHeader(packet, 0xc0, 0x1a2a3a4a, [1, 2, 3, 4, 5, 6, 7, 8], []);
        raw.Send(packet);
        packet = new byte[1200];
        WriteLongHeader(packet, 0xc0, 0, [1, 2, 3, 4, 5, 6, 7, 8], []);
        raw.Send(packet);

        await RecordingHandler.Until(() => quic.Listener.Statistics.PacketsDropped == 2);
        Assert.Equal(0, quic.Listener.Statistics.VersionNegotiationsSent);
    }

    [Fact]
    public async Task The_client_says_when_the_server_speaks_no_version_of_its()
    {
        await using var quic = new QuicFixture();
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        (IQuicConnection _, RecordingHandler? handler) = quic.Connect(to: (IPEndPoint)server.LocalEndPoint!);
        byte[] initial = new byte[2048];
        SocketReceiveFromResult from = await server.ReceiveFromAsync(initial, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0));
        Span<byte> destination = initial.AsSpan(6, initial[5]);
        Span<byte> source = initial.AsSpan(7 + destination.Length, initial[6 + destination.Length]);
        byte[] negotiation = [0xc0, 0, 0, 0, 0, (byte)source.Length, .. source, (byte)destination.Length, .. destination, 0x1a, 0x2a, 0x3a, 0x4a];
        await server.SendToAsync(negotiation, from.RemoteEndPoint);

        Assert.Equal(QuicCloseKind.VersionNegotiation, (await handler.Closed).Kind);
    }

    /// <summary>RFC 9000, section 17.2.5: a Retry goes to the client's id with an id of the server's choice and a token; a token from elsewhere or of another client gets INVALID_TOKEN or nothing.</summary>
    [Fact]
    public async Task A_client_is_validated_by_retry()
    {
        await using var quic = new QuicFixture(server: o => o.AddressValidation = QuicAddressValidation.Always);
        await using var relay = new UdpRelay(quic.EndPoint);
        byte[]? retry = null, first = null, second = null;
        relay.Filter = (toServer, packet) =>
        {
            if (toServer && (packet.Span[0] & 0xb0) == 0x80)
            {
                _ = first is null ? first = packet.ToArray() : second ??= packet.ToArray();
            }

            if (!toServer && (packet.Span[0] & 0xf0) == 0xf0)
            {
                retry ??= packet.ToArray();
            }

            return true;
        };

        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);

        Assert.NotNull(pair.Server);
        Assert.True(quic.Listener.Statistics.RetriesSent >= 1);
        Assert.Equal(1, quic.Listener.Statistics.Accepted);
        (byte[]? firstDestination, byte[]? firstSource) = Ids(first!);
        (byte[]? retryDestination, byte[]? retrySource) = Ids(retry!);
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32BigEndian(retry.AsSpan(1)));
        Assert.Equal(firstSource, retryDestination);
        Assert.NotEqual(firstDestination, retrySource);
        (byte[]? secondDestination, byte[] _) = Ids(second!);
        Assert.Equal(retrySource, secondDestination);
        byte[] token = retry![(7 + retryDestination.Length + retrySource.Length)..^16];
        Assert.InRange(token.Length, 40, 96);
        Assert.True(second.AsSpan().IndexOf(token) > 0, "the token comes back in the client's second packet");

        // When the connection is gone, the same packet from another address: the token is of no use to a thief.
        pair.Client.Close(0);
        await pair.ServerHandler.Closed;
        using var thief = new RawClient(quic.EndPoint);
        await RecordingHandler.Until(() =>
        {
            thief.Send(second!);
            return quic.Listener.Statistics.Refused > 0;
        });
        Assert.Equal(0xc0, (await thief.AskAsync(second!))[0] & 0xf0); // An Initial, with CONNECTION_CLOSE.
        Assert.Equal(1, quic.Listener.Statistics.Accepted);
    }

    [Fact]
    public async Task Under_load_clients_are_validated_before_anything_is_kept_for_them()
    {
        await using var quic = new QuicFixture(server: o =>
        {
            o.RetryThreshold = 5;
            o.HandshakeTimeout = TimeSpan.FromMilliseconds(1500);
        });
        using var sleepers = new RawClient(quic.EndPoint);

        // Handshakes that never go on: five are kept, then addresses are validated.
        foreach (byte[] initial in await CaptureInitialsAsync(20))
        {
            sleepers.Send(initial);
        }

        await RecordingHandler.Until(() => quic.Listener.Statistics is { RetriesSent: 15, Accepted: 5 });
        Assert.Equal(5, quic.Listener.Statistics.HandshakesInFlight);

        // A real client comes through all the same.
        await quic.ConnectPairAsync();
        Assert.Equal(16, quic.Listener.Statistics.RetriesSent);
        await RecordingHandler.Until(() => quic.Listener.Statistics is { Connections: 1, HandshakesInFlight: 0 });
    }

    [Fact]
    public async Task Handshakes_and_connections_past_the_limits_are_refused()
    {
        await using var quic = new QuicFixture(server: o =>
        {
            o.MaxConnections = 2;
            o.MaxHandshakes = 1;
            o.HandshakeTimeout = TimeSpan.FromMilliseconds(1000);
        });
        using (var sleeper = new RawClient(quic.EndPoint))
        {
            sleeper.Send((await CaptureInitialsAsync(1))[0]);
            await RecordingHandler.Until(() => quic.Listener.Statistics.HandshakesInFlight == 1);
            (IQuicConnection _, RecordingHandler? refused) = quic.Connect();
            Assert.Equal((QuicCloseKind.Refused, true, 2UL), Essence(await refused.Closed));
            await RecordingHandler.Until(() => quic.Listener.Statistics.HandshakesInFlight == 0);
        }

        Pair first = await quic.ConnectPairAsync();
        await quic.ConnectPairAsync();
        (IQuicConnection _, RecordingHandler? third) = quic.Connect();
        Assert.Equal(QuicCloseKind.Refused, (await third.Closed).Kind);
        first.Client.Close(0);
        await first.ServerHandler.Closed;
        await quic.ConnectPairAsync();
    }

    /// <summary>RFC 9000, section 10.3: shorter than the packet it answers, with the token at its end, and not without end.</summary>
    [Fact]
    public async Task A_packet_of_no_connection_is_answered_by_a_stateless_reset_up_to_a_limit_a_second()
    {
        await using var quic = new QuicFixture(server: o => o.MaxStatelessResponsesPerSecond = 10);
        using var raw = new RawClient(quic.EndPoint);
        byte[] packet = RandomNumberGenerator.GetBytes(100);
        packet[0] = 0x40;

        byte[] one = await raw.AskAsync(packet);
        byte[] two = await raw.AskAsync(packet);
        packet[1] ^= 1;
        byte[] other = await raw.AskAsync(packet);

        Assert.Equal(0x40, one[0] & 0xc0);
        Assert.InRange(one.Length, 21, 99);
        Assert.Equal(one[^16..], two[^16..]);
        Assert.NotEqual(one[^16..], other[^16..]);
        packet = packet[..22];
        Assert.Equal(21, (await raw.AskAsync(packet)).Length);
        raw.Send(packet[..21]);
        await RecordingHandler.Until(() => quic.Listener.Statistics.PacketsDropped == 1);

        for (int i = 0; i < 500; i++)
        {
            raw.Send(packet);
        }

        await RecordingHandler.Until(() => quic.Listener.Statistics.PacketsReceived == 505);
        Assert.InRange(quic.Listener.Statistics.StatelessResetsSent, 10, 60);
    }

    [Fact]
    public async Task Garbage_and_mutated_packets_harm_nobody_while_clients_go_on()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync();
        List<byte[]> valid = await CaptureAsync(quic);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using var stop = new CancellationTokenSource();
        Task flood = Task.Factory.StartNew(() => Flood(quic.EndPoint, valid, stop.Token), TaskCreationOptions.LongRunning);

        for (int i = 0; i < 20; i++)
        {
            byte[] mark = BitConverter.GetBytes(i);
            await RecordingHandler.Until(() =>
            {
                pair.Client.TrySendDatagram([], mark);
                return pair.ServerHandler.Datagrams.TryRead(out byte[]? got) && got.Length == 4;
            });
            (IQuicConnection? another, RecordingHandler? handler) = quic.Connect();
            await handler.Connected;
            another.Close(0);
        }
        await RecordingHandler.Until(() => quic.Listener.Statistics.PacketsReceived > 100_000);
        await stop.CancelAsync();
        await flood;

        Assert.True(pair.Client.IsConnected && pair.Server.IsConnected);
        await quic.ConnectPairAsync();
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 64 << 20);
    }

    [Fact]
    public async Task Two_hundred_connections_at_once()
    {
        // Without Retry: a first packet that was repeated before the Retry came would begin a handshake that nobody goes on with.
        await using var quic = new QuicFixture(server: o => (o.Shards, o.AddressValidation) = (2, QuicAddressValidation.Never));

        (IQuicConnection connection, RecordingHandler handler)[] pairs = await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            (IQuicConnection? connection, RecordingHandler? handler) = quic.Connect(o => o.SocketBufferSize = 64 * 1024);
            await handler.Connected;
            connection.TrySendDatagram([], BitConverter.GetBytes(i));
            return (connection, handler);
        }));

        Assert.Equal(200, quic.Listener.Statistics.Connections);
        var seen = new HashSet<int>();
        for (int i = 0; i < 200; i++)
        {
            RecordingHandler server = await quic.AcceptedAsync();
            Assert.True(seen.Add(BitConverter.ToInt32(await server.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout))));
        }
        foreach ((IQuicConnection connection, RecordingHandler _) in pairs)
        {
            connection.Close(0);
        }

        await RecordingHandler.Until(() => quic.Listener.Statistics.Connections == 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_port_in_use_is_an_error(int shards)
    {
        await using var quic = new QuicFixture(server: o => o.Shards = shards);
        QuicListenerOptions options = QuicFixture.ServerOptions();
        options.EndPoints[0] = quic.EndPoint;
        options.Shards = shards;

        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.Throws<SocketException>(() => quic.Engine.Listen(options, static _ => new RecordingHandler())).SocketErrorCode);
        await quic.ConnectPairAsync();
    }

    private static void Flood(IPEndPoint to, List<byte[]> valid, CancellationToken stop)
    {
        using var socket = new Socket(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(to);
        var random = new Random(42);
        byte[] packet = new byte[1400];
        while (!stop.IsCancellationRequested)
        {
            for (int i = 0; i < 500; i++)
            {
                int length;
                if (random.Next(3) == 0)
                {
                    length = random.Next(packet.Length);
                    random.NextBytes(packet.AsSpan(0, length));
                }
                else
                {
                    byte[] source = valid[random.Next(valid.Count)];
                    length = Math.Min(source.Length, packet.Length);
                    source.AsSpan(0, length).CopyTo(packet);
                    for (int change = random.Next(1, 4); change > 0; change--)
                    {
                        packet[random.Next(Math.Min(length, 60))] = (byte)random.Next(256);
                    }

                    if (random.Next(10) == 0)
                    {
                        length = random.Next(length);
                    }
                }
                try
                {
                    socket.Send(packet.AsSpan(0, length));
                }
                catch (SocketException)
                {
                }
            }
            Thread.Sleep(5); // 100,000 a second at most: real clients need the processor too.
        }
    }

    private static (QuicCloseKind, bool, ulong) Essence(QuicCloseReason reason) => (reason.Kind, reason.IsRemote, reason.ErrorCode);

    private static void WriteLongHeader(byte[] packet, byte first, uint version, ReadOnlySpan<byte> destination, ReadOnlySpan<byte> source)
    {
        packet[0] = first;
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(1), version);
        packet[5] = (byte)destination.Length;
        destination.CopyTo(packet.AsSpan(6));
        packet[6 + destination.Length] = (byte)source.Length;
        source.CopyTo(packet.AsSpan(7 + destination.Length));
    }

    private static (byte[] Destination, byte[] Source) Ids(byte[] packet) =>
        (packet[6..(6 + packet[5])], packet[(7 + packet[5])..(7 + packet[5] + packet[6 + packet[5]])]);

    /// <summary>First packets of clients that talk to nobody: each begins a handshake that never goes on.</summary>
    private static async Task<byte[][]> CaptureInitialsAsync(int count)
    {
        await using IQuicEngine engine = QuicEngine.Create(Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        byte[][] initials = new byte[count][];
        for (int i = 0; i < count; i++)
        {
            using var sink = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            sink.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            engine.Connect(QuicFixture.ClientOptions((IPEndPoint)sink.LocalEndPoint!), new RecordingHandler());
            byte[] packet = new byte[2048];
            initials[i] = packet[..await sink.ReceiveAsync(packet)];
        }
        return initials;
    }

    /// <summary>Every packet of a short connection.</summary>
    private static async Task<List<byte[]>> CaptureAsync(QuicFixture quic)
    {
        var packets = new List<byte[]>();
        await using var relay = new UdpRelay(quic.EndPoint);
        relay.Filter = (toServer, packet) =>
        {
            if (toServer)
            {
                packets.Add(packet.ToArray());
            }

            return true;
        };
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);
        pair.Client.TrySendDatagram([], new byte[100]);
        await pair.ServerHandler.Datagrams.ReadAsync().AsTask().WaitAsync(RecordingHandler.Timeout);
        pair.Client.Close(0);
        await pair.ServerHandler.Closed;
        return packets;
    }

    private sealed class RawClient : IDisposable
    {
        private readonly Socket _socket;

        public RawClient(IPEndPoint server)
        {
            _socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 20 };
            _socket.Connect(server);
        }

        public void Send(byte[] packet) => _socket.Send(packet);

        public async Task<byte[]> AskAsync(byte[] packet)
        {
            Send(packet);
            byte[] answer = new byte[2048];
            int length = await _socket.ReceiveAsync(answer).WaitAsync(RecordingHandler.Timeout);
            return answer[..length];
        }

        public void Dispose() => _socket.Dispose();
    }
}
