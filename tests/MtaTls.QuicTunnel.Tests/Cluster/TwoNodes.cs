using System.Net;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>Two concentrators of one cluster behind a balancer that gives flows to each in turn, the first flow to the first.</summary>
internal sealed class TwoNodes : IAsyncDisposable
{
    public const string Secret = "what all nodes know and nobody else does";

    private TwoNodes(TunnelHost a, TunnelHost b)
    {
        (A, B) = (a, b);
        Balancer = new UdpBalancer(a.EndPoint, b.EndPoint);
    }

    public TunnelHost A { get; }

    public TunnelHost B { get; }

    public UdpBalancer Balancer { get; }

    /// <param name="announce">Whether each node announces its own address.</param>
    /// <param name="configure">Changes the options of both; the name is "gw-a" or "gw-b".</param>
    public static async Task<TwoNodes> StartAsync(bool announce = true, Action<string, QuicTunnelOptions>? configure = null)
    {
        TunnelHost a = await StartNodeAsync("gw-a", announce, configure);
        return new TwoNodes(a, await StartNodeAsync("gw-b", announce, configure));
    }

    public static Task<TunnelHost> StartNodeAsync(string node, bool announce, Action<string, QuicTunnelOptions>? configure) => TunnelHost.StartAsync(options =>
    {
        options.Cluster.Node = node;
        options.Cluster.Secret = Secret;
        if (announce)
        {
            options.Listen[0] = $"127.0.0.1:{FunctionalTests.Support.FreePort.Find()}";
            options.Cluster.PreferredAddresses.Add(options.Listen[0]);
        }

        configure?.Invoke(node, options);
    });

    /// <summary>A client of two paths by the address that both share.</summary>
    public QuicTunnelClient StartClient(Action<QuicTunnelClientOptions>? configure = null)
    {
        QuicTunnelClient client = A.CreateClient(
            options =>
            {
                options.LocalAddresses.Add("127.0.0.2");
                options.LocalAddresses.Add("127.0.0.3");
                options.Interface.Addresses.Add("10.99.0.2/24");
                configure?.Invoke(options);
            },
            to: Balancer.EndPoint);
        client.Start();
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await Balancer.DisposeAsync();
        await A.DisposeAsync();
        await B.DisposeAsync();
    }
}
