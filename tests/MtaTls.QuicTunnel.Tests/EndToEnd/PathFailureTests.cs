using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>Paths and links that fail repeatedly.</summary>
public sealed class PathFailureTests
{
    [Fact]
    public async Task A_path_that_fails_again_and_again_is_a_warning_at_both_ends()
    {
        // Every packet goes over both paths, so both ends notice that one does not answer.
        await using TunnelHost host = await TunnelHost.StartAsync(static options => options.Scheduler = TunnelScheduler.Redundant);
        await using var relay = new UdpRelay(host.EndPoint);
        await using QuicTunnelClient client = await host.ConnectAsync(
            options =>
            {
                options.Scheduler = TunnelScheduler.Redundant;
                options.LocalAddresses.Add("127.0.0.1");
                options.LocalAddresses.Add("127.0.0.2");
            },
            to: relay.EndPoint);
        var failing = IPAddress.Parse("127.0.0.2");
        await Wait.UntilAsync(
            () =>
            {
                client.Packets!.TrySend(IpPackets.Udp("10.99.0.2", "10.99.0.1", "up"u8));
                host.Packets.TrySend(IpPackets.Udp("10.99.0.1", "10.99.0.2", "down"u8));
                bool isStalled = client.Paths.Any(path => path.LocalEndPoint.Address.Equals(failing) && path.State == TunnelPathState.Stalled);
                relay.CutAddress = isStalled ? null : failing;
                return Warned(host, "ClientPathHarmful") && Warned(host, "PathHarmful");
            },
            "nothing was said");
    }

    [Fact]
    public async Task A_client_that_only_receives_is_reached_over_its_other_network_although_a_translator_has_forgotten_its_port()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(static options =>
        {
            options.Scheduler = TunnelScheduler.ActiveBackup;
            options.Sessions.IdleTimeout = TimeSpan.FromMinutes(10);
        });
        await using var relay = new UdpRelay(host.EndPoint) { ForgetsPorts = true };
        IPAddress preferred = IPAddress.Parse("127.0.0.1"), other = IPAddress.Parse("127.0.0.2");
        await using QuicTunnelClient client = await host.ConnectAsync(
            options =>
            {
                options.Scheduler = TunnelScheduler.ActiveBackup;
                (options.KeepAlive.Interval, options.IdleTimeout) = (TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10));
                options.LocalAddresses.Add($"{preferred}");
                options.LocalAddresses.Add($"{other}");
            },
            to: relay.EndPoint);
        // The concentrator sends on the path that the client has sent on.
        client.Packets!.TrySend(IpPackets.Udp("10.99.0.2", "10.99.0.1", "up"u8));
        await host.Packets.ReceiveAsync();
        byte[] packet = IpPackets.Udp("10.99.0.1", "10.99.0.2", 333);
        relay.Rebind(other);
        // The network fails right after the first packet of this length.
        relay.Filter = (toServer, datagram) =>
        {
            if (!toServer && datagram.Length > packet.Length && datagram.Length < packet.Length + 100)
            {
                relay.CutAddress = preferred;
            }

            return true;
        };
        host.Packets.TrySend(packet);
        Assert.Equal(packet, await client.Packets.ReceiveAsync());
        Task<byte[]> next = client.Packets.ReceiveAsync();
        await Wait.UntilAsync(
            () =>
            {
                host.Packets.TrySend(packet);
                return next.IsCompleted;
            },
            "the concentrator did not reach the client");
    }

    [Fact]
    public async Task A_certificate_that_the_TLS_library_refuses_is_an_error_of_the_link_which_tries_again()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        using X509Certificate2 certificate = TestCertificates.Instance.Create("CN=laptop-1", server: false, curve: ECCurve.NamedCurves.brainpoolP256r1);
        await using QuicTunnelClient client = host.CreateClient(options => options.ClientCertificate.Certificate = certificate);

        client.Start();

        await Wait.UntilAsync(() => host.Logs.Entries.Count(static entry => entry is { Level: LogLevel.Error, Event: "LinkFailed" }) > 1, "nothing was said");
    }

    private static bool Warned(TunnelHost host, string name) => host.Logs.Entries.Any(entry => entry.Level == LogLevel.Warning && entry.Event == name);
}
