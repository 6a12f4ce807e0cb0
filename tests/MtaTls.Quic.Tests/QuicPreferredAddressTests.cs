using System.Net;
using System.Net.Sockets;
using MtaTls.FunctionalTests.Support;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

/// <summary>RFC 9000, section 9.6: the address that a server announces as its own, beside the one that it shares with others.</summary>
public class QuicPreferredAddressTests
{
    [Theory]
    [InlineData("127.0.0.2")] // Another address of the listener: ngtcp2 knows that a packet to it is this migration.
    [InlineData("127.0.0.1")] // The address that the balancer uses too.
    public async Task A_client_moves_to_the_address_that_the_server_announces(string own)
    {
        var preferred = new IPEndPoint(IPAddress.Parse(own), FreePort.Find());
        await using var quic = new QuicFixture(server: options =>
        {
            options.EndPoints[0] = preferred;
            if (own != "127.0.0.1")
            {
                options.EndPoints.Insert(0, new IPEndPoint(IPAddress.Loopback, 0));
            }

            options.PreferredAddresses.Add(preferred);
        });
        await using var balancer = new UdpBalancer(quic.EndPoint);
        Pair pair = await quic.ConnectPairAsync(to: balancer.EndPoint);
        Assert.Equal([preferred], pair.Client.PreferredEndPoints);
        Assert.Empty(pair.Server.PreferredEndPoints);

        await EchoUntilAsync(pair, () => pair.Client.RemoteEndPoint.Equals(preferred));
        balancer.Choose = static (_, _) => -1;
        await EchoUntilAsync(pair, () => pair.Server.LocalEndPoint.Equals(preferred) && pair.Server.RemoteEndPoint.Port == pair.Client.LocalEndPoint.Port);
        await EchoAsync(pair, "without the balancer");

        // The id that came with the address has a token of its own.
        pair.Server.Abort();
        await RecordingHandler.Until(() =>
        {
            pair.Client.TrySendDatagram([], "a datagram that has more than the 21 octets that a reset needs"u8);
            return pair.ClientHandler.IsClosed;
        });
        Assert.Equal(QuicCloseKind.StatelessReset, (await pair.ClientHandler.Closed).Kind);
    }

    [Fact]
    public async Task A_client_with_IPv6_takes_the_address_of_its_family()
    {
        var preferred = new IPEndPoint(IPAddress.IPv6Loopback, FreePort.Find());
        await using var quic = new QuicFixture(v6: true, server: options =>
        {
            options.EndPoints.Add(preferred);
            options.PreferredAddresses.Add(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 9));
            options.PreferredAddresses.Add(preferred);
        });
        Pair pair = await quic.ConnectPairAsync();
        await EchoUntilAsync(pair, () => pair.Client.RemoteEndPoint.Equals(preferred));
        Assert.Equal([preferred, new IPEndPoint(IPAddress.Parse("127.0.0.2"), 9)], pair.Client.PreferredEndPoints);
        await EchoAsync(pair, "over IPv6");
    }

    // Behind a translator: the server gets packets for its public address on its own.
    [Fact]
    public async Task The_address_may_be_one_that_the_server_itself_does_not_see()
    {
        await using var translator = new UdpBalancer();
        await using var quic = new QuicFixture(server: options => options.PreferredAddresses.Add(translator.EndPoint));
        translator.Servers = [quic.EndPoint];
        Pair pair = await quic.ConnectPairAsync();
        await EchoUntilAsync(pair, () => pair.Client.RemoteEndPoint.Equals(translator.EndPoint));
        await EchoAsync(pair, "translated");
        Assert.Equal(1, translator.Flows);
    }

    [Fact]
    public async Task A_client_stays_where_the_announced_address_does_not_answer_and_can_still_migrate()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var logs = new RecordingLogs();
        await using var quic = new QuicFixture(server: options => options.PreferredAddresses.Add((IPEndPoint)silent.LocalEndPoint!), logs: logs);
        Pair pair = await quic.ConnectPairAsync();
        await EchoUntilAsync(pair, () => logs.Events.Contains("QuicPreferredAddressFailed"));
        Assert.Equal(quic.EndPoint, pair.Client.RemoteEndPoint);
        Assert.True(silent.Available > 0, "the address was tried");

        pair.Client.Migrate(IPAddress.Parse("127.0.0.3"), null);
        await EchoUntilAsync(pair, () => pair.Client.LocalEndPoint.Address.ToString() == "127.0.0.3");
        await EchoAsync(pair, "from elsewhere");
    }

    // A migration that is asked for while the announced address is validated comes after it.
    [Fact]
    public async Task A_client_migrates_from_the_announced_address()
    {
        await using var translator = new UdpBalancer();
        await using var quic = new QuicFixture(server: options => options.PreferredAddresses.Add(translator.EndPoint));
        translator.Servers = [quic.EndPoint];
        (IQuicConnection client, RecordingHandler handler) = quic.Connect();
        handler.ConnectedAction = static connection => connection.Migrate(IPAddress.Parse("127.0.0.3"), null);
        await handler.Connected;
        RecordingHandler accepted = await quic.AcceptedAsync();
        var pair = new Pair(client, handler, await accepted.Connected, accepted);
        await EchoUntilAsync(pair, () => client.RemoteEndPoint.Equals(translator.EndPoint) && client.LocalEndPoint.Address.ToString() == "127.0.0.3");
        await EchoAsync(pair, "moved twice");
    }

    [Fact]
    public async Task A_client_may_leave_the_announced_address_alone()
    {
        await using var translator = new UdpBalancer();
        await using var quic = new QuicFixture(server: options => options.PreferredAddresses.Add(translator.EndPoint));
        translator.Servers = [quic.EndPoint];
        Pair pair = await quic.ConnectPairAsync(options => options.UsePreferredAddress = false);
        for (int i = 0; i < 20; i++)
        {
            await EchoAsync(pair, $"datagram {i}");
        }

        Assert.Equal([translator.EndPoint], pair.Client.PreferredEndPoints);
        Assert.Equal(quic.EndPoint, pair.Client.RemoteEndPoint);
        Assert.Equal(0, translator.Flows);
    }

    // RFC 9000, section 5.2.3.
    [Fact]
    public async Task A_client_that_is_asked_to_keep_its_address_does()
    {
        var logs = new RecordingLogs();
        await using var quic = new QuicFixture(server: options => options.DisableActiveMigration = true, logs: logs);
        Pair pair = await quic.ConnectPairAsync();
        IPEndPoint local = pair.Client.LocalEndPoint;
        pair.Client.Migrate(IPAddress.Parse("127.0.0.3"), null);
        await EchoUntilAsync(pair, () => logs.Events.Contains("QuicMigrationFailed"));
        Assert.Equal(local, pair.Client.LocalEndPoint);
    }

    /// <summary>RFC 9000, section 21.5.3: a server must not have a client send to hosts that only the client reaches.</summary>
    [Theory]
    [InlineData("203.0.113.1:443", "198.51.100.1", true)]
    [InlineData("[2001:db8::1]:443", "198.51.100.1", true)]
    [InlineData("203.0.113.1:443", "10.0.0.1", true)]
    [InlineData("10.0.0.2:443", "10.0.0.1", true)]
    [InlineData("10.0.0.2:443", "100.64.0.1", true)]
    [InlineData("127.0.0.2:443", "127.0.0.1", true)]
    [InlineData("[::1]:443", "127.0.0.1", true)]
    [InlineData("[fd00::1]:443", "172.16.0.1", true)]
    [InlineData("203.0.113.1:0", "198.51.100.1", false)]
    [InlineData("0.0.0.0:443", "127.0.0.1", false)]
    [InlineData("[::]:443", "127.0.0.1", false)]
    [InlineData("224.0.0.1:443", "127.0.0.1", false)]
    [InlineData("255.255.255.255:443", "127.0.0.1", false)]
    [InlineData("[ff02::1]:443", "127.0.0.1", false)]
    [InlineData("127.0.0.1:443", "198.51.100.1", false)]
    [InlineData("[::ffff:127.0.0.1]:443", "198.51.100.1", false)]
    [InlineData("[::1]:443", "2001:db8::1", false)]
    [InlineData("10.0.0.1:443", "198.51.100.1", false)]
    [InlineData("172.31.0.1:443", "198.51.100.1", false)]
    [InlineData("192.168.0.1:443", "198.51.100.1", false)]
    [InlineData("100.127.0.1:443", "198.51.100.1", false)]
    [InlineData("[fd00::1]:443", "198.51.100.1", false)]
    [InlineData("169.254.169.254:443", "10.0.0.1", false)]
    [InlineData("[fe80::1]:443", "fd00::1", false)]
    public void A_server_leads_no_client_into_a_network_that_is_nearer(string announced, string server, bool allowed) =>
        Assert.Equal(allowed, PreferredAddressRules.Allows(IPEndPoint.Parse(announced), IPAddress.Parse(server)));

    private static async Task EchoUntilAsync(Pair pair, Func<bool> condition)
    {
        int number = 0;
        await RecordingHandler.Until(() =>
        {
            pair.Client.TrySendDatagram([], BitConverter.GetBytes(number++));
            pair.Server.TrySendDatagram([], BitConverter.GetBytes(number++));
            Assert.False(pair.ClientHandler.IsClosed || pair.ServerHandler.IsClosed, "the connection ended");
            return condition();
        });
    }

    private static async Task EchoAsync(Pair pair, string text)
    {
        byte[] wanted = System.Text.Encoding.ASCII.GetBytes(text);
        foreach ((IQuicConnection from, RecordingHandler to) in new[] { (pair.Client, pair.ServerHandler), (pair.Server, pair.ClientHandler) })
        {
            await RecordingHandler.Until(() =>
            {
                // One that is under way while the path changes may be lost.
                from.TrySendDatagram([], wanted);
                bool found = false;
                while (to.Datagrams.TryRead(out byte[]? datagram))
                {
                    found |= datagram.AsSpan().SequenceEqual(wanted);
                }

                return found;
            });
        }
    }
}
