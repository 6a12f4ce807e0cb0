using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>Concentrator and client over real QUIC on loopback.</summary>
public sealed class TunnelTests
{
    [Theory]
    [InlineData("10.99.0.2", "10.99.0.1")]
    [InlineData("fd99::2", "fd99::1")]
    public async Task Packets_go_both_ways_unchanged(string client, string concentrator)
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient tunnel = await host.ConnectAsync();
        await Wait.UntilAsync(() => tunnel.Paths[0].MaxPacketSize >= 1280 && host.Sessions.List()[0].Paths[0].MaxPacketSize >= 1280, "no path for IPv6");
        byte[] up = IpPackets.Udp(client, concentrator, "up"u8);
        Assert.True(tunnel.Packets!.TrySend(up));
        Assert.Equal(up, await host.Packets.ReceiveAsync());
        byte[] down = IpPackets.Udp(concentrator, client, new byte[1280 - 48]);
        Assert.True(host.Packets.TrySend(down));
        Assert.Equal(down, await tunnel.Packets.ReceiveAsync());
    }

    [Fact]
    public async Task Several_connections_join_one_session_and_ITunnelSessions_lists_it()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient client = await host.ConnectAsync(options =>
        {
            options.LocalAddresses.Add("127.0.0.1");
            options.LocalAddresses.Add("127.0.0.2");
            options.QosIndication = "bulk";
        });
        TunnelSessionInfo session = Assert.Single(host.Sessions.List());
        Assert.Equal(client.SessionName, session.Name);
        Assert.Equal(TunnelHost.Identity, session.Identity);
        Assert.Equal("bulk"u8, session.QosIndication.Span);
        Assert.Equal(["10.99.0.2", "fd99::2"], session.Addresses.Select(address => address.ToString()));
        Assert.Equal(["127.0.0.1", "127.0.0.2"], session.Paths.Select(path => path.RemoteEndPoint.Address.ToString()).Order());
        Assert.All(session.Paths, path => Assert.Equal(TunnelPathState.Active, path.State));

        Assert.True(host.Sessions.End(session.Name));
        Assert.False(host.Sessions.End(session.Name));
        // The client opens a new session.
        await Wait.UntilAsync(() => client.SessionName is { } name && name != session.Name && client.Paths.Count == 2, "no new session");
        Assert.DoesNotContain(host.Sessions.List(), other => other.Name == session.Name);
    }

    [Theory]
    [InlineData(TunnelScheduler.EarliestDelivery)]
    [InlineData(TunnelScheduler.RoundRobin)]
    [InlineData(TunnelScheduler.Redundant)]
    [InlineData(TunnelScheduler.ActiveBackup)]
    public async Task Every_scheduler_delivers_each_packet_once_and_in_order(TunnelScheduler scheduler)
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Scheduler = scheduler);
        await using QuicTunnelClient client = await host.ConnectAsync(options =>
        {
            options.LocalAddresses.Add("127.0.0.1");
            options.LocalAddresses.Add("127.0.0.2");
            options.Reordering.MaxDelay = TimeSpan.FromSeconds(5); // long enough for a busy machine
        });
        const int Count = 600;
        var receiving = Task.Run(async () =>
        {
            for (int i = 0; i < Count; i++)
            {
                Assert.Equal(i, BitConverter.ToInt32(await client.Packets!.ReceiveAsync(), 28));
            }
        });
        for (int i = 0; i < Count; i++)
        {
            Assert.True(host.Packets.TrySend(IpPackets.Udp("10.99.0.1", "10.99.0.2", BitConverter.GetBytes(i))));
            // Do not overflow the queue.
            if (i % 50 == 0)
            {
                await Wait.UntilAsync(() => host.Sessions.List()[0].Paths.Sum(path => path.PacketsSent) >= i * (scheduler == TunnelScheduler.Redundant ? 2 : 1), "stuck");
            }
        }

        await receiving;
        // A second copy may be on its way when the first has arrived.
        int expected = scheduler == TunnelScheduler.Redundant ? 2 * Count : Count;
        await Wait.UntilAsync(() => host.Sessions.List()[0].Paths.Sum(path => path.PacketsSent) == expected, "not every packet was sent");
        long[] sent = host.Sessions.List()[0].Paths.Select(path => path.PacketsSent).ToArray();
        if (scheduler == TunnelScheduler.ActiveBackup)
        {
            Assert.Equal([0, Count], sent.Order());
        }

        if (scheduler == TunnelScheduler.RoundRobin)
        {
            Assert.All(sent, share => Assert.InRange(share, Count / 10, Count));
        }

        if (scheduler == TunnelScheduler.Redundant)
        {
            await Wait.UntilAsync(() => client.Counters.GetDropped(DropReason.Duplicate) == Count, "Duplicates were not detected.");
        }
    }

    [Fact]
    public async Task A_packet_that_is_too_large_for_all_paths_is_answered_with_the_MTU()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient client = await host.ConnectAsync();
        byte[] error = await AnswerAsync(client.Packets!, "10.99.0.2", "10.99.0.1", () => client.Paths[0].MaxPacketSize, answer => (answer[26] << 8) | answer[27]);
        Assert.Equal((3, 4), (error[20], error[21]));
        error = await AnswerAsync(host.Packets, "fd99::1", "fd99::2", () => host.Sessions.List()[0].Paths[0].MaxPacketSize, answer => (answer[46] << 8) | answer[47]);
        Assert.Equal(2, error[40]);
    }

    [Fact]
    public async Task A_pool_address_belongs_to_the_first_session_that_sends_from_it_and_then_has_a_rest_period()
    {
        await using TunnelHost host = await TunnelHost.StartAnonymousAsync(options =>
        {
            options.Sessions.GracePeriod = TimeSpan.Zero;
            options.Addresses.RestPeriod = TimeSpan.FromHours(1);
        });
        RawPeer first = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        await using RawPeer second = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        byte[] packet = IpPackets.Udp("10.99.0.70", "10.99.0.1", "x"u8);
        first.SendPacket(0, packet);
        Assert.Equal(packet, await host.Packets.ReceiveAsync());
        second.SendPacket(0, packet);
        await Wait.UntilAsync(() => host.Concentrator.Counters.GetDropped(DropReason.SpoofedSource) == 1, "A session took the address of another session.");

        host.Packets.TrySend(IpPackets.Udp("10.99.0.1", "10.99.0.70", "answer"u8));
        await Wait.UntilAsync(() => first.Datagrams.Count == 1, "no answer");
        Assert.Empty(second.Datagrams);

        first.Connection.Close(0);
        await first.Closed;
        await first.DisposeAsync();
        await Wait.UntilAsync(() => host.Sessions.List().Count == 1, "the session did not end");
        second.SendPacket(1, packet);
        await Wait.UntilAsync(() => host.Concentrator.Counters.GetDropped(DropReason.SpoofedSource) == 2, "The address had no rest period.");
    }

    [Fact]
    public async Task Clients_reach_each_other_only_with_AllowClientToClient()
    {
        foreach (bool allowed in new[] { false, true })
        {
            await using TunnelHost host = await TunnelHost.StartAnonymousAsync(options => options.Addresses.AllowClientToClient = allowed);
            await using RawPeer first = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
            await using RawPeer second = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
            second.SendPacket(0, IpPackets.Udp("10.99.0.71", "10.99.0.1", "here"u8));
            await host.Packets.ReceiveAsync();
            first.SendPacket(0, IpPackets.Udp("10.99.0.70", "10.99.0.71", "hello"u8, hopLimit: 9));
            if (!allowed)
            {
                await Wait.UntilAsync(() => host.Concentrator.Counters.GetDropped(DropReason.ClientToClient) == 1, "it was not dropped");
                Assert.Empty(second.Datagrams);
                continue;
            }

            await Wait.UntilAsync(() => second.Datagrams.Count == 1, "it did not come");
            Assert.True(IpHeader.TryRead(second.Datagrams.First().AsSpan(4), out IpHeader header));
            Assert.Equal(8, header.HopLimit);
            first.SendPacket(1, IpPackets.Udp("10.99.0.70", "10.99.0.71", "hello"u8, hopLimit: 1));
            await Wait.UntilAsync(() => first.Datagrams.Count == 1, "no time exceeded");
            Assert.Equal(11, first.Datagrams.First()[24]);
        }
    }

    [Fact]
    public async Task AllowClientToClient_may_change_while_sessions_continue()
    {
        await using TunnelHost host = await TunnelHost.StartAnonymousAsync();
        await using RawPeer first = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        await using RawPeer second = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        second.SendPacket(0, IpPackets.Udp("10.99.0.71", "10.99.0.1", "here"u8));
        await host.Packets.ReceiveAsync();
        byte[] packet = IpPackets.Udp("10.99.0.70", "10.99.0.71", "hello"u8);
        for (ushort tag = 0; tag < 6; tag++)
        {
            bool isAllowed = tag % 2 == 1;
            host.Change("Addresses:AllowClientToClient", $"{isAllowed}");
            first.SendPacket(tag, packet);
            await Wait.UntilAsync(
                () => second.Datagrams.Count == (tag + 1) / 2 && host.Concentrator.Counters.GetDropped(DropReason.ClientToClient) == 1 + (tag / 2), $"{isAllowed} was not used");
        }
    }

    [Fact]
    public async Task MaxPerSession_and_RestPeriod_may_change_while_sessions_continue()
    {
        await using TunnelHost host = await TunnelHost.StartAnonymousAsync(static options => options.Sessions.GracePeriod = TimeSpan.Zero);
        RawPeer first = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        await using RawPeer second = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        byte[] packet = IpPackets.Udp("10.99.0.70", "10.99.0.1", "x"u8), other = IpPackets.Udp("10.99.0.71", "10.99.0.1", "x"u8);
        host.Change("Addresses:MaxPerSession", "1");
        first.SendPacket(0, packet);
        Assert.Equal(packet, await host.Packets.ReceiveAsync());
        first.SendPacket(1, other);
        await Wait.UntilAsync(() => host.Concentrator.Counters.GetDropped(DropReason.SpoofedSource) == 1, "MaxPerSession was not used");
        host.Change("Addresses:MaxPerSession", "2");
        first.SendPacket(2, other);
        Assert.Equal(other, await host.Packets.ReceiveAsync());

        first.Connection.Close(0);
        await first.Closed;
        await first.DisposeAsync();
        await Wait.UntilAsync(() => !host.Concentrator.Addresses.TryFind(IpHeader.ToUInt128(IPAddress.Parse("10.99.0.70")), out _), "the session did not end");
        second.SendPacket(0, packet);
        await Wait.UntilAsync(() => host.Concentrator.Counters.GetDropped(DropReason.SpoofedSource) == 2, "the address did not rest");
        // An address that already rests is free as well.
        host.Change("Addresses:RestPeriod", "00:00:00");
        second.SendPacket(1, packet);
        Assert.Equal(packet, await host.Packets.ReceiveAsync());
    }

    [Fact]
    public async Task An_Access_Report_moves_the_packets_to_the_other_path()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Scheduler = TunnelScheduler.ActiveBackup);
        await using RawPeer first = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await first.NewSessionAsync();
        await using RawPeer second = await RawPeer.ConnectAsync(host.EndPoint);
        Assert.Equal("", await second.JoinAsync(id));
        first.Send("00021001"); // this connection is on network 1
        second.Send("00022001"); // and this on network 2
        await SendUntilAsync(host, first);
        second.Send("00021002"); // reported on connection 2: network 1 has failed
        await SendUntilAsync(host, second);
        second.Send("00021001");
        await SendUntilAsync(host, first);
    }

    [Fact]
    public async Task A_client_that_lost_all_paths_joins_its_session_again_within_the_grace_period()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(static options => options.Sessions.GracePeriod = TimeSpan.FromHours(1));
        await using var relay = new UdpRelay(host.EndPoint);
        await using QuicTunnelClient client = host.CreateClient(options =>
        {
            options.IdleTimeout = TimeSpan.FromSeconds(10);
            options.KeepAlive.Interval = TimeSpan.FromSeconds(1);
        }, to: relay.EndPoint);
        client.Start();
        await client.WaitForSessionAsync().WaitAsync(Wait.Timeout);
        string? name = client.SessionName;
        relay.Cut = true;
        await Wait.UntilAsync(() => host.Sessions.List()[0].Paths.Count == 0, "the concentrator did not notice");
        relay.Cut = false;
        await Wait.UntilAsync(() => host.Sessions.List()[0].Paths.Count == 1 && client.Paths.Count == 1, "the client did not come back");
        Assert.Equal(name, client.SessionName);
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "again"u8);
        client.Packets!.TrySend(packet);
        Assert.Equal(packet, await host.Packets.ReceiveAsync());
    }

    [Fact]
    public async Task After_the_grace_period_the_client_opens_a_new_session()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Sessions.GracePeriod = TimeSpan.Zero);
        await using var relay = new UdpRelay(host.EndPoint);
        await using QuicTunnelClient client = host.CreateClient(options => options.IdleTimeout = TimeSpan.FromSeconds(10), to: relay.EndPoint);
        client.Start();
        await client.WaitForSessionAsync().WaitAsync(Wait.Timeout);
        string? name = client.SessionName;
        relay.Cut = true;
        await Wait.UntilAsync(() => host.Sessions.List().Count == 0, "the session did not expire");
        relay.Cut = false;
        await Wait.UntilAsync(() => client.SessionName is { } now && now != name && client.Paths.Count == 1, "no new session");
        await Wait.UntilAsync(() => host.Logs.Entries.Any(entry => entry.Event == "SessionLost" && entry.Message.Contains(name!, StringComparison.Ordinal)), "nothing was said");
    }

    [Fact]
    public async Task A_path_that_fails_silently_is_not_used_and_its_packets_go_over_the_other_path()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Scheduler = TunnelScheduler.ActiveBackup);
        await using var relay = new UdpRelay(host.EndPoint);
        await using RawPeer dying = await RawPeer.ConnectAsync(relay.EndPoint);
        byte[] id = await dying.NewSessionAsync();
        // On a busy machine the working path may seem to stall too, so identify the failed path by its address.
        IPEndPoint dead = Assert.Single(host.Sessions.List()[0].Paths).RemoteEndPoint;
        await using RawPeer living = await RawPeer.ConnectAsync(host.EndPoint);
        Assert.Equal("", await living.JoinAsync(id));
        await SendUntilAsync(host, dying);
        relay.Cut = true;
        await SendUntilAsync(host, living);
        await Wait.UntilAsync(
            () =>
            {
                host.Packets.TrySend(IpPackets.Udp("10.99.0.1", "10.99.0.2", "x"u8));
                return host.Sessions.List()[0].Paths.Any(path => path.RemoteEndPoint.Equals(dead) && path.State == TunnelPathState.Stalled);
            },
            "The failed path was not noticed.");
        // If the working path also seems to stall, packets go over both paths: then try again.
        bool onlyLiving = false;
        for (byte round = 0; round < 20 && !onlyLiving; round++)
        {
            long before = SentOn(host, dead);
            for (int i = 0; i < 100; i++)
            {
                host.Packets.TrySend(IpPackets.Udp("10.99.0.1", "10.99.0.2", [(byte)'y', round]));
            }

            await Wait.UntilAsync(() => living.Datagrams.Count(datagram => datagram[^2] == 'y' && datagram[^1] == round) == 100, "packets were lost on the dead path");
            onlyLiving = SentOn(host, dead) == before;
        }

        Assert.True(onlyLiving, "packets still go over the dead path");
    }

    [Fact]
    public async Task The_name_of_the_token_is_the_identity()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options =>
        {
            options.Authentication.Mode = TunnelAuthenticationMode.Token;
            options.Authentication.Tokens[TunnelHost.Identity] = "0123456789abcdef";
        });
        await using QuicTunnelClient client = await host.ConnectAsync(options => options.Token = "0123456789abcdef");
        TunnelSessionInfo session = Assert.Single(host.Sessions.List());
        Assert.Equal(TunnelHost.Identity, session.Identity);
        Assert.True(session.QosIndication.IsEmpty);

        await using RawPeer wrong = await RawPeer.ConnectAsync(host.EndPoint);
        wrong.Send("0110" + Convert.ToHexString("0123456789abcdeX"u8));
        Assert.Equal((ulong)QuicTunnelError.Unauthorized, (await wrong.Closed).ErrorCode);
        await using RawPeer none = await RawPeer.ConnectAsync(host.EndPoint);
        none.Send("0100");
        Assert.Equal((ulong)QuicTunnelError.Unauthorized, (await none.Closed).ErrorCode);
    }

    [Fact]
    public async Task The_concentrator_is_healthy_and_no_log_shows_a_session_id()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        HealthCheckService checks = host.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal(HealthStatus.Healthy, (await checks.CheckHealthAsync()).Status);
        await using RawPeer peer = await RawPeer.ConnectAsync(host.EndPoint);
        byte[] id = await peer.NewSessionAsync();
        await using RawPeer joined = await RawPeer.ConnectAsync(host.EndPoint);
        await joined.JoinAsync(id);
        foreach (byte[] half in new[] { id.AsSpan(0, 8).ToArray(), id.AsSpan(24).ToArray() })
        {
            Assert.DoesNotContain(host.Logs.Entries, entry => entry.Message.Contains(Convert.ToHexString(half), StringComparison.OrdinalIgnoreCase));
        }

        Assert.Contains(host.Logs.Entries, entry => entry.Event == "SessionJoined");
    }

    private static long SentOn(TunnelHost host, IPEndPoint remote) => host.Sessions.List()[0].Paths.Single(path => path.RemoteEndPoint.Equals(remote)).PacketsSent;

    /// <summary>Sends packets that are too large until path MTU discovery has ended and the ICMP error reports the result.</summary>
    private static async Task<byte[]> AnswerAsync(InMemoryPacketInterface packets, string from, string to, Func<int> most, Func<byte[], int> read)
    {
        byte[]? answer = null;
        Task<byte[]> next = packets.ReceiveAsync();
        await Wait.UntilAsync(
            () =>
            {
                int size = most();
                packets.TrySend(IpPackets.Udp(from, to, Math.Max(1280, size)));
                if (!next.IsCompletedSuccessfully)
                {
                    return false;
                }

                answer = next.Result;
                next = packets.ReceiveAsync();
                return read(answer) == size && most() == size;
            },
            "no answer with the path's size");
        return answer!;
    }

    private static async Task SendUntilAsync(TunnelHost host, RawPeer peer)
    {
        peer.Datagrams.Clear();
        await Wait.UntilAsync(
            () =>
            {
                host.Packets.TrySend(IpPackets.Udp("10.99.0.1", "10.99.0.2", "z"u8));
                return !peer.Datagrams.IsEmpty;
            },
            "no packet came over that path");
    }
}
