using System.Net;
using MtaTls.Quic.Tests.Support;

namespace MtaTls.Quic.Tests;

public class QuicPathTests
{
    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 4)]
    public async Task A_NAT_that_changes_the_clients_port_interrupts_nothing(bool v6, int shards)
    {
        await using var quic = new QuicFixture(v6, o => o.Shards = shards);
        await using var relay = new UdpRelay(quic.EndPoint);
        Pair pair = await quic.ConnectPairAsync(to: relay.EndPoint);

        for (int i = 0; i < 5; i++)
        {
            int before = pair.Server.RemoteEndPoint.Port;
            relay.Rebind();
            await Exchange(pair);
            await RecordingHandler.Until(() => pair.Server.RemoteEndPoint.Port != before);
            await Exchange(pair);
        }

        Assert.True(pair.ServerHandler.PathChanges >= 5);
    }

    [Fact]
    public async Task The_client_migrates_to_another_local_address()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync(o => o.LocalAddress = IPAddress.Loopback);
        Assert.Equal(IPAddress.Loopback, pair.Server.RemoteEndPoint.Address);

        foreach (string to in (string[])["127.0.0.2", "127.0.0.3", "127.0.0.2"])
        {
            await Exchange(pair);
            pair.Client.Migrate(IPAddress.Parse(to), null);
            await RecordingHandler.Until(() => pair.Client.LocalEndPoint.Address.Equals(IPAddress.Parse(to)));
            await Exchange(pair);
            await RecordingHandler.Until(() => pair.Server.RemoteEndPoint.Address.Equals(IPAddress.Parse(to)));
        }

        Assert.False(pair.ClientHandler.IsClosed || pair.ServerHandler.IsClosed);
    }

    [Fact]
    public async Task A_migration_that_cannot_start_leaves_the_connection_on_its_path()
    {
        await using var quic = new QuicFixture();
        Pair pair = await quic.ConnectPairAsync(o => o.LocalAddress = IPAddress.Loopback);
        // Neither an interface that does not exist nor an address of another host can be bound.
        Assert.ThrowsAny<Exception>(() => pair.Client.Migrate(null, "no-such-if0"));
        Assert.ThrowsAny<Exception>(() => pair.Client.Migrate(IPAddress.Parse("192.0.2.77"), null));

        await Exchange(pair);

        Assert.Equal(IPAddress.Loopback, pair.Client.LocalEndPoint.Address);
        Assert.Throws<InvalidOperationException>(() => pair.Server.Migrate(IPAddress.Loopback, null));
    }

    [Fact]
    public async Task A_wildcard_listener_answers_from_the_address_that_the_client_sent_to()
    {
        await using var quic = new QuicFixture(server: o => o.EndPoints[0] = new IPEndPoint(IPAddress.Any, 0));
        foreach (string address in (string[])["127.0.0.1", "127.0.0.9"])
        {
            Pair pair = await quic.ConnectPairAsync(to: new IPEndPoint(IPAddress.Parse(address), quic.EndPoint.Port));
            await Exchange(pair);
            Assert.Equal(IPAddress.Parse(address), pair.Server.LocalEndPoint.Address);
        }
    }

    [Fact]
    public async Task One_listener_serves_IPv4_and_IPv6_wildcard_addresses()
    {
        await using var quic = new QuicFixture(server: o =>
        {
            o.EndPoints[0] = new IPEndPoint(IPAddress.Any, 0);
            o.EndPoints.Add(new IPEndPoint(IPAddress.IPv6Any, 0));
        });

        Pair v4 = await quic.ConnectPairAsync(to: new IPEndPoint(IPAddress.Loopback, quic.Listener.LocalEndPoints[0].Port));
        Pair v6 = await quic.ConnectPairAsync(to: new IPEndPoint(IPAddress.IPv6Loopback, quic.Listener.LocalEndPoints[1].Port));
        await Exchange(v4);
        await Exchange(v6);

        Assert.Equal(IPAddress.Loopback, v4.Server.LocalEndPoint.Address);
        Assert.Equal(IPAddress.IPv6Loopback, v6.Server.LocalEndPoint.Address);
    }

    private static async Task Exchange(Pair pair)
    {
        byte[] mark = Guid.NewGuid().ToByteArray();
        // A datagram may be lost while the path changes: send it again until it arrives.
        await Send(pair.Client, pair.ServerHandler);
        await Send(pair.Server, pair.ClientHandler);

        async Task Send(MtaTls.Quic.IQuicConnection from, RecordingHandler to)
        {
            using var timeout = new CancellationTokenSource(RecordingHandler.Timeout);
            while (true)
            {
                from.TrySendDatagram([], mark);
                using var soon = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token);
                soon.CancelAfter(300);
                try
                {
                    while (!(await to.Datagrams.ReadAsync(soon.Token)).AsSpan().SequenceEqual(mark))
                    {
                    }
                    return;
                }
                catch (OperationCanceledException) when (!timeout.IsCancellationRequested)
                {
                }
            }
        }
    }
}
