using System.Net;
using System.Net.Sockets;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>How the client chooses among the concentrator's addresses.</summary>
public sealed class DialingTests
{
    [Fact]
    public async Task An_address_that_does_not_answer_does_not_delay_the_client()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        // This socket receives packets and never answers, like an address behind a packet filter.
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.9"), host.EndPoint.Port));
        await using QuicTunnelClient client = host.CreateClient(options => options.ConnectTimeout = TimeSpan.FromMinutes(10));
        client.Tunnel.Resolver = static _ => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.9"), IPAddress.Loopback]);
        client.Start();
        await client.WaitForSessionAsync().WaitAsync(Wait.Timeout);
        Assert.Equal(IPAddress.Loopback, client.Paths[0].RemoteEndPoint.Address);
        Assert.True(silent.Available > 0, "The silent address was not tried first.");
        await Wait.UntilAsync(() => client.Paths.Count == 1 && host.Sessions.List().Sum(session => session.Paths.Count) == 1, "The connection of the slower attempt was kept.");
    }

    [Fact]
    public async Task A_concentrator_whose_name_is_unknown_is_named_in_the_log()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient client = host.CreateClient(static options => options.Host = "concentrator.invalid");
        client.Tunnel.Resolver = static _ => throw new SocketException((int)SocketError.HostNotFound);
        client.Start();
        await Wait.UntilAsync(
            () => host.Logs.Entries.Any(entry => entry.Event == "ConnectFailed" && entry.Message.Contains($"concentrator.invalid:{host.EndPoint.Port}: ", StringComparison.Ordinal)), "the concentrator was not named");
    }

    [Fact]
    public async Task A_link_over_an_interface_uses_an_address_family_of_the_interface()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient client = host.CreateClient(
            options =>
            {
                options.LocalAddresses.Add("lo");
                options.ConnectTimeout = TimeSpan.FromMinutes(10);
            },
            new IPv4Loopback());
        client.Tunnel.Resolver = static _ => Task.FromResult<IPAddress[]>([IPAddress.IPv6Loopback, IPAddress.Loopback]);
        client.Start();
        await client.WaitForSessionAsync().WaitAsync(Wait.Timeout);
        Assert.Equal(IPAddress.Loopback, client.Paths[0].LocalEndPoint.Address);
    }

    private sealed class IPv4Loopback : INetworkMonitor
    {
        public event Action? Changed
        {
            add { }
            remove { }
        }

        public bool HasAddress(IPAddress address) => true;

        public bool HasAddress(IPAddress address, string interfaceName) => true;

        public IPAddress? FindAddress(string interfaceName, AddressFamily family) => family == AddressFamily.InterNetwork ? IPAddress.Loopback : null;

        public IPAddress? FindSource(IPAddress destination) => null;

        public void Dispose()
        {
        }
    }
}
