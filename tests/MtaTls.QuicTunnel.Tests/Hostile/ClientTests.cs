using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Hostile;

/// <summary>Clients that misbehave. Each loses at most its own connection, and other clients are not affected.</summary>
public sealed class ClientTests
{
    [Theory]
    [InlineData("0204AABBCCDD")] // the concentrator's TLV
    [InlineData("00021001")] // a report on the control stream
    [InlineData("7F00")]
    [InlineData("0300")]
    [InlineData("01")] // truncated
    [InlineData("0105AA")]
    [InlineData("")]
    [InlineData("01000100")] // twice
    public async Task A_violation_on_the_control_stream_closes_only_that_connection(string message)
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient real = await host.ConnectAsync();
        await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint);
        peer.Send(message);
        QuicCloseReason closed = await peer.Closed;
        Assert.Equal(QuicCloseKind.Application, closed.Kind);
        Assert.Equal((ulong)QuicTunnelError.ProtocolViolation, closed.ErrorCode);
        await AssertWorksAsync(host, real);
    }

    [Theory]
    [InlineData("0100")]
    [InlineData("0302AABB")]
    [InlineData("000110")]
    [InlineData("0002100100")]
    [InlineData("")]
    public async Task A_malformed_report_closes_only_that_connection_and_the_session_continues(string message)
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer bad = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await bad.NewSessionAsync();
        await using RawPeer good = await RawPeer.ConnectAsync(host.EndPoint);
        Assert.Equal("", await good.JoinAsync(id));
        bad.Send(message);
        Assert.Equal((ulong)QuicTunnelError.ProtocolViolation, (await bad.Closed).ErrorCode);
        await Wait.UntilAsync(() => host.Sessions.List().Single().Paths.Count == 1, "the path is still there");
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "still here"u8);
        good.SendPacket(1, packet);
        Assert.Equal(packet, await host.Packets.ReceiveAsync());
    }

    [Fact]
    public async Task A_client_that_sends_nothing_or_single_bytes_is_closed()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Sessions.NegotiationTimeout = TimeSpan.FromSeconds(10));
        await using RawPeer silent = await RawPeer.ConnectAsync(host.EndPoint);
        await using RawPeer slow = await RawPeer.ConnectAsync(host.EndPoint);
        long stream = slow.Connection.OpenUnidirectionalStream();
        using var timer = new Timer(_ => slow.Connection.SendStream(stream, [0x01], fin: false), null, 0, Timeout.Infinite);
        using var second = new Timer(_ => slow.Connection.SendStream(stream, [0xFF], fin: false), null, 700, Timeout.Infinite);
        Assert.Equal((ulong)QuicTunnelError.NegotiationTimeout, (await silent.Closed).ErrorCode);
        Assert.Equal((ulong)QuicTunnelError.NegotiationTimeout, (await slow.Closed).ErrorCode);
    }

    [Fact]
    public async Task A_client_that_opens_thousands_of_streams_gets_only_a_few()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient real = await host.ConnectAsync();
        await using RawPeer peer = await RawPeer.ConnectWithSessionAsync(host.EndPoint, TestCertificates.Instance.Create("CN=laptop-2", server: false));
        // Streams that never end: the concentrator accepts only as many as it gives credit for.
        for (int i = 0; i < 5000; i++)
        {
            peer.Connection.SendStream(peer.Connection.OpenUnidirectionalStream(), [0x00], fin: false);
        }

        await AssertWorksAsync(host, real);
        // Many short streams, each a valid report.
        await using RawPeer second = await RawPeer.ConnectWithSessionAsync(host.EndPoint, TestCertificates.Instance.Create("CN=laptop-3", server: false));
        for (int i = 0; i < 3000; i++)
        {
            second.Send("00022001");
        }

        await AssertWorksAsync(host, real);
    }

    [Fact]
    public async Task A_client_that_floods_datagrams_affects_no_other_and_memory_stays_bounded()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Authentication.Mode = TunnelAuthenticationMode.ClientCertificate);
        await using QuicTunnelClient real = await host.ConnectAsync();
        await using RawPeer flood = await RawPeer.ConnectWithSessionAsync(host.EndPoint, TestCertificates.Instance.Create("CN=laptop-2", server: false));
        var random = new Random(1);
        byte[] junk = new byte[1100];
        Send(5_000);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Send(100_000);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 32 * 1024 * 1024);
        await AssertWorksAsync(host, real);

        void Send(int count)
        {
            for (int i = 0; i < count;)
            {
                // Random tags keep the reorder buffer busy, and valid headers pass the first checks.
                random.NextBytes(junk);
                byte[] head = [0x08, 0x00, junk[0], junk[1]];
                if (flood.Connection.TrySendDatagram(i % 2 == 0 ? head : [], junk))
                {
                    i++;
                }
                else if (!flood.Connection.IsConnected)
                {
                    Assert.Fail("The flooding connection was closed.");
                }
                else
                {
                    Thread.Yield();
                }
            }
        }
    }

    [Fact]
    public async Task A_client_that_never_reads_uses_no_more_memory_than_its_queue()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using var relay = new UdpRelay(host.EndPoint);
        await using RawPeer deaf = await RawPeer.ConnectWithSessionAsync(relay.EndPoint);
        relay.Filter = static (toServer, _) => toServer; // the client sends but receives nothing
        byte[] packet = IpPackets.Udp("10.99.0.1", "10.99.0.2", 1000);
        for (int i = 0; i < 2000; i++)
        {
            host.Packets.TrySend(packet);
        }

        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 200_000; i++)
        {
            host.Packets.TrySend(packet);
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 8 * 1024 * 1024);
        Assert.True(host.Concentrator.Counters.GetDropped(DropReason.Congested) > 190_000);
    }

    [Fact]
    public async Task Packets_that_must_not_pass_are_dropped_and_counted()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer peer = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        byte[] good = IpPackets.Udp("10.99.0.2", "10.99.0.1", "good"u8);
        byte[] wrongVersion = (byte[])good.Clone();
        wrongVersion[0] = 0x55;
        byte[][] malformed = [[], good[..10], good[..^1], [.. good, 0], wrongVersion, IpPackets.Wrap("10.99.0.2", "10.99.0.1", 17, [1], options: [0x83, 7, 4, 10, 0, 0, 1, 0])];
        ushort tag = 0;
        foreach (byte[] packet in malformed)
        {
            peer.Connection.TrySendDatagram([0x08, 0x00, 0, (byte)tag++], packet);
        }

        peer.Connection.TrySendDatagram([0x08], []);
        await CountedAsync(DropReason.Malformed, malformed.Length + 1);

        peer.Connection.TrySendDatagram([0x65, 0x58, 0, (byte)tag++], good);
        peer.Connection.TrySendDatagram([0x86, 0xDD, 0, (byte)tag++], good);
        await CountedAsync(DropReason.UnsupportedProtocol, 2);

        foreach (string source in new[] { "10.99.0.3", "10.99.0.1", "10.99.0.0", "10.99.0.255", "10.99.0.64", "8.8.8.8", "0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1" })
        {
            peer.SendPacket(tag++, IpPackets.Udp(source, "10.99.0.1", "spoofed"u8));
        }

        foreach (string source in new[] { "fd99::3", "fd99::1", "::", "::1", "fe80::1", "ff02::1" })
        {
            peer.SendPacket(tag++, IpPackets.Udp(source, "fd99::1", "spoofed"u8));
        }

        await CountedAsync(DropReason.SpoofedSource, 16);

        peer.SendPacket(tag++, IpPackets.Udp("10.99.0.2", "224.0.0.1", "all"u8));
        await CountedAsync(DropReason.LinkScope, 1);

        // Packets with harmless options pass, and so do valid packets after all the invalid ones.
        byte[] withOptions = IpPackets.Wrap("10.99.0.2", "10.99.0.1", 17, [1, 2], options: [0x94, 4, 0, 0]);
        peer.SendPacket(tag++, withOptions);
        peer.SendPacket(tag, good);
        Assert.Equal(withOptions, await host.Packets.ReceiveAsync());
        Assert.Equal(good, await host.Packets.ReceiveAsync());

        Task CountedAsync(DropReason reason, int count) =>
            Wait.UntilAsync(() => host.Concentrator.Counters.GetDropped(reason) == count, $"{reason} is {host.Concentrator.Counters.GetDropped(reason)}, not {count}");
    }

    /// <summary>Takes ten seconds with <c>MTATLS_LONG_TESTS=1</c>, two without.</summary>
    [Fact]
    public async Task Real_clients_work_during_a_flood_of_50_000_random_packets_a_second()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient real = await host.ConnectAsync();
        // Record the packets of a real handshake, to mutate them.
        var recorded = new List<byte[]>();
        await using (var relay = new UdpRelay(host.EndPoint))
        {
            relay.Filter = (toServer, packet) =>
            {
                lock (recorded)
                {
                    if (toServer && recorded.Count < 64)
                    {
                        recorded.Add(packet.ToArray());
                    }
                }

                return true;
            };
            await using RawPeer peer = await RawPeer.ConnectWithSessionAsync(relay.EndPoint, TestCertificates.Instance.Create("CN=laptop-3", server: false));
        }

        int seconds = Environment.GetEnvironmentVariable("MTATLS_LONG_TESTS") == "1" ? 10 : 2;
        int sent = 0;
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        Task flooding = Task.Factory.StartNew(
            () =>
            {
                var random = new Random(7);
                byte[] garbage = new byte[1200];
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp);
                long start = Environment.TickCount64;
                while (!stop.IsCancellationRequested)
                {
                    for (int i = 0; i < 50; i++)
                    {
                        Span<byte> packet;
                        if (random.Next(2) == 0)
                        {
                            packet = garbage.AsSpan(0, random.Next(1, garbage.Length));
                            random.NextBytes(packet);
                        }
                        else
                        {
                            packet = (byte[])recorded[random.Next(recorded.Count)].Clone();
                            for (int changes = random.Next(1, 4); changes > 0; changes--)
                            {
                                packet[random.Next(packet.Length)] = (byte)random.Next(256);
                            }
                        }

                        socket.SendTo(packet, host.EndPoint);
                        sent++;
                    }

                    // 50,000 packets a second, if the machine is fast enough.
                    while (sent > (Environment.TickCount64 - start + 1) * 50 && !stop.IsCancellationRequested)
                    {
                        Thread.Yield();
                    }
                }
            },
            TaskCreationOptions.LongRunning);
        while (!flooding.IsCompleted)
        {
            await AssertWorksAsync(host, real);
        }

        await flooding;
        Assert.True(sent > 1000 * seconds, $"Only {sent} random packets were sent.");
        await using RawPeer late = await RawPeer.ConnectWithSessionAsync(host.EndPoint, TestCertificates.Instance.Create("CN=laptop-4", server: false));
    }

    /// <summary>Sends a packet each way. A packet is sent again, because the kernel may drop it during the flood.</summary>
    private static async Task AssertWorksAsync(TunnelHost host, QuicTunnelClient client)
    {
        foreach ((InMemoryPacketInterface from, InMemoryPacketInterface to, byte[] packet) in new[]
        {
            (client.Packets!, host.Packets, IpPackets.Udp("10.99.0.2", "10.99.0.1", Guid.NewGuid().ToByteArray())),
            (host.Packets, client.Packets!, IpPackets.Udp("10.99.0.1", "10.99.0.2", Guid.NewGuid().ToByteArray())),
        })
        {
            var arrived = Task.Run(async () =>
            {
                while (!(await to.ReceiveAsync()).AsSpan().SequenceEqual(packet))
                {
                }
            });
            while (!arrived.IsCompleted)
            {
                from.TrySend(packet);
                await Task.WhenAny(arrived, Task.Delay(100));
            }

            await arrived;
        }
    }
}
