using System.Net;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>Two concentrators with one certificate and one secret.</summary>
public class StatelessResetTests
{
    private const string Secret = "what all nodes know and nobody else does";

    [Fact]
    public async Task Packets_of_a_session_on_the_wrong_node_do_it_no_harm()
    {
        await using TunnelHost a = await StartAsync("gw-a");
        await using TunnelHost b = await StartAsync("gw-b");
        await using var balancer = new UdpBalancer(a.EndPoint, b.EndPoint);
        int server = 0;
        balancer.Choose = (_, _) => Volatile.Read(ref server);
        await using QuicTunnelClient client = a.CreateClient(to: balancer.EndPoint);
        client.Start();
        await client.WaitForSessionAsync().WaitAsync(Wait.Timeout);
        string? session = client.SessionName;
        byte[] packet = IpPackets.Udp("10.99.0.2", "10.99.0.1", "a packet of the session"u8);
        Assert.True(client.Packets!.TrySend(packet));
        Assert.Equal(packet, await a.Packets.ReceiveAsync());

        long answered = balancer.ToClients;
        Volatile.Write(ref server, 1);
        await Wait.UntilAsync(
            () =>
            {
                client.Packets.TrySend(packet);
                return b.Concentrator.ListenerStatistics!.Value.StatelessResetsSent >= 3 && balancer.ToClients >= answered + 3;
            },
            "the other node answers nothing");

        Volatile.Write(ref server, 0);
        byte[] last = IpPackets.Udp("10.99.0.2", "10.99.0.1", "and another one"u8);
        Task reading = ReadUntilAsync(a, last);
        await Wait.UntilAsync(() => reading.IsCompleted || !client.Packets.TrySend(last), "no packet comes through any more");
        await reading;
        Assert.Equal(session, client.SessionName);
        Assert.DoesNotContain(a.Logs.Entries, static entry => entry.Message.Contains("StatelessReset", StringComparison.Ordinal));
        Assert.Empty(b.Sessions.List());
    }

    // The key does not depend on the certificate, which may have been renewed meanwhile.
    [Fact]
    public async Task A_node_that_has_restarted_resets_its_former_connections()
    {
        TunnelHost former = await StartAsync("gw-a");
        IPEndPoint endPoint = former.EndPoint;
        await using RawPeer peer = await RawPeer.ConnectWithSessionAsync(endPoint);
        await former.Concentrator.DisposeAsync(); // As a process that is killed: clients are told nothing.
        await former.DisposeAsync();

        await using TunnelHost restarted = await StartAsync("gw-a", options =>
        {
            options.Listen[0] = endPoint.ToString();
            options.Certificate.Certificate = TestCertificates.Instance.Create("CN=renewed", server: true);
        });
        peer.Connection.Ping();

        Assert.Equal(Quic.QuicCloseKind.StatelessReset, (await peer.Closed).Kind);
    }

    private static async Task ReadUntilAsync(TunnelHost host, byte[] last)
    {
        while (!(await host.Packets.ReceiveAsync()).AsSpan().SequenceEqual(last))
        {
        }
    }

    private static Task<TunnelHost> StartAsync(string node, Action<QuicTunnelOptions>? configure = null) => TunnelHost.StartAsync(options =>
    {
        options.Cluster.Node = node;
        options.Cluster.Secret = Secret;
        configure?.Invoke(options);
    });
}
