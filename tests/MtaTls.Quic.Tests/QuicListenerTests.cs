using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

/// <summary>How a listener answers packets that belong to no connection, and its limits.</summary>
public class QuicListenerTests
{
    /// <summary>RFC 9000, section 17.2.1: version 0, the ids swapped, and the supported versions.</summary>
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
        await RecordingHandler.Until(() => quic.Listener.Statistics.VersionNegotiationsSent == 1); // It is counted after it was sent.
    }

    /// <summary>RFC 9000, section 5.2.2: no answer to a small packet. Section 6.1: no answer to a Version Negotiation packet.</summary>
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
    public async Task The_client_reports_a_server_without_a_common_version()
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

    /// <summary>RFC 9000, section 17.2.5: a Retry is sent to the client's id, with a new id from the server and a token. A token of another address gets INVALID_TOKEN or no answer.</summary>
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
        await RecordingHandler.Until(() => quic.Listener.Statistics.RetriesSent >= 1); // It is counted after it was sent.
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
        Assert.True(second.AsSpan().IndexOf(token) > 0, "The client's second packet does not contain the token.");

        // After the connection has ended, send the same packet from another address: a stolen token is of no use.
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
            // Long enough for all that needs the five in flight.
            o.HandshakeTimeout = TimeSpan.FromSeconds(30);
        });
        using var sleepers = new RawClient(quic.EndPoint);

        // Handshakes that never continue: the listener keeps five, then validates addresses.
        foreach (byte[] initial in await CaptureInitialsAsync(20))
        {
            sleepers.Send(initial);
        }

        await RecordingHandler.Until(() => quic.Listener.Statistics is { RetriesSent: 15, Accepted: 5 });
        Assert.Equal(5, quic.Listener.Statistics.HandshakesInFlight);

        // A real client still connects.
        await quic.ConnectPairAsync();
        // A client that gets the Retry late may have repeated its first packet.
        await RecordingHandler.Until(() => quic.Listener.Statistics.RetriesSent >= 16);
        // Meanwhile the client's connection may have been idle for too long.
        await RecordingHandler.Until(() => quic.Listener.Statistics is { Connections: <= 1, HandshakesInFlight: 0 });
    }

    [Fact]
    public async Task Handshakes_and_connections_above_the_limits_are_refused()
    {
        await using (var busy = new QuicFixture(server: static o => o.MaxHandshakes = 1))
        {
            using var sleeper = new RawClient(busy.EndPoint);
            sleeper.Send((await CaptureInitialsAsync(1))[0]);
            await RecordingHandler.Until(() => busy.Listener.Statistics.HandshakesInFlight == 1);
            (IQuicConnection _, RecordingHandler? refused) = busy.Connect();
            Assert.Equal((QuicCloseKind.Refused, true, 2UL), Essence(await refused.Closed));
        }

        await using var quic = new QuicFixture(server: static o => o.MaxConnections = 2);
        Pair first = await quic.ConnectPairAsync();
        await quic.ConnectPairAsync();
        (IQuicConnection _, RecordingHandler? third) = quic.Connect();
        Assert.Equal(QuicCloseKind.Refused, (await third.Closed).Kind);
        first.Client.Close(0);
        await first.ServerHandler.Closed;
        await quic.ConnectPairAsync();
    }

    /// <summary>RFC 9000, section 10.3: a reset is shorter than the packet that it answers, and has the token at its end.</summary>
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
        // On a busy machine they arrive over several seconds, each of which allows ten.
        Assert.InRange(quic.Listener.Statistics.StatelessResetsSent, 10, 400);
    }

    [Fact]
    public async Task Random_and_mutated_packets_affect_no_client()
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
        // Without Retry: a first packet that a client repeats before the Retry arrives would start a handshake that never completes.
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
            Thread.Sleep(5); // At most 100,000 packets a second, because real clients need the processor too.
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

    /// <summary>Creates first packets of clients without a server. Each one starts a handshake that never completes.</summary>
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

    /// <summary>Captures every packet to the server of a short connection.</summary>
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
