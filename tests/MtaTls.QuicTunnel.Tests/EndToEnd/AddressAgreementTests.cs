using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Hosting;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>Addresses that the concentrator assigns, and addresses of other clients.</summary>
public sealed class AddressAgreementTests
{
    [Fact]
    public async Task A_client_gets_the_addresses_that_are_listed_for_it()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient client = await host.ConnectAsync(static options => options.RequestAddresses = true);
        await Wait.UntilAsync(() => client.Addresses.Count > 0, "no addresses came");
        Assert.Equal(["10.99.0.2/24", "fd99::2/64"], client.Addresses.Order());
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "up"u8);
        Assert.True(client.Packets!.TrySend(packet));
        Assert.Equal(packet, await host.Packets.ReceiveAsync());
    }

    [Fact]
    public async Task Other_clients_get_different_addresses_of_the_pool()
    {
        await using TunnelHost host = await TunnelHost.StartAnonymousAsync(static options => options.Addresses.Pool.Add("fd99::100/120"));
        await using QuicTunnelClient first = await host.ConnectAsync(static options => options.RequestAddresses = true);
        await using QuicTunnelClient second = await host.ConnectAsync(static options => options.RequestAddresses = true);
        await Wait.UntilAsync(() => first.Addresses.Count > 0 && second.Addresses.Count > 0, "no addresses came");
        Assert.Equal(["10.99.0.65/24", "10.99.0.66/24", "fd99::101/64", "fd99::102/64"], first.Addresses.Concat(second.Addresses).Order());
        byte[] packet = IpPackets.Udp("10.99.0.1", second.Addresses.Single(static address => address.Contains('.', StringComparison.Ordinal)).Split('/')[0], "down"u8);
        Assert.True(host.Packets.TrySend(packet));
        Assert.Equal(packet, await second.Packets!.ReceiveAsync());
    }

    [Fact]
    public async Task An_address_that_another_session_has_is_an_error_at_the_client_until_it_is_free()
    {
        await using TunnelHost host = await TunnelHost.StartAnonymousAsync(static options =>
        {
            options.Addresses.RestPeriod = TimeSpan.Zero;
            options.Sessions.GracePeriod = TimeSpan.Zero;
        });
        QuicTunnelClient first = await host.ConnectAsync(static options => options.Interface.Addresses.Add("10.99.0.70/24"));
        await Wait.UntilAsync(() => host.Sessions.List()[0].Addresses.Count == 1, "The first client did not get the address.");
        await using QuicTunnelClient second = await host.ConnectAsync(static options => options.Interface.Addresses.Add("10.99.0.70/24"));
        await Wait.UntilAsync(() => host.Logs.Entries.Any(static entry => entry is { Level: LogLevel.Error, Event: "AddressClash" }), "nothing was said");
        Assert.Contains(host.Logs.Entries, static entry => entry.Message.Contains("10.99.0.70 (it belongs to another session)", StringComparison.Ordinal));
        Assert.Contains("10.99.0.70", second.Tunnel.Agreement.Problem, StringComparison.Ordinal);
        Assert.Null(first.Tunnel.Agreement.Problem);
        await first.DisposeAsync();
        await Wait.UntilAsync(() => second.Tunnel.Agreement.Problem is null, "The address did not become free.");
    }

    [Fact]
    public async Task An_address_that_the_client_may_not_use_is_an_error_at_the_client()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient client = await host.ConnectAsync(static options => options.Interface.Addresses.Add("10.99.0.3/24"));
        await Wait.UntilAsync(() => client.Tunnel.Agreement.Problem is not null, "nothing was said");
        Assert.Contains("this client may not use it", client.Tunnel.Agreement.Problem, StringComparison.Ordinal);
        Assert.Equal(
            Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Unhealthy,
            (await new ClientHealthCheck(client).CheckHealthAsync(
                new() { Registration = new("tunnel", new ClientHealthCheck(client), null, null) }, TestContext.Current.CancellationToken)).Status);
    }

    [Fact]
    public void A_concentrator_that_does_not_answer_address_requests_is_an_error_after_five_seconds()
    {
        var time = new FakeTimeProvider();
        var logs = new RecordingLoggerProvider();
        var options = new QuicTunnelClientOptions { RequestAddresses = true };
        using var packets = new DisposableInterface(options.Interface);
        var dataPlane = new DataPlaneOptions(options.Scheduler, options.Queue, options.Reordering, DataPlaneOptions.CreateMemory(), new TunnelCounters(), time);
        using var sessions = new ClientSessions(packets.Interface, dataPlane, logs, []);
        using var agreement = new AddressAgreement(options, packets.Interface, time, logs);
        sessions.Agreement = agreement;
        ClientSession session = sessions.Create(new byte[32], []);
        var connection = new FakeConnection();
        session.Join(connection, 0);
        sessions.OnReady(session);
        for (int i = 0; i < 19; i++)
        {
            Assert.Null(agreement.Problem);
            time.Advance(TimeSpan.FromMilliseconds(250));
        }

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("The concentrator does not answer the request for addresses.", agreement.Problem);
        Assert.Contains(logs.Entries, static entry => entry is { Level: LogLevel.Error, Event: "NoAddresses" });
        Assert.Equal(20, connection.Sent.Count);
        Assert.All(connection.Sent, static datagram => Assert.Equal("88B50000010100", Convert.ToHexString(datagram)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0100")]
    [InlineData("010001")] // An address is missing.
    [InlineData("010000FF")] // Too long.
    [InlineData("030000")] // An unknown kind.
    [InlineData("010121")] // More than 32 addresses.
    [InlineData("0100010480000000000000000000000000000000")] // An unknown status.
    [InlineData("0100010081000000000000000000000000000000")] // A prefix length above 128.
    public async Task A_malformed_address_request_is_dropped_and_counted(string message)
    {
        Assert.False(AddressMessage.TryRead(Convert.FromHexString(message), out _, out _, out _));
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer peer = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        Assert.True(peer.Connection.TrySendDatagram([0x88, 0xB5, 0, 0], Convert.FromHexString(message)));
        await Wait.UntilAsync(() => host.Concentrator.Counters.GetDropped(DropReason.Malformed) == 1, "The request was not dropped.");
        Assert.Empty(peer.Datagrams);
    }

    [Fact]
    public async Task A_flood_of_address_requests_gets_few_answers()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using RawPeer peer = await RawPeer.ConnectWithSessionAsync(host.EndPoint);
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "last"u8);
        long began = TimeProvider.System.GetTimestamp();
        for (ushort i = 0; i < 1_000; i++)
        {
            while (!peer.Connection.TrySendDatagram([0x88, 0xB5, 0, 0], [1, 1, 0]))
            {
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }
        }

        while (!peer.Connection.TrySendDatagram([], IpPackets.Datagram(0, packet)))
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        Assert.Equal(packet, await host.Packets.ReceiveAsync());
        // At most 40 a second, however long a busy machine takes.
        Assert.InRange(peer.Datagrams.Count, 0, 40 * (TimeProvider.System.GetElapsedTime(began).TotalSeconds + 3));
    }

    private sealed class DisposableInterface(TunnelInterfaceOptions options) : IDisposable
    {
        public Interfaces.IPacketInterface Interface { get; } = new InMemoryPacketInterface(options);

        public void Dispose() => Interface.Dispose();
    }
}
